// An agreement made up under Node: a main centre, cities that witness, logs with their keys, and the seat's pins.
import { type Act, type Jwk, jwkOf, makeAct, NO_ACT, NOTHING_SEEN, newKey, type Seen } from "../../web/client/src/crypto/act.ts";
import { b64, b64u, type Bytes, concat, hex, u64, utf8 } from "../../web/client/src/crypto/bytes.ts";
import { encode, type JsonObject, sha256 } from "../../web/client/src/crypto/canonical.ts";
import { type Entry, parseEntry } from "../../web/client/src/crypto/entry.ts";
import { nodeHash } from "../../web/client/src/crypto/merkle.ts";
import { COSIGNATURE_V1, ED25519 } from "../../web/client/src/crypto/note.ts";
import { parsePins, type Pins, pinsDigest } from "../../web/client/src/crypto/trust.ts";

export const MAIN = "hohhot.example";
export const CITIES = ["zhongshan.example", "zhuhai.example", "finance.example"];
export const ORIGIN = `${MAIN}/proceedings/${"a".repeat(26)}`;
const NOW = 1_795_248_000;

/** RFC 6962 section 2.1: what a log proves. */
export const root = (leaves: readonly Bytes[]): Bytes =>
  leaves.length === 0 ? sha256(new Uint8Array()) : leaves.length === 1 ? leaves[0]! : nodeHash(root(leaves.slice(0, half(leaves))), root(leaves.slice(half(leaves))));
const half = ({ length }: readonly Bytes[]): number => 2 ** Math.ceil(Math.log2(length) - 1);

export function inclusion(n: number, leaves: readonly Bytes[]): Bytes[] {
  if (leaves.length === 1) return [];
  const k = half(leaves);
  return n < k ? [...inclusion(n, leaves.slice(0, k)), root(leaves.slice(k))] : [...inclusion(n - k, leaves.slice(k)), root(leaves.slice(0, k))];
}

export function consistency(old: number, leaves: readonly Bytes[], whole = true): Bytes[] {
  if (old === leaves.length) return whole ? [] : [root(leaves)];
  const k = half(leaves);
  if (old <= k) return [...consistency(old, leaves.slice(0, k), whole), root(leaves.slice(k))];
  return [...consistency(old - k, leaves.slice(k), false), root(leaves.slice(0, k))];
}

/** Whoever signs notes: a log, or a witness. */
export class NoteKey {
  readonly name: string;
  readonly vkey: string;
  readonly #type: number;
  readonly #id: Bytes;
  readonly #key: CryptoKey;

  private constructor(name: string, type: number, key: CryptoKey, typed: Bytes) {
    this.name = name;
    this.#type = type;
    this.#key = key;
    this.#id = sha256(concat(utf8(`${name}\n`), typed)).slice(0, 4);
    this.vkey = `${name}+${hex(this.#id)}+${b64(typed)}`;
  }

  static async make(name: string, type = ED25519): Promise<NoteKey> {
    const { privateKey, publicKey } = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
    const raw = new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
    return new NoteKey(name, type, privateKey, concat(Uint8Array.of(type), raw));
  }

  async line(text: string): Promise<string> {
    const time = this.#type === COSIGNATURE_V1;
    const signed = utf8(time ? `cosignature/v1\ntime ${NOW}\n${text}` : text);
    const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", this.#key, signed));
    return `— ${this.name} ${b64(concat(this.#id, time ? u64(NOW) : new Uint8Array(), signature))}\n`;
  }
}

/** One log; nothing of it is lost unless a test takes it away. */
export class Log {
  readonly origin: string;
  readonly key: NoteKey;
  readonly entries: Entry[] = [];

  private constructor(origin: string, key: NoteKey) {
    this.origin = origin;
    this.key = key;
  }

  static async make(origin: string): Promise<Log> {
    return new Log(origin, await NoteKey.make(origin));
  }

  /** A log under another key whose tree begins with so much of this one's. */
  async continued(size: number, origin = `${this.origin}/r2`): Promise<Log> {
    const made = await Log.make(origin);
    made.entries.push(...this.entries.slice(0, size));
    return made;
  }

  leaves(size = this.entries.length): Bytes[] {
    return this.entries.slice(0, size).map(({ leaf }) => leaf);
  }

  seen(size = this.entries.length): Seen {
    return size === 0 ? NOTHING_SEEN : [size, root(this.leaves(size))];
  }

  append(type: string, body: JsonObject, act: Act | null = null): Entry {
    const salt = b64u(crypto.getRandomValues(new Uint8Array(16)));
    const signed: JsonObject = act === null ? {} : { act: act.jws };
    const made = { ...signed, at: "2026-11-22T08:00:00.123Z", body, n: this.entries.length, origin: this.origin, salt, type, v: 1 };
    const entry = parseEntry(encode(made));
    this.entries.push(entry);
    return entry;
  }

  async note(size = this.entries.length, witnesses: readonly NoteKey[] = []): Promise<Bytes> {
    const text = `${this.origin}\n${size}\n${b64(this.seen(size)[1])}\n`;
    const lines = await Promise.all([this.key, ...witnesses].map((key) => key.line(text)));
    return utf8(`${text}\n${lines.join("")}`);
  }

  async proof(n: number, witnesses: readonly NoteKey[], size = this.entries.length): Promise<Bytes> {
    const hashes = inclusion(n, this.leaves(size)).map((hash) => `${b64(hash)}\n`);
    return concat(utf8(`c2sp.org/tlog-proof@v1\nindex ${n}\n${hashes.join("")}\n`), await this.note(size, witnesses));
  }
}

/** A centre's identity, or whoever signs acts, each in a chain of its own for each log. */
export class Signer {
  readonly sub: string;
  readonly key: CryptoKeyPair;
  readonly jwk: Jwk;
  readonly #heads = new Map<string, readonly [number, Bytes]>();

  private constructor(sub: string, key: CryptoKeyPair, jwk: Jwk) {
    this.sub = sub;
    this.key = key;
    this.jwk = jwk;
  }

  static async make(sub: string): Promise<Signer> {
    const key = await newKey();
    return new Signer(sub, key, await jwkOf(key.publicKey));
  }

  async act(name: string, aud: string, body: JsonObject, seen: Seen = NOTHING_SEEN): Promise<Act> {
    const [ctr, prev] = this.#heads.get(aud) ?? [0, NO_ACT];
    const made = await makeAct(this.key, { act: name, aud, sub: this.sub, body, ctr: ctr + 1, iat: NOW, prev, seen });
    this.#heads.set(aud, [made.ctr, made.id]);
    return made;
  }
}

/** The agreement of all of them, with the centre log and one proceeding's. */
export class Agreement {
  readonly main: Signer;
  readonly cities: readonly Signer[];
  readonly witnesses: readonly NoteKey[];
  readonly centre: Log;
  readonly log: Log;
  readonly pins: Pins;

  private constructor(main: Signer, cities: readonly Signer[], witnesses: readonly NoteKey[], centre: Log, log: Log) {
    this.main = main;
    this.cities = cities;
    this.witnesses = witnesses;
    this.centre = centre;
    this.log = log;
    const names = witnesses.map((_, i) => `w${i}`);
    const policy = [
      `log ${centre.key.vkey}`,
      ...witnesses.map(({ vkey }, i) => `witness w${i} ${vkey}`),
      `group all ${names.length} ${names.join(" ")}`,
      "quorum all\n",
    ].join("\n");
    const centres = [main, ...cities].map(({ sub, jwk }) => ({ domain: sub, operator: sub, jwk: { ...jwk } }));
    const trust = JSON.stringify({ v: 1, main: MAIN, centres, ca_roots: [b64(utf8("DER"))], holder_k: 2, f: 1 });
    this.pins = parsePins(policy, trust, pinsDigest(policy, trust));
  }

  static async make(): Promise<Agreement> {
    const [main, ...cities] = await Promise.all([MAIN, ...CITIES].map((domain) => Signer.make(domain)));
    const witnesses = await Promise.all(CITIES.map((domain) => NoteKey.make(`${domain}/witness`, COSIGNATURE_V1)));
    const made = new Agreement(main!, cities, witnesses, await Log.make(`${MAIN}/centre`), await Log.make(ORIGIN));
    await made.open(made.log);
    return made;
  }

  /** `ProceedingOpened` of this log; `more` are members of the act's body. */
  async open(log: Log, more: JsonObject = {}, by = this.main): Promise<Entry> {
    const body = { origin: log.origin, vkey: log.key.vkey, kind: "real", ...more };
    return this.centre.append("ProceedingOpened", {}, await by.act("proceeding.open", this.centre.origin, body));
  }

  proof(log: Log, n: number, size?: number): Promise<Bytes> {
    return log.proof(n, this.witnesses, size);
  }
}
