import type { RouteRecordRaw } from "vue-router";

export const routes: RouteRecordRaw[] = [
  {
    path: "/expert",
    component: () => import("./ExpertSeat.vue"),
    meta: { title: "expert.title", oneTab: true, wide: true },
    children: [
      { path: "", component: () => import("./HomePage.vue"), meta: { title: "expert.home.title" } },
      { path: "commitment", component: () => import("./CommitmentPage.vue"), meta: { title: "expert.commitment.title" } },
      { path: "recusal", component: () => import("./RecusalPage.vue"), meta: { title: "expert.recusal.title" } },
      { path: "withdraw", component: () => import("./WithdrawPage.vue"), meta: { title: "expert.withdraw.title" } },
      { path: "chair", component: () => import("./ChairPage.vue"), meta: { title: "expert.chair.title" } },
      { path: "review", component: () => import("./ReviewPage.vue"), meta: { title: "expert.review.title" } },
      { path: "score", component: () => import("./ScorePage.vue"), meta: { title: "expert.score.title" } },
      { path: "freeze", component: () => import("./FreezePage.vue"), meta: { title: "expert.freeze.title" } },
      { path: "steps", component: () => import("./StepsPage.vue"), meta: { title: "expert.steps.title" } },
      { path: "results", component: () => import("./ResultsPage.vue"), meta: { title: "expert.results.title" } },
      { path: "sign", component: () => import("./SignPage.vue"), meta: { title: "expert.sign.title" } },
      { path: "resume", component: () => import("./ResumePage.vue"), meta: { title: "expert.resume.title" } },
      { path: "documents", component: () => import("./DocumentsPage.vue"), meta: { title: "expert.documents.title" } },
      { path: "shared", component: () => import("./SharedPage.vue"), meta: { title: "expert.shared.title" } },
    ],
  },
];
