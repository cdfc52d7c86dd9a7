export default {
  title: "会场设备",
};
