import type { RouteRecordRaw } from "vue-router";

export const routes: RouteRecordRaw[] = [
  {
    path: "/administrator",
    component: () => import("./ProceedingsPage.vue"),
    meta: { title: "administrator.title" },
  },
  {
    path: "/administrator/tender",
    component: () => import("./TenderPage.vue"),
    meta: { title: "administrator.tender.title" },
  },
  {
    path: "/administrator/:id",
    component: () => import("./ProceedingPage.vue"),
    props: true,
    meta: { title: "administrator.one.title" },
  },
];
