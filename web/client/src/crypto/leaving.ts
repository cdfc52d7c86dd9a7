/**
 * Leaving with the own city's node what a seat signs while the main server is away (docs/protocol.md section 8).
 *
 * The node keeps it in its venue's journal, so that nothing of it can vanish on the way into the log. It is a second
 * copy and no more: the acts stay on the device and are merged from there, whatever the node says or does not say.
 */

import type { Act } from "./act.ts";
import { hex, utf8 } from "./bytes.ts";
import { type Answer, type Call, delay, FIRST_PAUSE_MS, LONGEST_PAUSE_MS, OPEN_STATUSES, refusal } from "./client.ts";

/** protocols.md section 6: acts that depend on nobody else's state. */
export const OFFLINE: ReadonlySet<string> = new Set(["sheet.seal", "recusal.declare", "incident.note"]);
/** The node itself has a line to the main server: it may lose that, too, while the seat is still away. */
const AGAIN = new Set(["venue-not-lost"]);

export class Leaving {
  /** What the node said of each act, by its id in hex: nothing where it has it, else the code of its refusal. */
  readonly answers = new Map<string, string>();
  readonly #node: Call;
  readonly #acts: () => readonly Act[];
  #running = false;
  #closed = false;

  /** `acts` are those that are not merged yet; they are left in their order. */
  constructor(node: Call, acts: () => readonly Act[]) {
    this.#node = node;
    this.#acts = acts;
  }

  /** There is something to leave. Nobody waits for it. */
  wake(): void {
    if (!this.#running) void this.#run();
  }

  close(): void {
    this.#closed = true;
  }

  /** Until the node has said something of every act, or all are merged. */
  async #run(): Promise<void> {
    this.#running = true;
    let pause = FIRST_PAUSE_MS;
    for (let act = this.#next(); act !== undefined && !this.#closed; act = this.#next()) {
      if (await this.#left(act)) continue;
      await delay(pause);
      pause = Math.min(pause * 1.6, LONGEST_PAUSE_MS);
    }
    this.#running = false;
  }

  /** One whose answer did not come before the line broke may be of any kind; only those that may be signed offline are
   * left. */
  #next(): Act | undefined {
    return this.#acts().find((act) => OFFLINE.has(act.act) && !this.answers.has(hex(act.id)));
  }

  async #left(act: Act): Promise<boolean> {
    let answer: Answer;
    try {
      answer = await this.#node({ method: "POST", path: "/journal", body: utf8(JSON.stringify({ act: act.jws })), type: "application/json" });
    } catch {
      return false;
    }
    const code = answer.status < 300 ? "" : refusal(answer).code;
    if (OPEN_STATUSES.has(answer.status) || AGAIN.has(code)) return false;
    this.answers.set(hex(act.id), code);
    return true;
  }
}
