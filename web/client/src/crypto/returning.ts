/**
 * Coming back: acts that were made while the seat was cut off, or that the log lost, come into it in their order, the
 * same octets as they were (protocols.md 6, docs/protocol.md 11.2).
 */

import type { Act } from "./act.ts";
import { b64u, type Bytes, hex, same } from "./bytes.ts";
import type { JsonObject } from "./canonical.ts";
import { type Client, delay } from "./client.ts";
import type { Answered, Device } from "./device.ts";
import { LogContinued, RecordUntrusted, ServerRefused } from "./errors.ts";
import type { Receipts } from "./receipts.ts";
import type { Record } from "./record.ts";
import { Seals } from "./sealing.ts";
import type { Turns } from "./turns.ts";

/** Until another seat has brought what the log held before: people press buttons meanwhile. */
const TURN_MS = 2000;

export interface Parts {
  readonly device: Device;
  readonly client: Client;
  readonly record: Record;
  readonly receipts: Receipts;
  readonly turns: Turns;
  /** Post what was left over, within a turn. */
  resubmit(): Promise<unknown>;
  perform(name: string, body: JsonObject): Promise<Answered>;
}

export class Returning {
  readonly #parts: Parts;
  #closed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  close(): void {
    this.#closed = true;
  }

  /** See `Seat.resume`. LogContinued where more has to be looked at than the person has seen. */
  async resume(serverCtr: number, confirmed: readonly Bytes[], onWait: () => void): Promise<Answered> {
    const { device, record, receipts, turns, resubmit, perform } = this.#parts;
    const { origin } = device;
    await record.advance();
    if (device.origin !== origin) throw new LogContinued("the log went on since the person looked");
    await receipts.handIn(record.shown);
    const earlier = await turns.run(async () => {
      await resubmit();
      let found = device.resumed;
      while (found === null && (device.offline[0]?.ctr ?? Number.POSITIVE_INFINITY) <= serverCtr) {
        // It reached the log before the venue was lost, and only its answer did not come.
        await this.merge();
        found = device.resumed;
      }
      return found;
    });
    const body = { offline: this.#wanted(confirmed), ctr: device.ctr, server_ctr: serverCtr };
    try {
      const resumed = earlier ?? (await perform("seat.resume", body));
      await this.#mergeAll(onWait);
      return resumed;
    } catch (error) {
      if (error instanceof ServerRefused && error.code === "seat-key-ended") await this.#mergeAll(onWait);
      throw error;
    }
  }

  /** Post the first act that is to be merged; the entry itself says whether it was accepted. */
  async merge(): Promise<void> {
    const { device, client, record, receipts } = this.#parts;
    const act = device.offline[0];
    if (act === undefined) return;
    await supply(client, device, act);
    const posted = await client.postAct(act.jws);
    const entry = await record.entry(posted.index);
    const found = entry?.act ?? null;
    if (entry === null || found === null || !same(posted.id, act.id) || !same(found.id, act.id)) {
      throw new RecordUntrusted("the log holds something else where this act should stand");
    }
    const refused = entry.type === "OfflineAct";
    await device.merged(posted.index, posted.leaf, refused ? String(entry.body["code"]) : null);
    if (!refused) receipts.wake();
  }

  async #mergeAll(onWait: () => void): Promise<void> {
    const { device, turns } = this.#parts;
    await turns.run(async () => {
      while (device.offline.length > 0) {
        try {
          await this.merge();
        } catch (error) {
          // What was proven comes again in its proven order: another seat is to bring something first.
          if (!(error instanceof ServerRefused && error.code === "too-soon") || this.#closed) throw error;
          onWait();
          await delay(TURN_MS);
        }
      }
    });
  }

  /** Of several seals for one round that never were in the log only the last is wanted; it stands for the others. */
  #wanted(confirmed: readonly Bytes[]): string[] {
    const { device } = this.#parts;
    const kind = (act: Act) => `${act.act} ${String(act.body["round"])}`;
    const last = new Map(device.offline.map((act) => [kind(act), hex(act.id)]));
    return device.offline
      .filter((act) => confirmed.some((id) => same(id, act.id)))
      .filter((act) => !act.act.endsWith(".seal") || device.wasLost(act) || last.get(kind(act)) === hex(act.id))
      .map((act) => b64u(act.id));
  }
}

/** The ciphertext of a seal is with the server before its act. */
export async function supply(client: Client, device: Device, act: Act): Promise<void> {
  const kept = await new Seals(device).of(act);
  if (kept !== null) await client.putObject(kept.ct);
}
