import type { RouteRecordRaw } from "vue-router";

export const routes: RouteRecordRaw[] = [
  { path: "/rooms", component: () => import("./RoomsPage.vue"), meta: { title: "rooms.title" } },
];
