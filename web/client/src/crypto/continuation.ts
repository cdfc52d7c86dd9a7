/**
 * A log whose last acknowledged entries are gone everywhere goes on under another key, as `<origin>/r2` (docs/protocol.md
 * 11.2): what a seat believes of that, under its own pins and not on the server's word. Tree, indices and chains go on.
 *
 * (S1) the opening of the new log, in the pinned and witnessed centre log, names the prefix that stays;
 * (S2) the first two entries after it: the main centre says what is missing, and another centre says that it is so;
 * (S3) what this seat saw and what of its own was acknowledged stands in the prefix, or is missing; it never stands
 *      there as something else, and nothing lies beyond what was witnessed: that would be a second history.
 */

import { type Act, type Seen, verifyAct } from "./act.ts";
import { type Bytes, same, unb64u } from "./bytes.ts";
import { isArray, type Json, members } from "./canonical.ts";
import type { Answered } from "./device.ts";
import type { Entry } from "./entry.ts";
import { Malformed, Untrusted } from "./errors.ts";
import { type Opened, type Prefix, readPrefix } from "./opening.ts";
import { rootOf } from "./tree.ts";
import type { Pins } from "./trust.ts";

/** docs/protocol.md 11.2: an entry stays below 60 000 octets. */
const MAX_KNOWN = 200;

export interface Continuation {
  readonly origin: string;
  readonly prefix: Prefix;
  /** Root of the largest tree of the earlier log that anybody cosigned. */
  readonly witnessed: Bytes;
  /** Leaves of missing entries that were proven, by their index. */
  readonly known: ReadonlyMap<number, Bytes>;
  /** The centre that confirmed it. */
  readonly confirmed: string;
}

/** The log in which a proceeding began: keys, drafts and pins are kept under its origin. */
export const firstLog = (origin: string): string => origin.replace(/\/r[1-9]\d*$/, "");

/** 1 for the first log, 2 for `O/r2`, and so on. */
const round = (origin: string): number => Number(/\/r([1-9]\d*)$/.exec(origin)?.[1] ?? 1);

/** Whether `origin` is a later log of the same proceeding than `earlier`. */
export const continues = (origin: string, earlier: string): boolean =>
  sameProceeding(origin, earlier) && round(origin) > round(earlier);

/** Whether an act was made for this log or for one that it continues. */
export const sameProceeding = (aud: string, origin: string): boolean => firstLog(aud) === firstLog(origin);

/** (S1) and (S2): `opened` is the opening of the log `origin`, `first` its first entry, `second` the next one. */
export async function readContinuation(
  opened: Opened,
  first: Entry,
  second: Entry,
  pins: Pins,
): Promise<Continuation> {
  // (S1)
  const { key, continues: prefix } = opened;
  if (prefix === null || key.name !== `${firstLog(prefix.origin)}/r${round(prefix.origin) + 1}`) {
    throw new Untrusted("this log does not continue that one");
  }
  // (S2): the main centre's word
  const { main, identities } = pins.trust;
  const said = await signed(first, "LogContinued", "log.continue", opened, pins);
  if (said.sub !== main || first.n !== prefix.size) throw new Untrusted("the main centre continues the log where the prefix ends");
  const body = members(said.body, {
    continues: "object",
    checkpoint: "string",
    witnessed: "object",
    missing: "array",
    known: "array",
    held: "array",
    absent: "array",
    opening: "object",
    reason: "string",
  });
  const again = readPrefix(body.continues);
  const alike = again.origin === prefix.origin && again.size === prefix.size && again.witnessed === prefix.witnessed;
  if (!alike || !same(again.root, prefix.root)) {
    throw new Untrusted("the entry continues another prefix than the opening says");
  }
  const opening = members(body.opening, { origin: "string", index: "integer", leaf: "string" });
  if (opening.origin !== pins.policy.log.name || opening.index !== opened.index || !same(unb64u(opening.leaf, 32), opened.leaf)) {
    throw new Untrusted("the entry names another opening");
  }
  const { size, root, note } = members(body.witnessed, { size: "integer", root: "string", note: "string" });
  unb64u(note, 32);
  const [from, to, ...rest] = body.missing;
  if (size !== prefix.witnessed || from !== prefix.size || to !== size || size <= prefix.size || rest.length > 0) {
    throw new Malformed("what is missing lies between the prefix and what was witnessed");
  }
  // (S2): another centre's word
  const confirming = await signed(second, "ContinuationConfirmed", "log.confirm", opened, pins);
  if (confirming.sub === main || !identities.has(confirming.sub)) throw new Untrusted("the main centre cannot confirm what it says itself");
  const { continued } = members(confirming.body, { continued: "string" });
  if (second.n !== first.n + 1 || !same(unb64u(continued, 32), first.leaf)) throw new Untrusted("something else was confirmed");
  return {
    origin: key.name,
    prefix,
    witnessed: unb64u(root, 32),
    known: readKnown(body.known, prefix.size, size),
    confirmed: confirming.sub,
  };
}

/**
 * (S3) `leaves` are those of the new log's tree, `seen` and `answered` what this seat verified and was told of the
 * earlier log. Untrusted: there are two histories.
 */
export function judge(
  { prefix, witnessed, known }: Continuation,
  leaves: readonly Bytes[],
  [size, root]: Seen,
  answered: readonly Answered[],
): void {
  const rootAt = (n: number): Bytes | null =>
    n === 0 ? root : n <= prefix.size ? rootOf(leaves.slice(0, n)) : n === prefix.witnessed ? witnessed : null;
  if (!same(rootOf(leaves.slice(0, prefix.size)), prefix.root)) throw new Untrusted("the new tree does not begin with the prefix");
  if (size > prefix.witnessed) throw new Untrusted(`this seat verified ${size} entries, and ${prefix.witnessed} were witnessed`);
  if (!same(rootAt(size) ?? root, root)) throw new Untrusted(`this seat verified another tree of ${size} entries`);
  for (const { index, leaf } of answered) {
    if (index >= prefix.witnessed) throw new Untrusted(`an act was acknowledged at ${index}, beyond what was witnessed`);
    const shown = index < prefix.size ? leaves[index] : known.get(index);
    if (shown !== undefined && !same(shown, leaf)) throw new Untrusted(`entry ${index} is not the one that was acknowledged`);
  }
}

/** The act in this entry of the new log, signed by one of the agreement's centres. */
async function signed(entry: Entry, type: string, name: string, { key }: Opened, { trust }: Pins): Promise<Act> {
  const { act } = entry;
  if (entry.origin !== key.name || entry.type !== type || act?.act !== name || act.aud !== key.name) {
    throw new Untrusted(`entry ${entry.n} is no ${type} of this log`);
  }
  const identity = trust.identities.get(act.sub);
  if (identity === undefined) throw new Untrusted(`${type} is signed by nobody of the agreement`);
  await verifyAct(act, identity);
  return act;
}

/** `known` of an entry: ascending within what is missing. */
function readKnown(rows: readonly Json[], start: number, stop: number): ReadonlyMap<number, Bytes> {
  if (rows.length > MAX_KNOWN) throw new Malformed("too many leaves are named");
  const found = new Map<number, Bytes>();
  let last = start - 1;
  for (const row of rows) {
    const [n, leaf, act, sub, object, ...rest] = isArray(row) ? row : [];
    if (typeof n !== "number" || n <= last || n >= stop || rest.length > 0) {
      throw new Malformed("known leaves ascend within what is missing");
    }
    if (act !== null) unb64u(act, 32);
    if (sub !== null && typeof sub !== "string") throw new Malformed("an act is somebody's");
    // Without what proves it a leaf is nobody's knowledge.
    unb64u(object, 32);
    found.set(n, unb64u(leaf, 32));
    last = n;
  }
  return found;
}
