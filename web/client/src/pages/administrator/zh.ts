export default {
  title: "管理",
};
