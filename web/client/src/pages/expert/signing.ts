/** Signing the report, when it is this seat's turn: what `Seat.proveReport` gave, and nothing on the server's word. */
import { codeOf } from "../../api/problem.ts";
import type { Answered } from "../../crypto/device.ts";
import type { Ranked } from "../../crypto/report.ts";
import type { Seat } from "../../crypto/seat.ts";

/** Another seat's signature takes a minute at most (sessions/times.py); then it is the next one's turn. */
const PATIENCE_MS = 180_000;
const AGAIN_MS = 1000;
const TURNS = new Set(["signing-turn", "stale-revision"]);

/** Sign what was proven, once it is this seat's turn. */
export async function signReport(seat: Seat, ranked: Ranked): Promise<Answered> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await seat.signReport(ranked);
    } catch (error) {
      if (!TURNS.has(codeOf(error)) || performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}
