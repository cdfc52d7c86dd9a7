import { defineConfig } from "@hey-api/openapi-ts";

// Only the types: `src/api/call.ts` is the one place that fetches.
export default defineConfig({
  input: "../../openapi.json",
  output: "src/api/generated",
  plugins: ["@hey-api/typescript"],
  logs: { file: false, level: "warn" },
});
