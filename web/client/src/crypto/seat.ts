/**
 * A seat at work: its device's acts, posted until they are decided, and its seals.
 *
 *   import { openSeat } from "@/crypto/open.ts";         // in a page, after sign-in; see there
 *   const seat = await openSeat(me);                     // SeatInUse: another tab has it
 *
 *   await seat.bind();                                   // seat.bind; again is the same answer
 *   await seat.perform("commitment.sign", { shown });    // any act of docs/protocol.md -> { act, index, leaf }
 *   const gate = await seat.gate();                      // S1: holders, definition, scoring, proven under the own pins
 *   const asked = askedOf(gate.scoring, view.valid);     // plaintext.ts: what a sheet asks for; `faultOf`, `sum`
 *   const sheet = seat.checkSheet(scores, { number, asked });       // S2: what the check page shows
 *   await seat.sealSheet(scores, { number, asked, onStep });        // S2 to S7; the same scores again: the same seal
 *   await seat.sealBallot(choice, { number, choices, onStep });
 *   await seat.resealSheet({ number, version });         // todo `sheet.reseal`: holders were replaced
 *   await seat.openOwn("sheet", number);                 // todo `sheet.author_open`
 *   await seat.confirmRanking();                         // the own ranking over the log; RankingDiffers once stated
 *   const ranked = await seat.proveReport(shown);        // G3, own ranking and sheets, and the document on the page
 *   await seat.signReport(ranked);                       // report.sign; ServerRefused `signing-turn`: try again
 *   await seat.signOffline(name, body);                  // while cut off: sheet.seal, recusal.declare, incident.note
 *   await seat.sealSheetOffline(scores, { number, asked });
 *   await seat.look();                                   // follows the log where it goes on in another one (11.2)
 *   await seat.handIn();                                 // back without a pause: they go the ordinary way
 *   await seat.resume(view.me.ctr, [ids…]);              // after a pause; ids of `seat.device.offline` still wanted
 *   seat.device.offline, .pending, .answered, .seen, .ctr, .thumbprint, .jwk
 *   seat.client.object(hash), .page(hash, n); seat.record.entry(n), .prove(n), .advance()
 *   seat.close();
 *
 * Every method throws the errors of `errors.ts`, whose `code` is what a page translates. Acts queue up: two calls at
 * once are two acts in a row. `drafts.ts` keeps what is typed and not sealed.
 */

import { type Act, verifyAct } from "./act.ts";
import { b64, b64u, type Bytes, same, unb64u } from "./bytes.ts";
import { encode, type JsonObject } from "./canonical.ts";
import { type Call, Client, delay, type Posted } from "./client.ts";
import type { Disclosure } from "./disclosure.ts";
import { type Answered, type Clock, Device } from "./device.ts";
import { type Entropy, holderSet } from "./envelope.ts";
import { firstLog } from "./continuation.ts";
import { GateClosed, LogContinued, NotOffline, RankingDiffers, RecordUntrusted, ServerRefused, ServerSilent } from "./errors.ts";
import { type Gate, proveGate } from "./gate.ts";
import { Leaving, OFFLINE } from "./leaving.ts";
import type { Opening } from "./opening.ts";
import { Receipts } from "./receipts.ts";
import { type Asked, buildBallot, buildSheet, parseBallot, parseSheet, type Place, type Score } from "./plaintext.ts";
import { GATE_PATIENCE_MS, type OnFork, POLL_MS, Record, trusting } from "./record.ts";
import { demandSame, type Ranked, rankLog, signBody } from "./report.ts";
import { Returning, supply } from "./returning.ts";
import { type BallotRound, type Content, type Purpose, type SheetRound, type Step } from "./sealing.ts";
import { envelop, holds, type Kept, type Sealed, Seals } from "./sealing.ts";
import type { Store } from "./store.ts";
import type { Pins } from "./trust.ts";
import { Turns } from "./turns.ts";

export interface SeatOptions {
  readonly call: Call;
  readonly store: Store;
  readonly pins: Pins;
  /** The proceeding's id, its log's origin, and the seat. */
  readonly proceeding: string;
  readonly origin: string;
  readonly sub: string;
  readonly opening?: Opening;
  readonly clock?: Clock;
  readonly entropy?: Entropy;
  readonly patienceMs?: number;
  readonly onFork?: OnFork;
  /** How the own city's node is asked, where its address is known. */
  readonly node?: Call;
}

/** Refusals of the door and not of the act: nothing was decided about the act, so it stays pending. */
const UNDECIDED = new Set([
  "not-signed-in",
  "origin-refused",
  "not-founded-yet",
  "unknown-proceeding",
  "not-found",
  "not-confirmed",
  "too-soon",
]);

/** `chain` of `GET /v1/proceedings/{id}/after`. */
export interface AfterChain {
  readonly aud: string;
  readonly ctr: number;
  readonly prev: string;
  readonly seen: readonly [size: number, root: string];
}

/** A refusal, or silence, is no news about the log. */
function undecided(error: unknown): void {
  if (!(error instanceof ServerRefused || error instanceof ServerSilent)) throw error;
}

export class Seat {
  readonly device: Device;
  readonly client: Client;
  readonly record: Record;
  /** What was left with the own city's node, where its address is known. */
  readonly leaving: Leaving | null;
  readonly #entropy: Entropy;
  readonly #turns = new Turns();
  readonly #seals: Seals;
  readonly #receipts: Receipts;
  readonly #returning: Returning;
  #gate: Gate | null = null;

  private constructor(device: Device, client: Client, record: Record, entropy: Entropy, node: Call | null) {
    this.device = device;
    this.client = client;
    this.record = record;
    this.#entropy = entropy;
    this.leaving = node && new Leaving(node, () => device.offline);
    this.#seals = new Seals(device);
    this.#receipts = new Receipts(device, client, record);
    this.#returning = new Returning({
      device,
      client,
      record,
      receipts: this.#receipts,
      turns: this.#turns,
      resubmit: () => this.#resubmit(),
      perform: (name, body) => this.perform(name, body),
    });
  }

  static async open(options: SeatOptions): Promise<Seat> {
    const { call, store, pins, proceeding, origin, sub, opening = null, clock, patienceMs } = options;
    const device = await Device.open(store, origin, sub, clock);
    const client = new Client(call, proceeding, patienceMs);
    const entropy = options.entropy ?? ((n) => crypto.getRandomValues(new Uint8Array(n)));
    return new Seat(device, client, new Record(client, device, pins, opening, options.onFork), entropy, options.node ?? null);
  }

  /**
   * Sign an act and post it until it is decided; ServerRefused where the server decided against it.
   *
   * An act left over from before a restart goes first; if it is the very act asked for, its answer is the answer.
   */
  perform(name: string, body: JsonObject, disclosed: readonly Disclosure[] = []): Promise<Answered> {
    return this.#turns.run(() => this.#perform(name, body, disclosed));
  }

  async #perform(name: string, body: JsonObject, disclosed: readonly Disclosure[] = []): Promise<Answered> {
    const earlier = await this.#resubmit();
    if (earlier !== null && earlier.act.act === name && same(encode(earlier.act.body), encode(body))) return earlier;
    await this.record.advance();
    await this.device.sign(name, body, disclosed.map(({ digest }) => digest));
    return this.#post(disclosed.map((each) => each.text));
  }

  /** After a restart: post the act whose answer is not known, if there is one. */
  resubmit(): Promise<Answered | null> {
    return this.#turns.run(() => this.#resubmit());
  }

  /** `seat.bind`: the seat's first act, which states what it trusts. Again, or twice at once, is the same answer. */
  bind(): Promise<Answered> {
    const { pins } = this.record;
    const body = { jwk: { ...this.device.jwk }, policy: b64u(pins.policyHash), trust: b64u(pins.trustHash), client: null };
    return this.#turns.run(async () => this.device.answered[0] ?? (await this.#perform("seat.bind", body)));
  }

  /** What is new: where the log goes on in another one, the seat follows; where the server lost entries, what proves
   * acts of this seat is handed in. A server that is away has no news. */
  async look(): Promise<void> {
    try {
      await this.record.advance().catch(undecided);
      await this.#receipts.handIn(this.record.shown);
    } catch (error) {
      undecided(error);
    }
  }

  /**
   * `seat.resume` after the venue was lost: `confirmed` are the ids of those acts made while cut off that the person
   * still wants; all of them are then merged, in their order. After a restart it goes on where it was. Where the seat
   * was given to another device meanwhile, they are handed in all the same: refused, and kept in the log. After a
   * continuation of the log (docs/protocol.md 11.2) those that it lost are among them; `onWait`: others come first.
   */
  resume(serverCtr: number, confirmed: readonly Bytes[] = [], onWait: () => void = () => undefined): Promise<Answered> {
    return this.#returning.resume(serverCtr, confirmed, onWait);
  }

  /**
   * An act of what follows the closed proceeding (docs/protocol.md 2.9), about the finished record that this seat itself
   * has seen; `chain` is where the server says that its chain is.
   */
  async performAfter(name: string, body: JsonObject, chain: AfterChain): Promise<Posted> {
    await this.record.advance();
    const [size, root] = this.device.seen;
    const logs = [firstLog(this.device.origin), this.device.origin];
    if (!logs.some((log) => chain.aud === `${log}/after`) || chain.seen[0] !== size || chain.seen[1] !== b64(root)) {
      throw new RecordUntrusted("what follows is not about the record that this seat has seen");
    }
    return this.client.postAfter((await this.device.signAfter(name, body, chain.aud, chain.ctr, unb64u(chain.prev, 32))).jws);
  }

  /** G1, proven once by this seat itself (S1), and again once holders were replaced: `version` of the view. */
  async gate(version = 1): Promise<Gate> {
    if (this.#gate === null || this.#gate.version < version) {
      this.#gate = await proveGate(this.record, await this.record.advance(), version);
    }
    return this.#gate;
  }

  /** S2: the scores as they would be sealed, read back from P. SheetRefused names what is wrong, and where. */
  async checkSheet(scores: readonly Score[], { number, asked }: SheetRound): Promise<Score[]> {
    const place = this.#place(await this.gate(), number);
    return parseSheet(buildSheet(place, scores, asked, new Uint8Array(32)), place, asked);
  }

  /** Seal a vote in round `number`. */
  async sealBallot(choice: string, { number, choices, onStep }: BallotRound): Promise<Sealed> {
    const gate = await this.gate();
    const place = this.#place(gate, number);
    const content = {
      same: (plaintext: Bytes) => parseBallot(plaintext, place, choices) === choice,
      build: () => buildBallot(place, choice, choices, this.#entropy(32)),
    };
    return this.#seal(gate, "ballot", number, content, onStep);
  }

  /** Seal a score for each of the items asked for, in round `number`; sealing other scores replaces the sheet. */
  async sealSheet(scores: readonly Score[], { number, asked, onStep }: SheetRound): Promise<Sealed> {
    const gate = await this.gate();
    return this.#seal(gate, "sheet", number, this.#sheet(gate, scores, number, asked), onStep);
  }

  /** Deal the sheet of this round anew, to the holders of this version: the same plaintext, a new secret. Nobody is
   * asked, since nothing changes of what was scored. */
  async resealSheet({ number, version }: { number: number; version: number }): Promise<Sealed> {
    const gate = await this.gate(version);
    const sealed = await this.#sealed("sheet", number);
    let kept = await this.#seals.newest("sheet", number);
    // A dealing that was kept and not sent before a crash goes out now.
    const made = kept !== null && same(kept.plaintext, sealed.kept.plaintext) && !holds(sealed.act, kept);
    if (kept === null || !made || kept.envelope["set"] !== b64u(holderSet(gate.holders))) {
      kept = await this.#deal(gate, "sheet", number, sealed.kept.plaintext);
    }
    await this.client.putObject(kept.ct);
    const again = await this.perform("sheet.reseal", this.#sealBody(gate, "sheet", number, kept));
    return this.#shown(again, gate, "sheet", number);
  }

  /** S6 and S7 of this device's newest accepted seal of the round, which was handed in another way. */
  async finishSeal(purpose: Purpose, number: number, onStep?: (step: Step) => void): Promise<Sealed> {
    const sealed = this.#current(purpose, number);
    if (sealed === null) throw new GateClosed("this device has sealed nothing in this round");
    return this.#shown(sealed, await this.gate(), purpose, number, onStep);
  }

  /** `sheet.author_open`: what only this device can still open: its holders are lost, or could not read it. */
  async openOwn(purpose: Purpose, number: number): Promise<Answered> {
    const { act, kept } = await this.#sealed(purpose, number);
    return this.perform("sheet.author_open", { act: b64u(act.id), p: b64u(kept.plaintext) });
  }

  /**
   * `ranking.confirm`: rank the log by this device's own code, and state the digest over the frozen report. One that
   * differs is stated all the same, so that it shows, and then thrown as RankingDiffers. Again is the same answer.
   */
  async confirmRanking(): Promise<Ranked> {
    const ranked = await rankLog(this.record, this.device);
    const body = { ranking: ranked.mine, document: b64u(ranked.frozen.document) };
    const stated = this.device.answered.filter(({ act }) => act.act === "ranking.confirm").at(-1)?.act.body;
    if (stated === undefined || !same(encode(stated), encode(body))) await this.perform("ranking.confirm", body);
    if (ranked.mine !== ranked.stated) throw new RankingDiffers(ranked.mine, ranked.stated);
    return ranked;
  }

  /** What is to be signed, as this seat proved it; `shown` is the hash of the document on the page, in base64url. */
  async proveReport(shown: string): Promise<Ranked> {
    const ranked = await rankLog(this.record, this.device);
    demandSame(ranked, shown);
    return ranked;
  }

  /** `report.sign` over what `proveReport` gave; ServerRefused `signing-turn` while another seat signs. */
  async signReport({ frozen }: Ranked): Promise<Answered> {
    return this.perform("report.sign", signBody(frozen, await this.client.prepareSignature()));
  }

  /** Sign while cut off: kept on disk, left with the city's node, and merged when the person confirms it on return
   * (`resume`). */
  async signOffline(name: string, body: JsonObject): Promise<Act> {
    if (!OFFLINE.has(name)) throw new NotOffline(`${name} needs the log as it is`);
    const act = await this.device.signOffline(name, body);
    this.leaving?.wake();
    return act;
  }

  /** S2 to S5 while cut off, to the holders that this seat has proven before; S6 follows on return. */
  async sealSheetOffline(scores: readonly Score[], { number, asked }: SheetRound): Promise<Act> {
    const gate = this.#gate;
    if (gate === null) throw new GateClosed("holders and definition were not proven before the seat was cut off");
    const kept = await this.#keep(gate, "sheet", number, this.#sheet(gate, scores, number, asked));
    // One that was sent when the line broke waits for its answer, and is the very same.
    const signed = [...this.device.offline, ...(this.device.pending ? [this.device.pending] : [])];
    const made = signed.find((act) => act.act === "sheet.seal" && holds(act, kept));
    return made ?? this.signOffline("sheet.seal", this.#sealBody(gate, "sheet", number, kept));
  }

  /**
   * Back, and the venue was not lost meanwhile: what was signed goes the ordinary way, in its order. ServerRefused: what
   * the server decided against is given up with all behind it; in a pause nothing is decided, and it waits.
   */
  async handIn(): Promise<void> {
    await this.#turns.run(async () => {
      await this.#settle();
      try {
        while (this.device.offline.length > 0) await this.#returning.merge();
      } catch (error) {
        const decided = error instanceof ServerRefused && !UNDECIDED.has(error.code) && error.code !== "paused";
        if (decided) await this.device.refused(error.code);
        throw error;
      }
    });
  }

  /** Let another tab have the seat. */
  close(): void {
    this.#returning.close();
    this.#receipts.close();
    this.leaving?.close();
    this.device.close();
  }

  /** Seals are bound to the proceeding, whose origin is that of its first log. */
  #place(gate: Gate, round: number): Place {
    return { aud: firstLog(this.device.origin), seat: this.device.sub, round, definition: gate.definition };
  }

  #sheet(gate: Gate, scores: readonly Score[], number: number, asked: readonly Asked[]): Content {
    const place = this.#place(gate, number);
    const build = () => buildSheet(place, scores, asked, this.#entropy(32));
    const wanted = JSON.stringify(parseSheet(build(), place, asked));
    return { build, same: (plaintext) => JSON.stringify(parseSheet(plaintext, place, asked)) === wanted };
  }

  /** S2 to S7; the same content again is the same seal, whatever happened in between. */
  async #seal(
    gate: Gate,
    purpose: Purpose,
    number: number,
    content: Content,
    onStep: (step: Step) => void = () => undefined,
  ): Promise<Sealed> {
    // What was signed before is decided first: it may be the very seal, or the one that this replaces.
    await this.resubmit();
    const kept = await this.#keep(gate, purpose, number, content);
    onStep("kept");
    let sealed = this.#current(purpose, number);
    if (sealed === null || !holds(sealed.act, kept)) {
      // S4 and the first half of S6
      await this.client.putObject(kept.ct);
      sealed = await this.perform(`${purpose}.seal`, this.#sealBody(gate, purpose, number, kept));
    }
    return this.#shown(sealed, gate, purpose, number, onStep);
  }

  async #shown(
    sealed: Answered,
    gate: Gate,
    purpose: Purpose,
    number: number,
    onStep: (step: Step) => void = () => undefined,
  ): Promise<Sealed> {
    onStep("logged");
    // S6
    const { entry, proof, octets } = await this.record.prove(sealed.index);
    if (entry.act === null || !same(entry.act.id, sealed.act.id)) {
      throw new RecordUntrusted("the log holds something else where this seal should stand");
    }
    await this.device.keep(`${purpose}-${number}.receipt`, octets);
    onStep("witnessed");
    // S7
    const acks = await this.#acks(sealed, gate);
    onStep("safe");
    return { act: sealed.act.id, index: sealed.index, leaf: sealed.leaf, receipt: proof, acks };
  }

  async #keep(gate: Gate, purpose: Purpose, number: number, content: Content): Promise<Kept> {
    const current = this.#current(purpose, number);
    for (const old of [current && (await this.#seals.of(current.act)), await this.#seals.newest(purpose, number)]) {
      if (old !== null && content.same(old.plaintext)) return old;
    }
    // S2
    return this.#deal(gate, purpose, number, content.build());
  }

  async #deal(gate: Gate, purpose: Purpose, number: number, plaintext: Bytes): Promise<Kept> {
    // S3
    const kept = await envelop(gate, purpose, this.#place(gate, number), plaintext, this.#entropy);
    // S5, P and s; the act is in the journal before it is sent
    await this.#seals.keep(purpose, number, kept);
    return kept;
  }

  #sealBody(gate: Gate, purpose: Purpose, number: number, kept: Kept): JsonObject {
    const current = this.#current(purpose, number);
    return {
      envelope: kept.envelope,
      definition: b64u(gate.definition),
      round: number,
      part: [1, 1],
      replaces: current === null ? null : b64u(current.act.id),
    };
  }

  /** This device's newest accepted seal of the round, and what it sealed. */
  async #sealed(purpose: Purpose, number: number): Promise<{ act: Act; kept: Kept }> {
    const act = this.#current(purpose, number)?.act;
    const kept = act === undefined ? null : await this.#seals.of(act);
    if (act === undefined || kept === null) throw new GateClosed("this device has sealed nothing in this round");
    return { act, kept };
  }

  /** This device's newest accepted seal of the round. */
  #current(purpose: Purpose, number: number): Answered | null {
    const names = [`${purpose}.seal`, `${purpose}.reseal`];
    return this.device.answered.filter(({ act }) => names.includes(act.act) && act.body["round"] === number).at(-1) ?? null;
  }

  /** The holders whose signed `share.ack` of this seal stands in the log, once there are k. */
  async #acks(sealed: Answered, gate: Gate): Promise<readonly string[]> {
    const found = new Set<string>();
    const until = performance.now() + GATE_PATIENCE_MS;
    for (let n = sealed.index + 1; ; ) {
      const size = await this.record.advance();
      for await (const entry of this.record.scan(n, size)) {
        if (entry.type === "ShareAcked" && entry.act !== null && (await this.#isAck(entry.act, sealed, gate))) {
          found.add(entry.act.sub);
        }
      }
      n = Math.max(n, size);
      if (found.size >= gate.k) return [...found];
      if (performance.now() > until) throw new GateClosed(`${found.size} of ${gate.k} holders acknowledged the seal`);
      await delay(POLL_MS);
    }
  }

  async #isAck(act: Act, sealed: Answered, gate: Gate): Promise<boolean> {
    if (act.act !== "share.ack" || act.body["act"] !== b64u(sealed.act.id) || !gate.domains.includes(act.sub)) {
      return false;
    }
    const identity = this.record.pins.trust.identities.get(act.sub);
    if (identity === undefined) return false;
    await trusting("an acknowledgement is not the holder's", () => verifyAct(act, identity));
    return true;
  }

  /** Post the act whose answer is not known, if there is one; ServerRefused where it is decided against. */
  async #settle(): Promise<Answered | null> {
    const { pending } = this.device;
    if (pending === null) return null;
    await supply(this.client, this.device, pending);
    return this.#post();
  }

  async #resubmit(): Promise<Answered | null> {
    try {
      return await this.#settle();
    } catch (error) {
      if (error instanceof ServerRefused && this.device.pending === null) return null;
      throw error;
    }
  }

  async #post(disclosures: readonly string[] = []): Promise<Answered> {
    const act = this.device.pending;
    if (act === null) throw new Error("nothing was signed");
    try {
      const posted = await this.client.postAct(act.jws, disclosures);
      if (!same(posted.id, act.id)) throw new RecordUntrusted("the server answered for another act");
      const answered = await this.device.accepted(posted.index, posted.leaf);
      this.#receipts.wake();
      return answered;
    } catch (error) {
      if (!(error instanceof ServerRefused) || UNDECIDED.has(error.code)) throw error;
      if (error.code === "wrong-log") await this.record.advance();
      if (this.device.pending === null) throw new LogContinued("the act comes again once the seat resumes");
      await this.device.refused(error.code);
      throw error;
    }
  }
}
