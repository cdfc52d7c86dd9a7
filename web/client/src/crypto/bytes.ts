/** Octets and their texts: base64url and base64 strictly, UTF-8, big-endian integers. */

import { Malformed } from "./errors.ts";

/** Octets that WebCrypto takes: never over shared memory. */
export type Bytes = Uint8Array<ArrayBuffer>;

const DIGITS = /^(?:0|[1-9][0-9]{0,18})$/;
const B64U = /^[A-Za-z0-9_-]*$/;
const B64 = /^[A-Za-z0-9+/]*={0,2}$/;

export function concat(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Whether both hold the same octets. Nothing here is secret, so no constant time is needed. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, i) => octet === b[i]);
}

export const utf8 = (text: string): Bytes => new Uint8Array(new TextEncoder().encode(text));

/** Text of UTF-8 octets; Malformed for anything else. A byte order mark stays in the text. */
export function text(data: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    throw new Malformed("not UTF-8");
  }
}

/** ASCII without control characters, or Malformed. */
export function ascii(value: string): Bytes {
  if (!/^[\x20-\x7f]*$/.test(value)) throw new Malformed("text must be printable ASCII");
  return utf8(value);
}

/** ASCII of `value` ended by 0x00 (protocols.md 1.1). */
export const z = (value: string): Bytes => concat(ascii(value), new Uint8Array(1));

export function hex(data: Uint8Array): string {
  return Array.from(data, (octet) => octet.toString(16).padStart(2, "0")).join("");
}

/** Standard base64 with padding (inside C2SP texts, and the root in `seen`). */
export function b64(data: Uint8Array): string {
  let binary = "";
  for (const octet of data) binary += String.fromCharCode(octet);
  return btoa(binary);
}

/** Decode standard base64 strictly. */
export function unb64(value: unknown, length?: number): Bytes {
  if (typeof value !== "string" || value.length % 4 !== 0 || !B64.test(value)) throw new Malformed("not base64");
  const data = Uint8Array.from(atob(value), (c) => c.charCodeAt(0));
  if (b64(data) !== value) throw new Malformed("non-canonical base64");
  return sized(data, length);
}

/** base64url without padding. */
export function b64u(data: Uint8Array): string {
  return b64(data).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Decode base64url strictly: alphabet, no padding, zero trailing bits; `length` in octets if given. */
export function unb64u(value: unknown, length?: number): Bytes {
  if (typeof value !== "string" || !B64U.test(value) || value.length % 4 === 1) {
    throw new Malformed("not base64url without padding");
  }
  const plain = value.replaceAll("-", "+").replaceAll("_", "/");
  const data = Uint8Array.from(atob(plain + "=".repeat((4 - (plain.length % 4)) % 4)), (c) => c.charCodeAt(0));
  if (b64u(data) !== value) throw new Malformed("non-canonical base64url");
  return sized(data, length);
}

function sized(data: Bytes, length?: number): Bytes {
  if (length !== undefined && data.length !== length) throw new Malformed(`${data.length} octets instead of ${length}`);
  return data;
}

/** A size or index as C2SP texts write it. A browser counts exactly up to 2^53 - 1, and no log of ours is longer. */
export function decimal(value: string): number {
  const found = DIGITS.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(found)) throw new Malformed("not a plain decimal");
  return found;
}

/** u32, big-endian. */
export function u32(value: number): Bytes {
  const data = new Uint8Array(4);
  new DataView(data.buffer).setUint32(0, value);
  return data;
}

/** u64, big-endian. */
export function u64(value: number | bigint): Bytes {
  const data = new Uint8Array(8);
  new DataView(data.buffer).setBigUint64(0, BigInt(value));
  return data;
}

/** The unsigned integer that the octets are, big-endian. */
export const integer = (data: Uint8Array): bigint => (data.length === 0 ? 0n : BigInt(`0x${hex(data)}`));

/** `length` octets of an unsigned integer, big-endian. */
export function octets(value: bigint, length: number): Bytes {
  const digits = value.toString(16).padStart(2 * length, "0");
  return Uint8Array.from({ length }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}
