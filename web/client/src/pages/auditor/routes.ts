import type { RouteRecordRaw } from "vue-router";

export const routes: RouteRecordRaw[] = [
  { path: "/auditor", component: () => import("./AuditorPage.vue"), meta: { title: "auditor.title", wide: true } },
];
