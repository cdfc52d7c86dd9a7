/** What this browser's person prefers: language and large text. Kept on the device, no part of any record. */
import { reactive, watchEffect } from "vue";

export type Locale = "zh" | "en";
const KEY = "tongping/preferences";

interface Preferences {
  locale: Locale;
  /** 关怀模式: larger text and controls, higher contrast. */
  large: boolean;
}

function stored(): Preferences {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Preferences>;
    return { locale: found.locale === "en" ? "en" : "zh", large: found.large === true };
  } catch {
    return { locale: "zh", large: false };
  }
}

export const preferences: Preferences = reactive(stored());

watchEffect(() => {
  document.documentElement.dataset["text"] = preferences.large ? "large" : "normal";
  document.documentElement.lang = preferences.locale === "zh" ? "zh-CN" : "en";
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // A browser that keeps nothing still shows the page.
  }
});
