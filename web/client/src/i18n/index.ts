/** Words of the pages. A language is one chunk, loaded when it is chosen; its areas are listed in `zh.ts` and `en.ts`. */
import { watch } from "vue";
import { createI18n } from "vue-i18n";
import { preferences, type Locale } from "../state/preferences.ts";

export const i18n = createI18n({
  legacy: false,
  locale: preferences.locale,
  fallbackLocale: false,
  missingWarn: true,
  messages: {},
  datetimeFormats: {
    zh: formats("zh-CN"),
    en: formats("en-GB"),
  },
});

type Formats = Record<"time" | "moment" | "minute" | "day", Intl.DateTimeFormatOptions>;

/** The record's time zone is the law's, wherever the browser stands (24 hours, Asia/Shanghai). */
function formats(locale: string): Formats {
  const zone = { timeZone: "Asia/Shanghai", hour12: false } as const;
  const day = { year: "numeric", month: locale === "zh-CN" ? "long" : "short", day: "numeric" } as const;
  const time = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
  const minute = { hour: "2-digit", minute: "2-digit" } as const;
  return { time: { ...zone, ...time }, moment: { ...zone, ...day, ...time }, minute: { ...zone, ...day, ...minute }, day: { ...zone, ...day } };
}

const loaded = new Set<Locale>();

export async function speak(locale: Locale): Promise<void> {
  if (!loaded.has(locale)) {
    const words = locale === "zh" ? (await import("./zh.ts")).default : (await import("./en.ts")).default;
    i18n.global.setLocaleMessage(locale, words);
    loaded.add(locale);
  }
  i18n.global.locale.value = locale;
}

// Words that cannot be had while the line is away leave the page, and the switch, in the language that it speaks.
watch(
  () => preferences.locale,
  (locale) => void speak(locale).catch(() => (preferences.locale = i18n.global.locale.value as Locale)),
);
