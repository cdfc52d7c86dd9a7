/** The seat's own key in this browser: opened once for a page, and every act signed by it. */
import { onBeforeUnmount, shallowReactive } from "vue";
import { codeOf } from "../api/problem.ts";
import type { JsonObject } from "../crypto/canonical.ts";
import type { Disclosure } from "../crypto/disclosure.ts";
import type { Seat } from "../crypto/seat.ts";
import type { Performing } from "../parts/choice.ts";
import { openOwnSeat } from "./seat.ts";

export interface Acting extends Performing {
  state: "opening" | "ready" | "failed";
  code: string;
  busy: boolean;
  /** Of this device's key, once it is open. */
  thumbprint: string;
  retry: () => void;
  /** The seat itself, once it is open. */
  seat: Seat | null;
}

/** How the seat signs and hands in: in its proceeding, where nothing else is said. */
export type Way = (seat: Seat, name: string, body: JsonObject, disclosed: readonly Disclosure[]) => Promise<unknown>;

const IN_THE_PROCEEDING: Way = (seat, name, body, disclosed) => seat.perform(name, body, disclosed);

export function useActing(way: Way = IN_THE_PROCEEDING): Acting {
  let left = false;
  const acting: Acting = shallowReactive({
    state: "opening",
    code: "",
    busy: false,
    thumbprint: "",
    perform,
    retry: () => void open(),
    seat: null,
  });

  async function open(): Promise<void> {
    acting.state = "opening";
    try {
      const seat = await openOwnSeat(() => left);
      if (seat === null) return;
      acting.seat = seat;
      acting.thumbprint = seat.device.thumbprint;
      acting.state = "ready";
    } catch (error) {
      acting.code = codeOf(error);
      acting.state = "failed";
    }
  }

  async function perform(name: string, body: JsonObject, disclosed: readonly Disclosure[] = []): Promise<boolean> {
    const { seat } = acting;
    if (seat === null || acting.busy) return false;
    Object.assign(acting, { busy: true, code: "" });
    try {
      await way(seat, name, body, disclosed);
      return true;
    } catch (error) {
      acting.code = codeOf(error);
      return false;
    } finally {
      acting.busy = false;
    }
  }

  onBeforeUnmount(() => {
    left = true;
    acting.seat?.close();
  });
  void open();
  return acting;
}
