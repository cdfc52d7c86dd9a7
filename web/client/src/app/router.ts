import { createRouter, createWebHistory, type RouteLocationRaw } from "vue-router";
import { i18n } from "../i18n/index.ts";
import { needsCheck } from "../state/checked.ts";
import { whoAmIAtLast } from "../state/session.ts";
import { AREAS, homeOf } from "./areas.ts";
import { renewMissingParts } from "./renewal.ts";

declare module "vue-router" {
  interface RouteMeta {
    /** Key of the page's title among the words. */
    title?: string;
    /** Opens without a session. */
    open?: boolean;
    /** Without the top bar's proceeding. */
    bare?: boolean;
    /** One tab of a seat only: pages on which a seat acts. */
    oneTab?: boolean;
    /** Uses the whole width of the window. */
    wide?: boolean;
  }
}

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/", component: () => import("./NotFound.vue"), meta: { home: true } },
    ...AREAS,
    { path: "/:rest(.*)*", component: () => import("./NotFound.vue"), meta: { open: true, title: "notFound.title" } },
  ],
  scrollBehavior: () => ({ top: 0 }),
});

router.beforeEach(async (to): Promise<RouteLocationRaw | boolean> => {
  if (to.meta.open) return true;
  const me = await whoAmIAtLast();
  if (me === null) return "/sign-in";
  if (to.path !== "/") return true;
  return needsCheck(me) ? "/check-in" : homeOf(me.role);
});

renewMissingParts(router);

/** A new page says its name: the window's title, and the focus on its main heading for those who hear it. */
router.afterEach((to, from) => {
  const { t } = i18n.global;
  const product = `${t("product.name")} ${t("product.latin")}`;
  document.title = to.meta.title ? `${t(to.meta.title)} · ${product}` : product;
  if (from.matched.length > 0 && to.path !== from.path) {
    requestAnimationFrame(() => document.querySelector<HTMLElement>("main")?.focus({ preventScroll: true }));
  }
});
