import { createApp } from "vue";
import { loadRouteLocation } from "vue-router";
import App from "./app/App.vue";
import { router } from "./app/router.ts";
import "./design/design.css";
import { fetchFonts } from "./design/fonts.ts";
import { i18n, speak } from "./i18n/index.ts";
import { preferences } from "./state/preferences.ts";
import { whoAmI } from "./state/session.ts";

// Words, session and the page's own part come at once, not one after the other.
const to = router.resolve(location.pathname);
void loadRouteLocation(to).catch(() => undefined);
const known = to.meta.open ? null : whoAmI().catch(() => null);
// A server that does not answer must not leave the page without words.
await Promise.all([speak(preferences.locale), Promise.race([known, new Promise((resolve) => setTimeout(resolve, 1500))])]);
createApp(App).use(i18n).use(router).mount("#app");
// Last of all: the letters, on the few machines that have none.
void router.isReady().finally(() => requestAnimationFrame(() => void fetchFonts()));
