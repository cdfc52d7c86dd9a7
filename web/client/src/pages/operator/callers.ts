/** Tells an operator who looks elsewhere that somebody waits: in words for those who hear the page, and by a tone. */
import { watch } from "vue";
import { playTone } from "../../call/meter.ts";
import { announce, interrupt } from "../../parts/announce.ts";

export interface Caller {
  /** Who calls, and how urgently: told once for each. */
  key: string;
  text: string;
  urgent: boolean;
}

/** Who comes back to the console does not hear all of it again. */
const told = new Set<string>();

export function useCallers(callers: () => readonly Caller[]): void {
  watch(
    callers,
    (all) => {
      const fresh = all.filter(({ key }) => !told.has(key));
      for (const { key, text, urgent } of fresh) {
        told.add(key);
        (urgent ? interrupt : announce)(text);
      }
      // A page that nobody has touched yet may not sound.
      if (fresh.length > 0 && navigator.userActivation.hasBeenActive) void playTone().catch(() => undefined);
    },
    { immediate: true },
  );
}
