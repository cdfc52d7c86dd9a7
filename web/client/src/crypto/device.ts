/**
 * A seat's device: its key, the chain of its acts, and the newest tree that it verified.
 *
 * A restarted browser goes on where it was: key, acts and their answers are on disk before anything is sent, so the
 * same act is sent again as the same octets, and one `ctr` never carries two acts that could both be accepted. The
 * journal's lines are those of web/device/device.py.
 */

import { type Act, type Jwk, jwkOf, makeAct, NO_ACT, NOTHING_SEEN, parseAct, type Seen, thumbprint } from "./act.ts";
import { b64u, type Bytes, hex, unb64u } from "./bytes.ts";
import { isArray, type Json, type JsonObject } from "./canonical.ts";
import { firstLog, sameProceeding } from "./continuation.ts";
import { ActPending, JournalBroken } from "./errors.ts";
import { verifyConsistency } from "./merkle.ts";
import { readCheckpoint, type VerifierKey } from "./note.ts";
import type { Store } from "./store.ts";
import { Turns } from "./turns.ts";

/** An act that the log holds: the server's definitive answer. */
export interface Answered {
  readonly act: Act;
  readonly index: number;
  readonly leaf: Bytes;
}

/** What became of an act that came into the log after it was made; `code` says why it was refused. */
export interface Verdict {
  readonly act: Act;
  readonly index: number;
  readonly accepted: boolean;
  readonly code: string | null;
}

/** Where the newest note that was verified is kept. */
const CHECKPOINT = "checkpoint";

/** Milliseconds since 1970. */
export type Clock = () => number;

export class Device {
  readonly sub: string;
  readonly jwk: Jwk;
  /** RFC 7638: what the seat's centre vouches for. */
  readonly thumbprint: string;
  readonly #key: CryptoKeyPair;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #turns = new Turns();
  readonly #answered: Answered[] = [];
  readonly #offline: Act[] = [];
  /** Ids of acts that an earlier log had acknowledged and lost, in hex. */
  readonly #lost = new Set<string>();
  #verdicts: Verdict[] = [];
  /** The log, and those that it continues: from which index on each. */
  #logs: readonly (readonly [origin: string, from: number])[];
  #unseated: string | null = null;
  #pending: Act | null = null;
  #head: readonly [ctr: number, id: Bytes] = [0, NO_ACT];
  #seen: Seen = NOTHING_SEEN;

  private constructor(store: Store, key: CryptoKeyPair, jwk: Jwk, origin: string, sub: string, clock: Clock) {
    this.#store = store;
    this.#key = key;
    this.jwk = jwk;
    this.thumbprint = thumbprint(jwk);
    this.#logs = [[origin, 0]];
    this.sub = sub;
    this.#clock = clock;
  }

  /** It begins in the proceeding's first log, whatever `origin` is, and goes on from there as its journal does. */
  static async open(store: Store, origin: string, sub: string, clock: Clock = Date.now): Promise<Device> {
    const key = await store.key();
    const device = new Device(store, key, await jwkOf(key.publicKey), firstLog(origin), sub, clock);
    for (const line of await store.lines()) device.#replay(line);
    return device;
  }

  /** The log in which this device acts. */
  get origin(): string {
    return this.originAt(Number.POSITIVE_INFINITY);
  }

  /** The log that entry n was written for: this one, or one that it continues. */
  originAt(n: number): string {
    return this.#logs.filter(([, from]) => from <= n).at(-1)?.[0] ?? "";
  }

  /** The first entry of that log. */
  get begins(): number {
    return this.#logs.at(-1)?.[1] ?? 0;
  }

  /** The log that goes on without this device's binding, where that was lost: the seat takes a new key there. */
  get unseated(): string | null {
    return this.#unseated;
  }

  /** Whether this act, which is still to be merged, was acknowledged before and lost. */
  wasLost(act: Act): boolean {
    return this.#lost.has(hex(act.id));
  }

  /** Whether nothing of this device stands in the log from entry n on, or what it lost there is still to come again. */
  freshFrom(n: number): boolean {
    return this.#answered.every(({ index }) => index < n) || this.#offline.some((act) => this.wasLost(act));
  }

  /** What became of the acts that were merged since the newest cut. */
  get verdicts(): readonly Verdict[] {
    return this.#verdicts;
  }

  /** Acts that the log holds, oldest first. */
  get answered(): readonly Answered[] {
    return this.#answered;
  }

  /** The `seat.resume` that announced the acts that are still to be merged. */
  get resumed(): Answered | null {
    const last = this.offline.at(-1);
    if (last === undefined) return null;
    return this.#answered.find(({ act }) => act.act === "seat.resume" && act.ctr > last.ctr) ?? null;
  }

  /** Acts made while cut off, not merged yet. */
  get offline(): readonly Act[] {
    return this.#offline;
  }

  get pending(): Act | null {
    return this.#pending;
  }

  /** The newest tree that this device verified. */
  get seen(): Seen {
    return this.#seen;
  }

  /** The last place in the chain that is taken: by an act that the log holds, or by one made while cut off. */
  get ctr(): number {
    return this.#head[0];
  }

  /** The next act of the chain, on disk before it is returned. */
  sign(name: string, body: JsonObject, sd: readonly string[] = []): Promise<Act> {
    return this.#turns.run(async () => {
      if (this.#pending !== null) throw new ActPending(`${this.#pending.act} has no definitive answer yet`);
      const act = await this.#make(name, body, sd);
      await this.#append({ act: act.jws });
      return act;
    });
  }

  /**
   * The next act of the chain while the seat is cut off: it is kept, in order, and merged on return.
   *
   * An act whose answer never came is the first of them: whether the log holds it will be seen then.
   */
  signOffline(name: string, body: JsonObject): Promise<Act> {
    return this.#turns.run(async () => {
      if (this.#pending !== null) await this.#append({ offline: this.#pending.jws });
      const act = await this.#make(name, body);
      await this.#append({ offline: act.jws });
      return act;
    });
  }

  /** An act of the chain that follows a closed log; nothing of it is kept here, the server tells where the chain is. */
  signAfter(name: string, body: JsonObject, aud: string, ctr: number, prev: Bytes): Promise<Act> {
    const form = { act: name, aud, sub: this.sub, body, ctr, prev, seen: this.#seen };
    return makeAct(this.#key, { ...form, iat: Math.floor(this.#clock() / 1000) });
  }

  /** The first of the acts made while cut off stands in the log at `index`; `code` says why it was refused. */
  merged(index: number, leaf: Bytes, code: string | null): Promise<void> {
    const line = { merged: index, leaf: b64u(leaf), accepted: code === null };
    return this.#turns.run(() => this.#append(code === null ? line : { ...line, code }));
  }

  /**
   * The log goes on as `origin` from this size on, and this device saw so much of it. What of its own is not among
   * those entries has to come into the log again, the same octets in their order.
   */
  continued(origin: string, size: number, [seen, root]: Seen, note: Bytes): Promise<void> {
    return this.#turns.run(async () => {
      await this.#store.keep(CHECKPOINT, note);
      await this.#append({ continued: origin, size, seen: [seen, b64u(root)] });
    });
  }

  /** The newest note that this device verified, null where an earlier release kept none. */
  checkpoint(): Promise<Bytes | null> {
    return this.#store.kept(CHECKPOINT);
  }

  /** The pending act stands in the log at `index`. */
  accepted(index: number, leaf: Bytes): Promise<Answered> {
    return this.#turns.run(async () => {
      await this.#append({ index, leaf: b64u(leaf) });
      const last = this.#answered.at(-1);
      if (last === undefined) throw new JournalBroken("nothing was pending");
      return last;
    });
  }

  /** The pending act was refused for good, or else the first of those made while cut off: its `ctr` is free again, and
   * acts behind it, whose chain leads through it, are given up. */
  refused(code: string): Promise<void> {
    return this.#turns.run(() => this.#append({ refused: code }));
  }

  /**
   * Move `seen` on to this checkpoint: signed by the log, and an extension of what was seen before, whose size `from`
   * the proof is of. False = another call moved `seen` meanwhile: the proof says nothing then.
   *
   * Untrusted = the server shows another history: a fork.
   */
  verified(note: Bytes, proof: readonly Bytes[], from: number, logKey: VerifierKey): Promise<boolean> {
    return this.#turns.run(async () => {
      const { checkpoint } = readCheckpoint(note, logKey);
      const [size, root] = this.#seen;
      if (size !== from) return false;
      if (size > 0) verifyConsistency(size, checkpoint.size, proof, root, checkpoint.root);
      if (checkpoint.size === size) return true;
      await this.#store.keep(CHECKPOINT, note);
      await this.#append({ seen: [checkpoint.size, b64u(checkpoint.root)] });
      return true;
    });
  }

  /** Keep octets under a name of this device: P, s and receipts (protocols.md 3, "The seat keeps"). */
  keep(name: string, data: Bytes): Promise<void> {
    return this.#store.keep(name, data);
  }

  kept(name: string): Promise<Bytes | null> {
    return this.#store.kept(name);
  }

  /** Let another tab act with this device. Nothing is left to be written. */
  close(): void {
    this.#store.close();
  }

  async #make(name: string, body: JsonObject, sd: readonly string[] = []): Promise<Act> {
    const [ctr, prev] = this.#head;
    return makeAct(this.#key, {
      act: name,
      aud: this.origin,
      sub: this.sub,
      body,
      ctr: ctr + 1,
      iat: Math.floor(this.#clock() / 1000),
      prev,
      seen: this.#seen,
      sd,
    });
  }

  async #append(line: JsonObject): Promise<void> {
    await this.#store.append(line);
    this.#replay(line);
  }

  #replay(line: JsonObject): void {
    if (typeof line["continued"] === "string" && typeof line["size"] === "number") {
      this.#continue(line["continued"], line["size"], line["seen"]);
    } else if (typeof line["act"] === "string") {
      this.#pending = this.#own(line["act"]);
    } else if (typeof line["offline"] === "string") {
      const act = this.#own(line["offline"]);
      if (this.#offline.length === 0) this.#verdicts = [];
      this.#offline.push(act);
      this.#pending = null;
      this.#head = [act.ctr, act.id];
    } else if (typeof line["merged"] === "number") {
      const act = this.#offline.shift();
      if (act === undefined) throw new JournalBroken("nothing was to be merged");
      if (line["accepted"] === true) this.#answer(act, line["merged"], line);
      const code = typeof line["code"] === "string" ? line["code"] : null;
      this.#verdicts.push({ act, index: line["merged"], accepted: line["accepted"] === true, code });
    } else if (typeof line["index"] === "number" && this.#pending !== null) {
      this.#head = [this.#pending.ctr, this.#pending.id];
      this.#answer(this.#pending, line["index"], line);
      this.#pending = null;
    } else if (typeof line["refused"] === "string") {
      const first = this.#pending === null ? this.#offline[0] : undefined;
      if (first !== undefined) {
        this.#head = [first.ctr - 1, first.prev];
        this.#offline.length = 0;
      }
      this.#pending = null;
    } else {
      this.#seen = seenIn(line["seen"]);
    }
  }

  #continue(origin: string, size: number, seen: Json | undefined): void {
    this.#logs = [...this.#logs, [origin, size]];
    this.#seen = seenIn(seen);
    this.#verdicts = [];
    const gone = this.#answered.filter(({ index }) => index >= size).map(({ act }) => act);
    const standing = this.#answered.filter(({ index }) => index < size);
    this.#answered.splice(0, Number.POSITIVE_INFINITY, ...standing);
    for (const act of gone) this.#lost.add(hex(act.id));
    if (gone.some(({ act }) => act === "seat.bind")) this.#unseated ??= origin;
    const waiting = [...gone, ...this.#offline, ...(this.#pending === null ? [] : [this.#pending])];
    waiting.sort((a, b) => a.ctr - b.ctr);
    this.#offline.splice(0, Number.POSITIVE_INFINITY, ...waiting);
    this.#pending = null;
    const last = waiting.at(-1);
    if (last !== undefined) this.#head = [last.ctr, last.id];
  }

  #answer(act: Act, index: number, line: JsonObject): void {
    this.#answered.push({ act, index, leaf: unb64u(line["leaf"], 32) });
  }

  #own(jws: string): Act {
    const act = parseAct(jws);
    if (!sameProceeding(act.aud, this.origin) || act.sub !== this.sub || act.kid !== this.thumbprint) {
      throw new JournalBroken("an act of another key, seat or log");
    }
    return act;
  }
}

function seenIn(value: Json | undefined): Seen {
  if (!isArray(value) || typeof value[0] !== "number") throw new JournalBroken("a line without a meaning");
  return [value[0], unb64u(value[1], 32)];
}
