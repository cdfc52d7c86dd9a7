/**
 * Envelopes: commit to a payload and share its key k of n (protocols.md section 1.5).
 *
 * Layout, scalars and points; HPKE itself is `hpke.ts`.
 */

import { p256 } from "@noble/curves/nist.js";
import { b64u, type Bytes, concat, hex, integer, octets, same, u32, utf8, z } from "./bytes.ts";
import { type JsonObject, sha256, tagged } from "./canonical.ts";
import { Malformed, Untrusted } from "./errors.ts";
import { hkdf, sealBase } from "./hpke.ts";

/** HPKE base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. */
const SUITE = 0x01;
const KEY_OCTETS = 65;
const TAG_OCTETS = 16;
const PAD_TO = 4096;
/** protocols.md section 3: 3 <= n <= 9 nodes of the agreement. */
const MAX_HOLDERS = 9;
/** A sheet's P has at most 40 000 octets; a comment to every item of it still fits into 1 MiB. */
const MAX_CT = 256 * PAD_TO + TAG_OCTETS;
const SHARE_INFO = utf8("tongping/share/v1\0");
const KEY_INFO = utf8("tongping/envelope-key/v1");
/** One key encrypts one message (1.5(5)), so the nonce can be fixed. */
const NONCE = new Uint8Array(12);
/** q, the order of P-256. */
const ORDER = p256.Point.Fn.ORDER;

/** Gives n random octets. */
export type Entropy = (n: number) => Bytes;

/** What an envelope is bound to; `subject` = c. */
export interface Context {
  readonly purpose: "sheet" | "ballot";
  readonly origin: string;
  readonly author: string;
  readonly round: number;
  readonly subject: Bytes;
  readonly k: number;
  readonly holders: readonly Bytes[];
}

/** `ct` goes to the vault; `secret` stays with the author until it is no longer needed. */
export interface Sealed {
  readonly envelope: JsonObject;
  readonly ct: Bytes;
  readonly secret: Bytes;
}

/** T(holder-set, suite, n, then i and pk_i for i = 1..n), 1.5(1). */
export function holderSet(keys: readonly Bytes[]): Bytes {
  if (keys.length < 1 || keys.length > MAX_HOLDERS || keys.some((key) => key.length !== KEY_OCTETS || key[0] !== 4)) {
    throw new Malformed("holder keys are one to nine uncompressed points");
  }
  if (new Set(keys.map(hex)).size !== keys.length) throw new Malformed("one key holds two shares");
  const listed = keys.map((key, i) => concat(Uint8Array.of(i + 1), key));
  return tagged("holder-set", concat(Uint8Array.of(SUITE, keys.length), ...listed));
}

/** ctx, 1.5(2). */
export function contextDigest(context: Context): Bytes {
  const { purpose, origin, author, round, subject, k, holders } = context;
  if (subject.length !== 32 || !(round >= 0 && round < 2 ** 32) || !(k >= 1 && k <= holders.length)) {
    throw new Malformed("subject, round or k is out of form");
  }
  const head = [Uint8Array.of(SUITE, k), z(purpose), z(origin), z(author), u32(round)];
  return tagged("seal-context", concat(...head, subject, holderSet(holders)));
}

/** c = T(sheet-commitment, P), protocols.md section 3. */
export const sheetCommitment = (plaintext: Bytes): Bytes => tagged("sheet-commitment", plaintext);

/** P, a line feed, and no disclosures: comments are not sealed yet. */
export function joinPayload(plaintext: Bytes): Bytes {
  if (plaintext.includes(0x0a)) throw new Malformed("a plaintext is one line");
  return concat(plaintext, Uint8Array.of(0x0a));
}

/** 0x80, then 0x00 to a multiple of 4096, so that the length tells little. */
export function pad(payload: Bytes): Bytes {
  const padded = new Uint8Array(Math.ceil((payload.length + 1) / PAD_TO) * PAD_TO);
  padded.set(payload);
  padded[payload.length] = 0x80;
  return padded;
}

/** Uniform in [1, q-1] by rejection. */
export function randomScalar(entropy: Entropy): bigint {
  for (;;) {
    const value = integer(entropy(32));
    if (value >= 1n && value < ORDER) return value;
  }
}

/** y_1 … y_n of the polynomial s + a_1 x + …, 1.5(3). */
export function deal(coefficients: readonly bigint[], n: number): bigint[] {
  return Array.from({ length: n }, (_, i) => {
    const x = BigInt(i + 1);
    return coefficients.reduceRight((value, coefficient) => (value * x + coefficient) % ORDER, 0n);
  });
}

/** A_j, compressed. */
export const commitment = (scalar: bigint): Bytes => new Uint8Array(p256.Point.BASE.multiply(scalar).toBytes(true));

/** Seal `payload` to the context's holders, and open the own ciphertext once, so that no seal is sent that cannot
 * open (1.5(3) to (6)). */
export async function seal(context: Context, payload: Bytes, entropy: Entropy): Promise<Sealed> {
  const ctx = contextDigest(context);
  let coefficients: bigint[];
  let shares: bigint[];
  do {
    coefficients = Array.from({ length: context.k }, () => randomScalar(entropy));
    shares = deal(coefficients, context.holders.length);
    // A share of 0 would be a point at infinity: then the dealer takes new coefficients.
  } while (shares.includes(0n));
  const secret = octets(coefficients[0] ?? 0n, 32);
  const { key, ct } = await encrypt(ctx, secret, payload);
  if (ct.length > MAX_CT) throw new Malformed("the payload is too large");
  const sealed = await Promise.all(
    shares.map((share, i) => {
      const holder = context.holders[i] ?? new Uint8Array(0);
      return sealBase(holder, concat(SHARE_INFO, ctx, Uint8Array.of(i + 1)), octets(share, 32));
    }),
  );
  const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv: NONCE, additionalData: ctx }, key, ct);
  if (!same(new Uint8Array(opened), pad(payload))) throw new Untrusted("the own ciphertext does not open");
  const envelope = {
    c: b64u(context.subject),
    ct: { sha256: b64u(sha256(ct)), size: ct.length },
    feldman: coefficients.map((coefficient) => b64u(commitment(coefficient))),
    k: context.k,
    purpose: context.purpose,
    set: b64u(holderSet(context.holders)),
    shares: sealed.map(b64u),
    suite: SUITE,
  };
  return { envelope, ct, secret };
}

/** 1.5(5). */
export async function encrypt(ctx: Bytes, secret: Bytes, payload: Bytes): Promise<{ key: CryptoKey; ct: Bytes }> {
  const raw = payloadKey(ctx, secret);
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
  const ct = await crypto.subtle.encrypt({ name: "AES-GCM", iv: NONCE, additionalData: ctx }, key, pad(payload));
  return { key, ct: new Uint8Array(ct) };
}

export const payloadKey = (ctx: Bytes, secret: Bytes): Bytes => hkdf(ctx, secret, KEY_INFO);
