/**
 * The receipts of what this seat did: each entry with its tlog-proof, kept on the device. Where acknowledged entries are
 * lost everywhere, they are what proves that an act was in the log (docs/protocol.md 11.2).
 */

import type { Act } from "./act.ts";
import { b64u, type Bytes, hex, text } from "./bytes.ts";
import { encode } from "./canonical.ts";
import { type Client, delay } from "./client.ts";
import type { Device } from "./device.ts";
import { CryptoError, RecordUntrusted, ServerRefused } from "./errors.ts";
import type { Record } from "./record.ts";

/** Witnesses are asked every two seconds (protocols.md 2); nobody waits for this here. */
const FIRST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 30_000;

export class Receipts {
  readonly #device: Device;
  readonly #client: Client;
  readonly #record: Record;
  /** Acts whose receipt is kept, or never will be, in hex. */
  readonly #done = new Set<string>();
  #running = false;
  #closed = false;

  constructor(device: Device, client: Client, record: Record) {
    this.#device = device;
    this.#client = client;
    this.#record = record;
  }

  /** There may be one to ask for. Nobody waits for it. */
  wake(): void {
    if (!this.#running) void this.#run();
  }

  close(): void {
    this.#closed = true;
  }

  /** What is kept of an act, null where its receipt never came. */
  kept(act: Act): Promise<Bytes | null> {
    return this.#device.kept(nameOf(act));
  }

  /**
   * Hand in what proves that acts of this seat were in the log, where the log holds `size` entries now. The server
   * takes it where entries are lost, and the same again changes nothing.
   */
  async handIn(size: number): Promise<void> {
    const { offline, answered } = this.#device;
    const gone = answered.filter(({ index }) => index >= size).map(({ act }) => act);
    for (const act of [...offline.filter((each) => this.#device.wasLost(each)), ...gone]) {
      const kept = await this.kept(act);
      if (kept === null) continue;
      try {
        await this.#client.handInProof(kept);
      } catch (error) {
        // What the server does not take proves nothing to it; the act comes again all the same.
        if (!(error instanceof ServerRefused)) throw error;
      }
    }
  }

  async #run(): Promise<void> {
    this.#running = true;
    let pause = FIRST_PAUSE_MS;
    for (let next = this.#next(); next !== undefined && !this.#closed; next = this.#next()) {
      const { act, index } = next;
      if (await this.#asked(act, index)) {
        this.#done.add(hex(act.id));
        pause = FIRST_PAUSE_MS;
      } else {
        await delay(pause);
        pause = Math.min(pause * 1.6, LONGEST_PAUSE_MS);
      }
    }
    this.#running = false;
  }

  #next() {
    return this.#device.answered.find(({ act }) => !this.#done.has(hex(act.id)));
  }

  /** Whether it need not be asked for again. */
  async #asked(act: Act, index: number): Promise<boolean> {
    try {
      if ((await this.kept(act)) !== null) return true;
      const { entry, octets } = await this.#record.prove(index, 0);
      await this.#device.keep(nameOf(act), encode({ entry: b64u(entry.data), proof: text(octets) }));
      return true;
    } catch (error) {
      // One that does not hold shows itself wherever the seat relies on it; a seat that was closed writes nothing more.
      if (error instanceof RecordUntrusted || this.#closed) return true;
      if (error instanceof CryptoError) return false;
      throw error;
    }
  }
}

const nameOf = (act: Act): string => `proof-${hex(act.id)}`;
