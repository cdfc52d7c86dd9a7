/** The supervisor's own key in this browser: opened once, and every act signed by it. */
import { onBeforeUnmount, shallowReactive } from "vue";
import type { JsonObject } from "../../crypto/canonical.ts";
import type { Disclosure } from "../../crypto/disclosure.ts";
import type { Seat } from "../../crypto/seat.ts";
import type { Performing } from "../../parts/choice.ts";
import { me } from "../../state/session.ts";

export interface Acting extends Performing {
  state: "opening" | "ready" | "failed";
  code: string;
  busy: boolean;
  retry: () => void;
}

export function useActing(): Acting {
  let seat: Seat | null = null;
  const acting: Acting = shallowReactive({
    state: "opening",
    code: "",
    busy: false,
    perform: (name: string, body: JsonObject, disclosed: readonly Disclosure[] = []) => run((found) => found.perform(name, body, disclosed)),
    retry: () => void open(),
  });

  async function open(): Promise<void> {
    acting.state = "opening";
    try {
      const who = me.value;
      if (who === null) throw new Error("nobody is signed in");
      // The cryptography is a chunk of its own; the wall shows without it.
      const { openSeat } = await import("../../crypto/open.ts");
      seat = await openSeat(who);
      acting.state = "ready";
    } catch (error) {
      acting.code = codeOf(error);
      acting.state = "failed";
    }
  }

  async function run(work: (seat: Seat) => Promise<unknown>): Promise<boolean> {
    if (seat === null || acting.busy) return false;
    acting.busy = true;
    acting.code = "";
    try {
      await work(seat);
      return true;
    } catch (error) {
      acting.code = codeOf(error);
      return false;
    } finally {
      acting.busy = false;
    }
  }

  onBeforeUnmount(() => seat?.close());
  void open();
  return acting;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "internal";
}
