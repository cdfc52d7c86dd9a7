import type { RouteRecordRaw } from "vue-router";

export const routes: RouteRecordRaw[] = [
  {
    path: "/operator",
    component: () => import("./OperatorPage.vue"),
    meta: { title: "operator.title", oneTab: true, wide: true },
  },
];
