/** The log as a seat verified it, under its own pins and not on the server's word. */

import { type Bytes, same } from "./bytes.ts";
import type { JsonObject } from "./canonical.ts";
import { type Client, delay } from "./client.ts";
import { continues } from "./continuation.ts";
import type { Device } from "./device.ts";
import { type Entry, parseEntry } from "./entry.ts";
import { GateClosed, Malformed, RecordForked, RecordUntrusted, ServerRefused, Untrusted } from "./errors.ts";
import { follow, openingOf, originOf, shownEntry, sizeOf, withBoth } from "./following.ts";
import { verifyConsistency } from "./merkle.ts";
import { readCheckpoint, type VerifierKey } from "./note.ts";
import { type Opened, type Opening, readOpening } from "./opening.ts";
import { checkProof, parseProof, type Proof } from "./proof.ts";
import { leavesOf, tilePath, WIDTH } from "./tree.ts";
import type { Pins } from "./trust.ts";
import { Turns } from "./turns.ts";

/** A gate's quorum takes one round trip per witness; asking more often than this only loads the server. */
export const POLL_MS = 200;
/** Gates are witnessed within seconds of their entries; a seat that waits longer tells its expert so. */
export const GATE_PATIENCE_MS = 60_000;
/** Entries asked for at once where all of a log is read: one after the other each costs a round trip. */
const AT_ONCE = 8;
const NOT_WITNESSED = "not-witnessed-yet";

/** Told once this seat holds two histories: what it verified, and what it was shown instead. */
export type OnFork = (evidence: JsonObject) => void;

/** Entries and proofs of one proceeding. */
export class Record {
  readonly pins: Pins;
  /** How large the log was that the server showed last; smaller than `seen` where it lost entries. */
  shown = Number.POSITIVE_INFINITY;
  readonly #client: Client;
  readonly #device: Device;
  readonly #opening: Opening | null;
  readonly #onFork: OnFork;
  readonly #entries = new Map<number, Entry>();
  readonly #keys = new Map<string, VerifierKey>();
  readonly #turns = new Turns();

  /** `opening` may come from anywhere, since it is checked; without one the main server is asked for it. */
  constructor(
    client: Client,
    device: Device,
    pins: Pins,
    opening: Opening | null = null,
    onFork: OnFork = () => undefined,
  ) {
    this.#onFork = onFork;
    this.#client = client;
    this.#device = device;
    this.pins = pins;
    this.#opening = opening;
  }

  /** The log's key, from `ProceedingOpened` in the pinned and witnessed centre log (protocols.md 2). */
  async logKey(): Promise<VerifierKey> {
    const { origin } = this.#device;
    const known = this.#keys.get(origin);
    if (known !== undefined) return known;
    const { key } = await trusting("the proceeding's opening does not hold", () => this.#opened(origin));
    this.#keys.set(origin, key);
    return key;
  }

  /** Verify the newest checkpoint and move `seen` on to it; its size. */
  async advance(): Promise<number> {
    let note: Bytes;
    try {
      note = await this.#client.checkpoint();
    } catch (error) {
      if (error instanceof ServerRefused && error.status === 404) return this.#device.seen[0];
      throw error;
    }
    await this.#catchUp(note);
    this.shown = sizeOf(note);
    await this.#link(note);
    return this.#device.seen[0];
  }

  /** Entry n as shown, or null where this role may not see it. Not proven: see `prove`. */
  async entry(n: number): Promise<Entry | null> {
    const known = this.#entries.get(n);
    if (known !== undefined) return known;
    const found = await shownEntry(this.#client, n);
    if (found === null) return null;
    // The log may go on in another one since this seat looked last.
    if (found.origin !== this.#device.originAt(n)) await this.advance();
    if (found.origin !== this.#device.originAt(n)) throw new RecordUntrusted(`entry ${n} says it is ${found.origin}'s`);
    this.#entries.set(n, found);
    return found;
  }

  /** The entries [start, stop) that this role may see. */
  async *scan(start: number, stop: number): AsyncGenerator<Entry, void, undefined> {
    for (let n = start; n < stop; n += 1) {
      const found = await this.entry(n);
      if (found !== null) yield found;
    }
  }

  /** The entries below `seen` that this role may see, each proven to stand at its place of the tree that this device has
   * verified. What is hidden from the role is a leaf hash among the others. */
  async proven(): Promise<Entry[]> {
    const [size, root] = this.#device.seen;
    const paths = Array.from({ length: Math.ceil(size / WIDTH) }, (_, i) => tilePath(i, size));
    const tiles = await Promise.all(paths.map((path) => this.#client.tile(path)));
    const leaves = await trusting("the tiles do not hold", async () => leavesOf(tiles, size, root));
    const found: Entry[] = [];
    for (let start = 0; start < size; start += AT_ONCE) {
      const numbers = Array.from({ length: Math.min(AT_ONCE, size - start) }, (_, i) => start + i);
      for (const entry of await Promise.all(numbers.map((n) => this.entry(n)))) {
        if (entry === null) continue;
        const leaf = leaves[entry.n];
        if (leaf === undefined || !same(leaf, entry.leaf)) throw new RecordUntrusted(`entry ${entry.n} is not the log's`);
        found.push(entry);
      }
    }
    return found;
  }

  /** Octets of an entry that came over the live socket: they need not be asked for again, and are checked like those. */
  learn(data: Bytes): void {
    const found = parseEntry(data);
    if (found.origin === this.#device.originAt(found.n)) this.#entries.set(found.n, found);
  }

  /** Entry n and its receipt: the quorum of this seat's own policy cosigned a tree that holds it, and that tree and
   * the one seen last are one history. GateClosed where it is not witnessed in time. */
  async prove(n: number, patienceMs = GATE_PATIENCE_MS): Promise<{ entry: Entry; proof: Proof; octets: Bytes }> {
    const octets = await this.#receipt(n, patienceMs);
    const proof = parseProof(octets);
    await this.#catchUp(proof.note);
    const entry = await this.entry(n);
    if (entry === null || proof.index !== n) throw new RecordUntrusted(`entry ${n} is proven, and not shown`);
    const key = await this.logKey();
    await trusting(`the receipt of entry ${n} does not hold`, async () => {
      const checkpoint = checkProof(proof, entry.leaf, this.pins.policy, key);
      if (checkpoint.origin !== this.#device.origin) throw new RecordUntrusted("the receipt is another log's");
    });
    await this.#link(proof.note);
    return { entry, proof, octets };
  }

  async #receipt(n: number, patienceMs: number): Promise<Bytes> {
    const until = performance.now() + patienceMs;
    for (;;) {
      try {
        return await this.#client.receipt(n);
      } catch (error) {
        if (!(error instanceof ServerRefused && error.code === NOT_WITNESSED)) throw error;
      }
      if (performance.now() > until) throw new GateClosed(`entry ${n} is not witnessed yet`);
      await delay(POLL_MS);
    }
  }

  /** This checkpoint and the one seen last are of one history; RecordForked has both where they are not. */
  async #link(note: Bytes): Promise<void> {
    const key = await this.logKey();
    await this.#watched("the checkpoint does not hold", async () => {
      const { checkpoint } = readCheckpoint(note, key);
      if (checkpoint.origin !== this.#device.origin) throw new RecordUntrusted("the checkpoint is another log's");
      for (;;) {
        const [size, root] = this.#device.seen;
        const [small, large] = [Math.min(size, checkpoint.size), Math.max(size, checkpoint.size)];
        const proof = small > 0 && small < large ? await this.#client.consistency(small, large) : [];
        const linked = await withBoth(this.#device, note, async () => {
          if (checkpoint.size >= size) return this.#device.verified(note, proof, size, key);
          if (checkpoint.size > 0) verifyConsistency(small, large, proof, checkpoint.root, root);
          return true;
        });
        // Another call may have moved `seen` meanwhile: then this proof is of other sizes, and says nothing.
        if (linked) return;
      }
    });
  }

  /** Where the note is that of a log which continues this seat's: go on there, once for all who ask. */
  #catchUp(note: Bytes): Promise<void> {
    return this.#watched("the log shown does not continue this seat's", async () => {
      const origin = originOf(note);
      if (!continues(origin, this.#device.origin)) return;
      await this.#turns.run(async () => {
        if (!continues(origin, this.#device.origin)) return;
        const key = await follow({
          client: this.#client,
          device: this.#device,
          pins: this.pins,
          receipt: (n) => this.#receipt(n, GATE_PATIENCE_MS),
        });
        this.#keys.set(key.name, key);
        this.#entries.clear();
      });
    });
  }

  async #watched(what: string, check: () => Promise<void>): Promise<void> {
    try {
      await trusting(what, check);
    } catch (error) {
      if (error instanceof RecordForked) this.#onFork(error.evidence);
      throw error;
    }
  }

  /** A log that goes on names its opening in its first entry, which everybody may see; of the first log the server is
   * asked, because a room's screen may not see entry 0. */
  async #opened(origin: string): Promise<Opened> {
    const start = this.#device.begins;
    if (start === 0) return readOpening(this.#opening ?? (await this.#askOpening()), this.pins, origin);
    const first = await this.entry(start);
    if (first === null) throw new RecordUntrusted(`the server does not show entry ${start}, where the log goes on`);
    return openingOf(this.#client, this.pins, first);
  }

  async #askOpening(): Promise<Opening> {
    const { opening } = await this.#client.trust();
    return [await this.#client.centreEntry(opening), await this.#client.centreReceipt(opening)];
  }
}

/** What does not hold here is the server's record, whatever failed in particular. */
export async function trusting<T>(what: string, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof Malformed || error instanceof Untrusted) {
      throw new RecordUntrusted(`${what}: ${error.message}`);
    }
    throw error;
  }
}
