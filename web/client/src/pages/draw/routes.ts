import type { RouteRecordRaw } from "vue-router";

export const routes: RouteRecordRaw[] = [{ path: "/draw", component: () => import("./DrawPage.vue"), meta: { title: "draw.title", oneTab: true } }];
