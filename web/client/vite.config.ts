import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";
import { compressed } from "./scripts/compressed.ts";

// Chromium 109 is the oldest kernel that we promise (docs/adr, architecture rule 11).
export default defineConfig({
  plugins: [vue(), compressed()],
  build: {
    target: "chrome109",
    outDir: "dist",
    // Nothing is inlined: the Content-Security-Policy has no `data:` for fonts and scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
  worker: { format: "es" },
  define: {
    __VUE_OPTIONS_API__: "true",
    __VUE_PROD_DEVTOOLS__: "false",
    __VUE_I18N_FULL_INSTALL__: "true",
    __VUE_I18N_LEGACY_API__: "false",
    __INTLIFY_PROD_DEVTOOLS__: "false",
    __INTLIFY_DROP_MESSAGE_COMPILER__: "false",
  },
});
