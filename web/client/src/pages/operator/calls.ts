/** Requests for help that wait for an answer; each is told aloud as it comes and as its clock turns, once. */
import { computed, onBeforeUnmount, ref } from "vue";
import { useI18n } from "vue-i18n";
import type { Proceeding } from "../../state/proceeding.ts";
import { useCallers } from "./callers.ts";

export function useCalls(proceeding: Proceeding, name: (seat: string) => string) {
  const { t } = useI18n();
  const now = ref(Date.now());
  const timer = setInterval(() => (now.value = Date.now()), 1000);
  onBeforeUnmount(() => clearInterval(timer));
  const waiting = computed(() => {
    const { me, help } = proceeding.view ?? {};
    // Who watches sees them too, and is not the one who is called.
    const { requests = [], yellow = 60, red = 180 } = (me?.role === "operator" ? help : null) ?? {};
    return requests
      .filter(({ answer }) => answer === null)
      .map((one) => {
        const seconds = Math.max(0, Math.round((now.value + (proceeding.status.offset ?? 0) - Date.parse(one.at)) / 1000));
        const tone = seconds >= red ? ("bad" as const) : seconds >= yellow ? ("warn" as const) : ("busy" as const);
        return { ...one, seconds, tone };
      });
  });
  useCallers(() =>
    waiting.value.map(({ id, seat, kind, tone }) => ({
      key: `${id} ${tone}`,
      text: t(`operator.help.calls.${tone}`, { who: name(seat), kind: t(`operator.help.kinds.${kind}`) }),
      urgent: tone === "bad",
    })),
  );
  return waiting;
}
