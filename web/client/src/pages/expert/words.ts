/** Words for a code: those of this area first, then those of the shell. */
import { useI18n } from "vue-i18n";
import { useProblem } from "../../parts/problem.ts";

export function useWords(): (code: string) => string {
  const { t, te } = useI18n();
  const shell = useProblem();
  return (code) => (te(`expert.problems.${code}`) ? t(`expert.problems.${code}`) : shell(code));
}
