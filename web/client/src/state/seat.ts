/** The seat's own key in this browser, opened for one page. */
import { shallowRef } from "vue";
import { codeOf } from "../api/problem.ts";
import type { JsonObject } from "../crypto/canonical.ts";
import type { Seat } from "../crypto/seat.ts";
import { saveFile } from "./save.ts";
import { me } from "./session.ts";

// Another page of this browser that is giving the seat up needs a moment.
const HAND_OVER_MS = 5000;
const AGAIN_MS = 250;

/** Two histories of one log, as this seat has them: what it verified, and what the server showed instead. */
export const fork = shallowRef<JsonObject | null>(null);

/** A file of both checkpoints, for those who decide. */
export function exportFork(): void {
  saveFile("checkpoints.json", JSON.stringify(fork.value, null, 2));
}

/** The open seat; null where the page was left meanwhile. The cryptography is a chunk of its own. */
export async function openOwnSeat(left: () => boolean): Promise<Seat | null> {
  const { openSeat } = await import("../crypto/open.ts");
  const until = Date.now() + HAND_OVER_MS;
  while (me.value !== null && !left()) {
    try {
      const seat = await openSeat(me.value, (evidence) => (fork.value = evidence));
      if (!left()) return seat;
      seat.close();
    } catch (error) {
      if (codeOf(error) !== "seat-in-use" || Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
  return null;
}
