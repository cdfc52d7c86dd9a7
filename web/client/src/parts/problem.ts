/** Words for a code of the server. */
import { useI18n } from "vue-i18n";

export function useProblem(): (code: string) => string {
  const { t, te } = useI18n();
  return (code) => (te(`problems.${code}`) ? t(`problems.${code}`) : t("problems.unknown", { code }));
}
