/**
 * Sealing a sheet or a ballot, steps S2 to S5 of protocols.md section 3 (S1 is `gate.ts`, S6 and S7 are the seat's).
 *
 * S2 build P and parse P again: what is shown for checking comes from that parse;
 * S3 the envelope, which the author opens once itself;
 * S4 the act, signed by the seat key;
 * S5 P, s and the act are on disk before anything is sent.
 */

import type { Act } from "./act.ts";
import { b64u, type Bytes, hex, same, unb64u } from "./bytes.ts";
import { decodeObject, encode, type JsonObject, members } from "./canonical.ts";
import type { Device } from "./device.ts";
import { type Entropy, joinPayload, seal, sheetCommitment } from "./envelope.ts";
import type { Gate } from "./gate.ts";
import type { Asked, Place } from "./plaintext.ts";
import type { Proof } from "./proof.ts";

export type Purpose = "sheet" | "ballot";

/** What the seat keeps of a seal until the report is signed. */
export interface Kept {
  readonly plaintext: Bytes;
  readonly secret: Bytes;
  readonly ct: Bytes;
  readonly envelope: JsonObject;
}

/** How far a seal has come, for the page: S5 done, S6 receipt in hand, S7 k acks. */
export type Step = "kept" | "logged" | "witnessed" | "safe";

/** Which round, and where a page wants to hear how far the seal has come. */
export interface SheetRound {
  readonly number: number;
  readonly asked: readonly Asked[];
  readonly onStep?: (step: Step) => void;
}

export interface BallotRound {
  readonly number: number;
  readonly choices: readonly string[];
  readonly onStep?: (step: Step) => void;
}

/** Whether a kept plaintext says the same, and how to make one that does. */
export interface Content {
  readonly same: (plaintext: Bytes) => boolean;
  readonly build: () => Bytes;
}

/** S7: the act's id, where it stands, the receipt, and who acknowledged. */
export interface Sealed {
  readonly act: Bytes;
  readonly index: number;
  readonly leaf: Bytes;
  readonly receipt: Proof;
  readonly acks: readonly string[];
}

/** MAX_CT in base64url, and the rest of what is kept. */
const MAX_KEPT = 1 << 22;

/** S3: seal P to the gate's holders. */
export async function envelop(gate: Gate, purpose: Purpose, place: Place, plaintext: Bytes, entropy: Entropy): Promise<Kept> {
  const context = {
    purpose,
    origin: place.aud,
    author: place.seat,
    round: place.round,
    subject: sheetCommitment(plaintext),
    k: gate.k,
    holders: gate.holders,
  };
  return { plaintext, ...(await seal(context, joinPayload(plaintext), entropy)) };
}

function writeKept({ plaintext, secret, ct, envelope }: Kept): Bytes {
  return encode({ ct: b64u(ct), envelope, p: b64u(plaintext), s: b64u(secret) });
}

/** Whether the act seals just this envelope. */
export function holds(act: Act, { envelope }: Kept): boolean {
  const sealed = act.body["envelope"];
  return sealed !== undefined && same(encode(sealed), encode(envelope));
}

/** Read what `writeKept` wrote. */
function readKept(data: Bytes): Kept {
  const form = { ct: "string", envelope: "object", p: "string", s: "string" } as const;
  const { ct, envelope, p, s } = members(decodeObject(data, MAX_KEPT), form);
  return { plaintext: unb64u(p), secret: unb64u(s, 32), ct: unb64u(ct), envelope };
}

const SEAL = /^(sheet|ballot)\.(?:seal|reseal)$/;

/** What this device keeps of its seals. */
export class Seals {
  readonly #device: Device;

  constructor(device: Device) {
    this.#device = device;
  }

  /** The dealing of a round that was kept last, whatever became of it. */
  async newest(purpose: Purpose, round: number): Promise<Kept | null> {
    return this.#read(nameOf(purpose, round));
  }

  /** What this act of the device seals; null where the act is no seal. */
  async of(act: Act): Promise<Kept | null> {
    const purpose = SEAL.exec(act.act)?.[1];
    if (purpose === undefined) return null;
    const name = nameOf(purpose, act.body["round"]);
    for (const each of [name, `${name}.${hex(act.id)}`]) {
      const found = await this.#read(each);
      if (found !== null && holds(act, found)) return found;
    }
    return null;
  }

  /** Keep a new dealing. The one before stays, under the name of the act that seals it: the new one may be refused, and
   * only what is kept of an accepted seal can be dealt anew or opened by its author. */
  async keep(purpose: Purpose, round: number, kept: Kept): Promise<void> {
    const name = nameOf(purpose, round);
    const before = await this.#read(name);
    const { answered, offline, pending } = this.#device;
    const made = [...answered.map(({ act }) => act), ...offline, ...(pending === null ? [] : [pending])];
    const act = before && made.find((each) => holds(each, before));
    if (before && act) await this.#device.keep(`${name}.${hex(act.id)}`, writeKept(before));
    await this.#device.keep(name, writeKept(kept));
  }

  async #read(name: string): Promise<Kept | null> {
    const stored = await this.#device.kept(name);
    return stored === null ? null : readKept(stored);
  }
}

const nameOf = (purpose: string, round: unknown): string => `${purpose}-${String(round)}`;
