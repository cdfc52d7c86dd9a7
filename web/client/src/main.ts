import { createApp } from "vue";
import App from "./app/App.vue";
import { router } from "./app/router.ts";
import "./design/design.css";
import { i18n, speak } from "./i18n/index.ts";
import { preferences } from "./state/preferences.ts";

await speak(preferences.locale);
// After the first picture: only machines without a Chinese font fetch anything of it.
requestAnimationFrame(() => void import("./design/fonts.css"));
createApp(App).use(i18n).use(router).mount("#app");
