/**
 * Acts: what a person or a centre signs (protocols.md section 1.3).
 *
 * An act is a compact JWS (RFC 7515) with ES256. Its id is taken over `header.payload` and never over the whole JWS,
 * because ECDSA is malleable. The id is unique in a log and is the idempotency key.
 */

import { ascii, b64, b64u, type Bytes, concat, unb64, unb64u, utf8, z } from "./bytes.ts";
import { decodeObject, encode, isArray, type Json, type JsonObject, MAX_OCTETS, members, sha256, tagged } from "./canonical.ts";
import { Malformed, Untrusted } from "./errors.ts";

const TYP = "tongping-act+jwt";
/** `prev` of a key's first act (ctr 1). */
export const NO_ACT: Bytes = new Uint8Array(32);
/** `seen` before any checkpoint was verified: the empty tree. */
export const NOTHING_SEEN: Seen = [0, sha256(new Uint8Array(0))];

/** Size and root of a verified checkpoint. */
export type Seen = readonly [number, Bytes];

/** The public key of ES256, with exactly these members. */
export interface Jwk {
  readonly crv: "P-256";
  readonly kty: "EC";
  readonly x: string;
  readonly y: string;
}

/** A parsed act. `jws` holds the exact octets; every other field was read from them. */
export interface Act {
  readonly jws: string;
  readonly id: Bytes;
  readonly kid: string;
  readonly act: string;
  readonly aud: string;
  readonly sub: string;
  readonly body: JsonObject;
  readonly ctr: number;
  readonly iat: number;
  readonly prev: Bytes;
  readonly seen: Seen;
  readonly sd: readonly string[];
}

/** What is signed next. */
export interface ActForm {
  readonly act: string;
  readonly aud: string;
  readonly sub: string;
  readonly body: JsonObject;
  readonly ctr: number;
  readonly iat: number;
  readonly prev: Bytes;
  readonly seen: Seen;
  /** Digests of what is disclosed beside the act. */
  readonly sd?: readonly string[];
}

const ECDSA = { name: "ECDSA", hash: "SHA-256" } as const;
const P256 = { name: "ECDSA", namedCurve: "P-256" } as const;

/** A new ES256 key whose private half never leaves this browser. */
export async function newKey(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(P256, false, ["sign", "verify"]);
}

/** The JWK of a P-256 public key. */
export async function jwkOf(key: CryptoKey): Promise<Jwk> {
  const { x, y } = await crypto.subtle.exportKey("jwk", key);
  return parseJwk({ crv: "P-256", kty: "EC", x: x ?? "", y: y ?? "" });
}

/** Read a P-256 public key's JWK; whether its point is on the curve shows when the key is used. */
export function parseJwk(value: unknown): Jwk {
  const { crv, kty, x, y } = members(value, { crv: "string", kty: "string", x: "string", y: "string" });
  if (crv !== "P-256" || kty !== "EC") throw new Malformed("only EC P-256 keys");
  unb64u(x, 32);
  unb64u(y, 32);
  return { crv, kty, x, y };
}

/** RFC 7638 thumbprint of a P-256 JWK, base64url. */
export function thumbprint({ crv, kty, x, y }: Jwk): string {
  return b64u(sha256(encode({ crv, kty, x, y })));
}

/** Write and sign an act. */
export async function makeAct(key: CryptoKeyPair, form: ActForm): Promise<Act> {
  const { prev, seen, sd = [], ...rest } = form;
  const digests: JsonObject = sd.length > 0 ? { _sd: [...sd].sort() } : {};
  const payload = { ...rest, ...digests, prev: b64u(prev), seen: [seen[0], b64(seen[1])], v: 1 };
  const signed = `${b64u(header(thumbprint(await jwkOf(key.publicKey))))}.${b64u(encode(payload))}`;
  const signature = await crypto.subtle.sign(ECDSA, key.privateKey, ascii(signed));
  return parseAct(`${signed}.${b64u(new Uint8Array(signature))}`);
}

/** T("act", ASCII of header.payload). */
export const actId = (signingInput: string): Bytes => tagged("act", ascii(signingInput));

/** Challenge of the passkey's assertion that confirms an act (protocols.md 1.3). */
export const challenge = (name: string, id: Bytes): Bytes => tagged("webauthn", concat(z(name), id));

/** Read an act strictly; the signature's form is checked, not yet its key (see `verifyAct`). */
export function parseAct(jws: unknown): Act {
  const parts = typeof jws === "string" && jws.length <= MAX_OCTETS ? jws.split(".") : [];
  const [head, payload, signature] = parts;
  if (typeof jws !== "string" || head === undefined || payload === undefined || parts.length !== 3) {
    throw new Malformed("not a compact JWS");
  }
  const { kid } = members(decodeObject(unb64u(head)), { alg: "string", kid: "string", typ: "string" });
  unb64u(kid, 32);
  if (head !== b64u(header(kid))) throw new Malformed("the protected header must be exactly alg, kid, typ of an act");
  unb64u(signature, 64);
  const found = members(
    decodeObject(unb64u(payload)),
    {
      act: "string",
      aud: "string",
      body: "object",
      ctr: "integer",
      iat: "integer",
      prev: "string",
      seen: "array",
      sub: "string",
      v: "integer",
    },
    { _sd: "array" },
  );
  const { act, aud, sub, body, ctr, iat, _sd: sd } = found;
  if (found.v !== 1) throw new Malformed("unknown act version");
  if (ctr < 1 || iat < 0) throw new Malformed("ctr counts from 1");
  const [size, root, ...more] = found.seen;
  if (typeof size !== "number" || size < 0 || more.length > 0) throw new Malformed("seen is [size, root]");
  return {
    jws,
    id: actId(`${head}.${payload}`),
    kid,
    act,
    aud,
    sub,
    body,
    ctr,
    iat,
    prev: unb64u(found.prev, 32),
    seen: [size, unb64(root, 32)],
    sd: sd === undefined ? [] : digests(sd),
  };
}

/** The act's signature holds under `jwk`, and `kid` names that key; else Untrusted. */
export async function verifyAct(act: Act, jwk: Jwk): Promise<void> {
  if (thumbprint(jwk) !== act.kid) throw new Untrusted("the act names another key");
  const end = act.jws.lastIndexOf(".");
  const key = await publicKey(jwk);
  const signature = unb64u(act.jws.slice(end + 1), 64);
  if (!(await crypto.subtle.verify(ECDSA, key, signature, utf8(act.jws.slice(0, end))))) {
    throw new Untrusted("the act's signature does not hold");
  }
}

/** The key itself; refuses points off the curve. */
export async function publicKey(jwk: Jwk): Promise<CryptoKey> {
  const point = concat(Uint8Array.of(4), unb64u(jwk.x, 32), unb64u(jwk.y, 32));
  try {
    return await crypto.subtle.importKey("raw", point, P256, true, ["verify"]);
  } catch {
    throw new Malformed("the point is not on P-256");
  }
}

/** The digests of an `_sd` that is there: at least one, each once, sorted. */
export function digests(value: Json): string[] {
  const found = isArray(value) ? value.filter((item) => typeof item === "string" && unb64u(item, 32)) : [];
  const texts = found.map(String);
  const sorted = [...new Set(texts)].sort();
  if (texts.length === 0 || !isArray(value) || texts.length !== value.length || sorted.join() !== texts.join()) {
    throw new Malformed("_sd is a sorted list of digests");
  }
  return texts;
}

/** The one protected header that an act may have. */
const header = (kid: string): Bytes => encode({ alg: "ES256", kid, typ: TYP });
