export default {
  title: "监督",
};
