import { createApp } from "vue";
import App from "./app/App.vue";
import { router } from "./app/router.ts";
import "./design/design.css";
import { i18n, speak } from "./i18n/index.ts";
import { preferences } from "./state/preferences.ts";

await speak(preferences.locale);
createApp(App).use(i18n).use(router).mount("#app");
