/**
 * The room device's own key: it is bound once its centre vouched, and after a loss of the venue it says by itself what
 * it has seen (`seat.resume`), since nobody sits before it to press a button.
 */
import { onBeforeUnmount, shallowRef, watch } from "vue";
import { codeOf } from "../../api/problem.ts";
import type { Seat } from "../../crypto/seat.ts";
import type { Proceeding } from "../../state/proceeding.ts";
import { me } from "../../state/session.ts";

// Another page of this browser that gives the seat up needs a moment; a server that comes back needs more.
const AGAIN_MS = 3000;

export function useRoomKey(proceeding: Proceeding) {
  const fault = shallowRef<string | null>(null);
  let seat: Seat | null = null;
  let left = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let working = false;

  async function work(): Promise<void> {
    const view = proceeding.view;
    const due = view?.todo.find((act) => act === "seat.resume" || act === "seat.bind");
    if (!view || !due || working || left || (due === "seat.bind" && !view.me.vouched)) return;
    working = true;
    clearTimeout(timer);
    try {
      seat ??= await opened();
      if (seat === null) return;
      if (due === "seat.bind") await seat.bind();
      else await seat.resume(view.me.ctr, []);
      fault.value = null;
    } catch (error) {
      fault.value = codeOf(error);
      timer = setTimeout(() => void work(), AGAIN_MS);
    } finally {
      working = false;
    }
  }

  async function opened(): Promise<Seat | null> {
    if (!me.value) return null;
    const { openSeat } = await import("../../crypto/open.ts");
    const found = await openSeat(me.value);
    if (!left) return found;
    found.close();
    return null;
  }

  watch(() => [proceeding.view?.todo.join(), proceeding.view?.me.vouched], () => void work(), { immediate: true });
  onBeforeUnmount(() => {
    left = true;
    clearTimeout(timer);
    seat?.close();
  });
  return { fault };
}
