import type { RouteRecordRaw } from "vue-router";

export const routes: RouteRecordRaw[] = [
  { path: "/auditor", component: () => import("./AuditorPage.vue"), meta: { title: "auditor.title", wide: true } },
  { path: "/auditor/all", component: () => import("./AllPage.vue"), meta: { title: "auditor.all.title" } },
];
