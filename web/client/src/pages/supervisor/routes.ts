import type { RouteRecordRaw } from "vue-router";

export const routes: RouteRecordRaw[] = [
  { path: "/supervisor", component: () => import("./SupervisorPage.vue"), meta: { title: "supervisor.title", wide: true, oneTab: true } },
];
