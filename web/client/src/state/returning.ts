/** A seat that comes back, as its page shows it: what is to be handed in again, who comes first, and the verdicts. */
import { computed, shallowReactive, watch, type ComputedRef, type Ref } from "vue";
import { codeOf } from "../api/problem.ts";
import type { Act } from "../crypto/act.ts";
import type { Bytes } from "../crypto/bytes.ts";
import type { Verdict } from "../crypto/device.ts";
import type { Seat } from "../crypto/seat.ts";
import type { Continued, View } from "../live/view.ts";

export interface Returning {
  /** What `parts/ComeBack.vue` shows; null while nothing of it is due. */
  shown: ComputedRef<Shown | null>;
  go(confirmed: readonly Bytes[]): Promise<void>;
}

export interface Shown {
  offline: readonly Act[];
  lost: number;
  verdicts: readonly Verdict[];
  continued: Continued | null;
  busy: boolean;
  waits: boolean;
  failed: string;
  back: boolean;
}

/** `changed`: the seat's journal is another one now, which is no reactive thing. */
export function useReturning(seat: Readonly<Ref<Seat | null>>, view: () => View | null, changed: () => void = () => undefined): Returning {
  const state = shallowReactive<Shown>({ offline: [], lost: 0, verdicts: [], continued: null, busy: false, waits: false, failed: "", back: false });
  const due = computed(() => view()?.todo.includes("seat.resume") === true);

  function read(): void {
    const device = seat.value?.device;
    if (!device) return;
    const offline = [...device.offline];
    Object.assign(state, { offline, lost: offline.filter((act) => device.wasLost(act)).length, verdicts: [...device.verdicts] });
    if (state.busy || state.back) return;
    // Once the seat acts in the log that goes on, a later cut is one like any other.
    const continued = view()?.continued ?? null;
    state.continued = continued !== null && device.freshFrom(continued.n) ? continued : null;
  }

  async function go(confirmed: readonly Bytes[]): Promise<void> {
    const [mine, me] = [seat.value, view()?.me];
    if (!mine || !me || state.busy) return;
    Object.assign(state, { busy: true, failed: "", waits: false });
    const look = setInterval(read, LOOK_MS);
    try {
      await mine.resume(me.ctr, confirmed, () => (state.waits = true));
      state.back = true;
    } catch (error) {
      state.failed = codeOf(error);
    } finally {
      clearInterval(look);
      read();
      Object.assign(state, { busy: false, waits: false });
      changed();
    }
  }

  watch(
    [seat, due],
    ([, is]) => {
      if (is && !state.busy) state.back = false;
      read();
    },
    { immediate: true },
  );
  const shown = computed(() => (seat.value && (due.value || state.busy || state.back) ? { ...state } : null));
  return { shown, go };
}

/** While acts go in one after the other, their verdicts come one after the other. */
const LOOK_MS = 500;
