/** Words for a code of the server: those of the area first, where it has some, then those of the shell. */
import { useI18n } from "vue-i18n";

export function useProblem(area?: string): (code: string) => string {
  const { t, te } = useI18n();
  return (code) => {
    if (area !== undefined && te(`${area}.problems.${code}`)) return t(`${area}.problems.${code}`);
    return te(`problems.${code}`) ? t(`problems.${code}`) : t("problems.unknown", { code });
  };
}
