import type { Shape } from "../../i18n/words.ts";
import type zh from "./zh.ts";

const en: Shape<typeof zh> = {
  title: "Sign in",
  lead: "Please open this page with the one-time link that you were given.",
  leadMore: "The staff hands it out; it works once. Then your identity and your device are checked.",
  signing: "Signing in…",
  refused: "Could not sign in",
  again: "Try again",
  notice: "Sound and picture are recorded from your entry until the evaluation ends. Nobody can switch it off.",
};
export default en;
