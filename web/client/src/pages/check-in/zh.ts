export default {
  title: "设备检查",
};
