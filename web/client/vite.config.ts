import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";
import { acyclic } from "./scripts/acyclic.ts";
import { compressed } from "./scripts/compressed.ts";

// A shared chunk is named after all pages that share it.
const own = (name: string): string => name.replace(/~.*/, "");

// A document's reader comes when a document is opened; Element Plus and its own needs come with a back office's page.
const APART = /node_modules\/(pdfjs-dist|core-js)\//;
const OFFICE = /parts\/DateField|node_modules\/(element-plus|@element-plus|dayjs|lodash|@floating-ui|@popperjs|@sxzz|@vueuse|async-validator|memoize-one|normalize-wheel)/;

// Chromium 109 is the oldest kernel that we promise (docs/adr, architecture rule 11).
export default defineConfig({
  plugins: [vue(), acyclic(), compressed()],
  build: {
    target: "chrome109",
    outDir: "dist",
    // Nothing is inlined: the Content-Security-Policy has no `data:` for fonts and scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    // What pages share comes in a few chunks: a dozen of a kilobyte each made a page wait 300 ms longer (bench/client.py).
    rolldownOptions: {
      output: {
        chunkFileNames: ({ name }) => `assets/${own(name)}-[hash].js`,
        assetFileNames: ({ names: [name = ""] }) => `assets/${own(name.replace(/\.\w+$/, ""))}-[hash][extname]`,
        codeSplitting: {
          // What lies in one of these imports nothing that lies elsewhere, so nothing waits in a circle (scripts/acyclic.ts).
          groups: [
            { name: "element", test: OFFICE, minShareCount: 2, priority: 2 },
            { name: "vendor", test: (id) => /node_modules|vite\/preload-helper|plugin-vue/.test(id) && !APART.test(id) && !OFFICE.test(id), priority: 3 },
            { name: "shared", test: (id) => !APART.test(id) && !OFFICE.test(id), minShareCount: 2 },
          ],
        },
      },
    },
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
