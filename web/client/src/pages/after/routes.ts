import type { RouteRecordRaw } from "vue-router";

export const routes: RouteRecordRaw[] = [{ path: "/after", component: () => import("./AfterPage.vue"), meta: { title: "after.title", oneTab: true } }];
