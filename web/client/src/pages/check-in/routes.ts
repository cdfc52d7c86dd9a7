import type { RouteRecordRaw } from "vue-router";

export const routes: RouteRecordRaw[] = [
  { path: "/check-in", component: () => import("./CheckIn.vue"), meta: { title: "checkIn.title" } },
];
