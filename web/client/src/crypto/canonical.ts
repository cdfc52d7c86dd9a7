/**
 * Canonical JSON, strict readers and tagged hashes (protocols.md section 1.1).
 *
 * Octets that are hashed or signed are kept as their writer made them: `encode` is for writers, `decode` for readers,
 * and nobody re-serialises to verify. `decode` is a reader of its own, because `JSON.parse` takes duplicate keys,
 * fractions and exponents.
 */

import { sha256 as noble } from "@noble/hashes/sha2.js";
import { type Bytes, concat, text, utf8 } from "./bytes.ts";
import { Malformed } from "./errors.ts";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

/** A tile entry must be smaller than 64 KiB (C2SP tlog-tiles); protocols.md 1.1 rounds down. */
export const MAX_OCTETS = 60_000;
/** Deeper nesting serves nobody and could exhaust a reader's stack (protocols.md 1.1). */
const MAX_DEPTH = 16;

/** H of protocols.md 1.1. */
export const sha256 = (data: Uint8Array): Bytes => new Uint8Array(noble(data));

/** T(tag, m) = H("tongping/<tag>/v1" || 0x00 || m): one tag, one purpose (protocols.md 1.1). */
export function tagged(tag: string, message: Uint8Array): Bytes {
  return sha256(concat(utf8(`tongping/${tag}/v1\0`), message));
}

/** RFC 8785 on our subset; refuses what the subset excludes. */
export const encode = (value: Json): Bytes => utf8(written(value, 1));

function written(value: Json, depth: number): string {
  if (depth > MAX_DEPTH) throw new Malformed(`deeper than ${MAX_DEPTH}`);
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new Malformed("integer outside +-(2^53-1)");
    return String(value === 0 ? 0 : value);
  }
  if (typeof value === "string") return JSON.stringify(wellFormed(value));
  if (isArray(value)) return `[${value.map((item) => written(item, depth + 1)).join(",")}]`;
  if (typeof value !== "object") throw new Malformed(`${typeof value} has no canonical JSON`);
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(asciiName(name))}:${written(value[name] ?? null, depth + 1)}`);
  return `{${members.join(",")}}`;
}

/** Read JSON strictly: UTF-8, no BOM, no duplicate keys, no fractions or exponents, bounded size and depth. */
export function decode(data: Uint8Array, limit = MAX_OCTETS): Json {
  if (data.length > limit) throw new Malformed(`${data.length} octets, ${limit} allowed`);
  return new Reader(text(data)).whole();
}

/** `decode`, and the top must be an object. */
export function decodeObject(data: Uint8Array, limit = MAX_OCTETS): JsonObject {
  const value = decode(data, limit);
  if (!isObject(value)) throw new Malformed("not a JSON object");
  return value;
}

export const isArray = (value: unknown): value is readonly Json[] => Array.isArray(value);

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

interface Kinds {
  string: string;
  integer: number;
  boolean: boolean;
  array: readonly Json[];
  object: JsonObject;
  any: Json;
}
type Form = Readonly<Record<string, keyof Kinds>>;
type Of<F extends Form> = { readonly [N in keyof F]: Kinds[F[N]] };

/** The object `value` with exactly these members and kinds, or Malformed naming the member. */
export function members<R extends Form, O extends Form = Record<never, never>>(
  value: unknown,
  required: R,
  optional?: O,
): Of<R> & Partial<Of<O>> {
  if (!isObject(value)) throw new Malformed("not an object");
  const known: Form = { ...required, ...optional };
  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(known, name)) throw new Malformed(`unknown member ${JSON.stringify(name.slice(0, 40))}`);
  }
  for (const [name, kind] of Object.entries(known)) {
    if (!Object.hasOwn(value, name)) {
      if (Object.hasOwn(required, name)) throw new Malformed(`member ${name} is missing`);
    } else if (kind !== "any" && kindOf(value[name]) !== kind) {
      throw new Malformed(`member ${name} must be ${kind}`);
    }
  }
  return value as unknown as Of<R> & Partial<Of<O>>;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (value === null) return "null";
  return typeof value === "number" ? "integer" : typeof value;
}

function wellFormed(value: string): string {
  if (/\p{Surrogate}/u.test(value)) throw new Malformed("lone surrogate");
  return value;
}

function asciiName(name: string): string {
  if (!/^[\0-\x7f]*$/.test(name)) throw new Malformed("keys must be ASCII");
  return name;
}

const NUMBER = /-?[0-9][0-9.eE+-]*/y;
const INTEGER = /^(?:0|-?[1-9][0-9]*)$/;
const STRING = /"(?:[^"\\]|\\.)*"/sy;
const SPACE = /[ \t\n\r]*/y;
const WORDS: readonly (readonly [string, Json])[] = [
  ["null", null],
  ["true", true],
  ["false", false],
];

/** One JSON text, read from left to right. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(value: string) {
    this.#text = value;
  }

  whole(): Json {
    const value = this.#value(1);
    this.#match(SPACE);
    if (this.#at !== this.#text.length) throw new Malformed("more than one JSON value");
    return value;
  }

  #value(depth: number): Json {
    if (depth > MAX_DEPTH) throw new Malformed(`deeper than ${MAX_DEPTH}`);
    this.#match(SPACE);
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object(depth);
      case "[":
        return this.#array(depth);
      case '"':
        return this.#string();
    }
    for (const [word, value] of WORDS) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    const digits = this.#match(NUMBER);
    if (!INTEGER.test(digits) || !Number.isSafeInteger(Number(digits))) {
      throw new Malformed(`no integer within +-(2^53-1) at ${this.#at}`);
    }
    return Number(digits);
  }

  #object(depth: number): JsonObject {
    const pairs = new Map<string, Json>();
    this.#list("}", () => {
      this.#match(SPACE);
      const name = asciiName(this.#string());
      if (pairs.has(name)) throw new Malformed("duplicate key");
      this.#expect(":");
      pairs.set(name, this.#value(depth + 1));
    });
    // `fromEntries` defines members, so that a key `__proto__` is a key like any other.
    return Object.fromEntries(pairs);
  }

  #array(depth: number): Json[] {
    const items: Json[] = [];
    this.#list("]", () => items.push(this.#value(depth + 1)));
    return items;
  }

  #list(end: string, item: () => void): void {
    this.#at += 1;
    this.#match(SPACE);
    if (this.#text[this.#at] === end) {
      this.#at += 1;
      return;
    }
    for (;;) {
      item();
      this.#match(SPACE);
      const next = this.#text[this.#at];
      this.#at += 1;
      if (next === end) return;
      if (next !== ",") throw new Malformed("a comma is missing");
    }
  }

  #string(): string {
    const literal = this.#match(STRING);
    let value: unknown;
    try {
      value = JSON.parse(literal);
    } catch {
      value = undefined;
    }
    if (typeof value !== "string") throw new Malformed(`no string at ${this.#at}`);
    return wellFormed(value);
  }

  #expect(sign: string): void {
    this.#match(SPACE);
    if (this.#text[this.#at] !== sign) throw new Malformed(`${sign} is missing`);
    this.#at += 1;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }
}
