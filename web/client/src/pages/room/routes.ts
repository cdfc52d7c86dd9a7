import type { RouteRecordRaw } from "vue-router";

export const routes: RouteRecordRaw[] = [
  { path: "/room", component: () => import("./RoomPage.vue"), meta: { title: "room.title", oneTab: true, wide: true } },
];
