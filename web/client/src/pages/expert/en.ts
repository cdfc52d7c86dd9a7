import type { Shape } from "../../i18n/words.ts";
import type zh from "./zh.ts";

const en: Shape<typeof zh> = {
  title: "Expert",
};
export default en;
