import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";
import { acyclic } from "./scripts/acyclic.ts";
import { compressed } from "./scripts/compressed.ts";

// A shared chunk is named after all pages that share it.
const own = (name: string): string => name.replace(/~.*/, "");

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
          // Neither can import a page's own chunk, so nothing waits in a circle (scripts/acyclic.ts).
          groups: [
            { name: "vendor", test: /node_modules\/(?!pdfjs-dist|core-js)|vite\/preload-helper/, priority: 2 },
            { name: "shared", test: (id) => !/pdfjs-dist|core-js/.test(id), minShareCount: 2 },
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
