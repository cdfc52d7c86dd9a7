// A main server, made up under Node, that lost the end of a log and goes on with it under another key.
import assert from "node:assert/strict";
import { type Act, parseAct } from "../../web/client/src/crypto/act.ts";
import { b64, b64u, type Bytes, concat, hex, text, utf8 } from "../../web/client/src/crypto/bytes.ts";
import { encode, type Json, type JsonObject, sha256 } from "../../web/client/src/crypto/canonical.ts";
import type { Answer, Request } from "../../web/client/src/crypto/client.ts";
import type { Entry } from "../../web/client/src/crypto/entry.ts";
import { MemoryStore } from "../../web/client/src/crypto/memory.ts";
import { Seat } from "../../web/client/src/crypto/seat.ts";
import { Agreement, consistency, type Log, ORIGIN, type Signer } from "./agreement.ts";

const PROCEEDING = ORIGIN.split("/").at(-1)!;
const PATH = `/v1/proceedings/${PROCEEDING}`;
const SEAT = "seat-3";
/** The prefix that is left, and how far the witnesses had seen. */
export const A = 4;
export const W = 7;

const answer = (status: number, body: Bytes, type = "application/octet-stream"): Answer => ({ status, type, body });
const json = (status: number, value: JsonObject): Answer => answer(status, encode(value), "application/json");
export const problem = (status: number, code: string): Answer => answer(status, encode({ code }), "application/problem+json");

/** What a test makes another of, in what the main server says. */
export interface Changes {
  readonly opening?: JsonObject;
  readonly continues?: JsonObject;
  readonly said?: JsonObject;
  readonly opener?: Signer;
  readonly by?: Signer;
  readonly confirmer?: Signer;
  readonly confirmed?: JsonObject | null;
  readonly witnesses?: number;
}

export class World {
  readonly agreement: Agreement;
  readonly store = new MemoryStore();
  readonly objects = new Map<string, Bytes>();
  readonly proofs: JsonObject[] = [];
  /** Acts as they came, octet for octet. */
  readonly brought: string[] = [];
  /** Refusals of acts in the merge, by name. */
  readonly refuses = new Map<string, string>();
  readonly answers: Answer[] = [];
  shown: Log;
  witnesses = 3;
  begins: number | null = null;
  seat!: Seat;

  private constructor(agreement: Agreement) {
    this.agreement = agreement;
    this.shown = agreement.log;
  }

  /** A seat whose binding stands, with three later acts at 4, 5 and 6; it saw all of it. */
  static async make({ bound = 2 } = {}): Promise<World> {
    const world = new World(await Agreement.make());
    const { agreement } = world;
    const named = agreement.centre.entries[0]!;
    const opening = { origin: agreement.centre.origin, index: named.n, leaf: b64u(named.leaf) };
    agreement.log.append("ProceedingFounded", {}, await agreement.main.act("proceeding.found", ORIGIN, { opening }));
    while (agreement.log.entries.length < bound) agreement.log.append("DefinitionFixed", {});
    await world.sit();
    await world.seat.bind();
    while (agreement.log.entries.length < A) agreement.log.append("Witnessed", {});
    for (const page of [1, 2, 3]) await world.seat.perform("page.show", { document: "d", page });
    for (const { index } of world.seat.device.answered) await world.keeps(index);
    await world.seat.record.advance();
    return world;
  }

  async sit(): Promise<void> {
    this.seat?.close();
    const { pins } = this.agreement;
    const call = (request: Request) => this.#call(request);
    this.seat = await Seat.open({ call, store: this.store.again(), pins, proceeding: PROCEEDING, origin: ORIGIN, sub: SEAT, patienceMs: 0 });
  }

  /** The receipt of an act is on the device, as the background has it after a while. */
  async keeps(index: number): Promise<void> {
    const { act } = this.seat.device.answered.find((each) => each.index === index)!;
    const { entry, octets } = await this.seat.record.prove(index);
    await this.seat.device.keep(`proof-${hex(act.id)}`, encode({ entry: b64u(entry.data), proof: text(octets) }));
  }

  /** Entries from A on are gone; the log goes on, with whatever a test changes in that. */
  async goOn(changes: Changes = {}): Promise<Log> {
    const { agreement } = this;
    const old = agreement.log;
    const [size, end] = [A, old.entries.length];
    const log = await old.continued(size);
    const continues = { origin: ORIGIN, size, root: b64u(log.seen()[1]), witnessed: end };
    const opened = await agreement.open(log, { continues: { ...continues, ...changes.opening } }, changes.opener);
    const note = await old.note(end, agreement.witnesses.slice(0, 1));
    const witnessed = { size: end, root: b64u(old.seen()[1]), note: this.put(note) };
    const body: JsonObject = {
      continues: { ...continues, ...changes.continues },
      checkpoint: this.put(await old.note(size)),
      witnessed,
      missing: [size, end],
      known: [],
      held: [],
      absent: [],
      opening: { origin: agreement.centre.origin, index: opened.n, leaf: b64u(opened.leaf) },
      reason: "磁盘损坏",
      ...changes.said,
    };
    const first = log.append("LogContinued", {}, await (changes.by ?? agreement.main).act("log.continue", log.origin, body));
    if (changes.confirmed !== null) {
      const confirming = await (changes.confirmer ?? agreement.cities[0]!).act("log.confirm", log.origin, changes.confirmed ?? { continued: b64u(first.leaf) });
      log.append("ContinuationConfirmed", {}, confirming);
    }
    this.shown = log;
    this.begins = first.n;
    this.witnesses = changes.witnesses ?? 3;
    return log;
  }

  put(data: Bytes): string {
    this.objects.set(hex(sha256(data)), data);
    return b64u(sha256(data));
  }

  /** A row of `known` for entry n of the log that was lost. */
  row(n: number, change: { leaf?: Bytes; object?: Json } = {}): Json {
    const { leaf, act } = this.agreement.log.entries[n]!;
    return [n, b64u(change.leaf ?? leaf), act && b64u(act.id), act && act.sub, change.object === undefined ? b64u(sha256(utf8("proof"))) : change.object];
  }

  async #call({ method, path, body }: Request): Promise<Answer> {
    const { centre } = this.agreement;
    const [way = "", query = ""] = path.replace(PATH, "").split("?");
    const [, , kind = "", ...rest] = way.split("/");
    const n = Number(rest.at(-1));
    if (method === "POST") return this.#post(way, JSON.parse(text(body!)) as JsonObject);
    if (path === PATH) return json(200, { continued: this.begins === null ? null : { n: this.begins } });
    if (path === "/v1/trust") return json(200, { policy: "", trust: "", opening: 0 });
    if (way.startsWith("/v1/centre/log/entries")) return answer(200, centre.entries[Number(way.split("/").at(-1))]!.data);
    if (way.startsWith("/v1/centre/log/receipts")) return answer(200, await this.agreement.proof(centre, Number(way.split("/").at(-1))));
    if (way.startsWith("/objects/")) return answer(200, this.objects.get(way.split("/")[2]!)!);
    if (kind === "checkpoint") return answer(200, await this.shown.note());
    if (kind === "entries") return this.shown.entries[n] ? answer(200, this.shown.entries[n].data) : problem(404, "not-found");
    if (kind === "receipts") return answer(200, await this.shown.proof(n, this.agreement.witnesses.slice(0, this.witnesses)));
    if (kind === "tile") return answer(200, concat(...this.shown.leaves(Number(way.split("/").at(-1)))));
    if (kind === "consistency") {
      const asked = new URLSearchParams(query);
      if (Number(asked.get("size")) > this.shown.entries.length) return problem(404, "not-found");
      const hashes = consistency(Number(asked.get("old")), this.shown.leaves(Number(asked.get("size"))));
      return answer(200, utf8(hashes.map((hash) => `${b64(hash)}\n`).join("")));
    }
    throw new Error(`no route ${path}`);
  }

  #post(way: string, said: JsonObject): Answer {
    if (way === "/proofs") {
      this.proofs.push(said);
      return answer(204, new Uint8Array());
    }
    assert.equal(way, "/acts");
    const waiting = this.answers.shift();
    if (waiting !== undefined) return waiting;
    const act = parseAct(said["act"]);
    this.brought.push(act.jws);
    const merged = act.aud !== this.shown.origin;
    if (merged && this.begins === null) return problem(403, "wrong-log");
    const entry = this.#decided(act, merged);
    return json(201, { index: entry.n, id: b64u(act.id), leaf: b64u(entry.leaf) });
  }

  #decided(act: Act, merged: boolean): Entry {
    const code = this.refuses.get(act.act);
    if (!merged || code === undefined) return this.shown.append(merged ? "PageShown" : "Done", {}, act);
    return this.shown.append("OfflineAct", { act: b64u(act.id), result: "refused", code }, act);
  }
}
