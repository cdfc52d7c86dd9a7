/** An act as a form: which words, what is chosen and typed, and the act's body. */
import type { JsonObject } from "../crypto/canonical.ts";
import type { Disclosure } from "../crypto/disclosure.ts";

export const FIELDS = ["reason", "minutes", "text", "label", "seats", "reference", "evidence", "person", "organisation", "day", "of", "points", "seals", "note", "jwk"] as const;
export type Field = (typeof FIELDS)[number];
export const PICKS = ["seat", "about", "ground", "leaving", "annulling", "draw", "lost", "successor", "venue", "lostVenue", "takesOver", "failure", "kind", "to", "cause", "whole", "from"] as const;
export type Pick = (typeof PICKS)[number];
export type Given = Record<Field | Pick, string>;

export interface Choice {
  act: string;
  /** Key of the button's words. */
  label: string;
  kind: "primary" | "secondary" | "danger";
  fields: readonly Field[];
  /** Fields that may stay empty. */
  optional?: readonly Field[];
  /** What a field holds before anything is typed. */
  given?: Partial<Given>;
  /** How long a text may be, in characters; 500 where nothing is said. */
  longest?: Partial<Record<Field, number>>;
  /** The first and the last day that can be meant. */
  days?: readonly [first: string, last: string];
  /** The most points. */
  most?: number;
  /** What is wrong with a field: the key of its words, or "". */
  wrong?: Partial<Record<Field, (value: string) => string>>;
  /** How a field is shown once more before it is signed; as it was typed, where nothing is said. */
  shown?: Partial<Record<Field, (value: string) => string>>;
  /** What is chosen from lists, before the fields: values with the key of their words, or what they are called by. */
  picks?: readonly (readonly [Pick, readonly (readonly [value: string, words: string])[]])[];
  body: (given: Given) => JsonObject;
  /** Who is named beside the act, in a disclosure of its own (docs/protocol.md 2.7). */
  member?: (given: Given) => JsonObject;
}

/** Who signs and hands in. */
export interface Performing {
  readonly busy: boolean;
  /** Why the last act was refused. */
  readonly code: string;
  /** Whether the act stands in the log; `code` says why not. */
  perform: (name: string, body: JsonObject, disclosed?: readonly Disclosure[]) => Promise<boolean>;
}
