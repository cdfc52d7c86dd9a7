/**
 * Score sheets and ballots: the plaintext P that a member seals (protocols.md section 3, docs/protocol.md 2.3).
 *
 * Points are decimal strings with exactly two places, compared as cents, never as floating point. What `parse…` reads
 * is what the check page shows (S2), and what a sheet holds is refused here for the same reasons as at the opening.
 */

import { b64u, type Bytes, same, unb64u } from "./bytes.ts";
import { decodeObject, encode, isArray, type JsonObject, members } from "./canonical.ts";
import { CryptoError, SheetRefused } from "./errors.ts";

/** protocols.md section 3: larger tenders would seal several parts. */
const MAX_PLAINTEXT = 40_000;
const SALT_OCTETS = 32;
const POINTS = /^(?:0|[1-9][0-9]{0,11})\.[0-9]{2}$/;

/** What every plaintext is bound to. */
export interface Place {
  readonly aud: string;
  readonly seat: string;
  readonly round: number;
  readonly definition: Bytes;
}

/** A score that is asked for, with its maximum. */
export interface Asked {
  readonly bidder: string;
  readonly criterion: string;
  readonly max: string;
}

/** A score that was given. */
export interface Score {
  readonly bidder: string;
  readonly criterion: string;
  readonly points: string;
}

/** Every (bidder, criterion) with its maximum, from `scoring` of `DefinitionFixed`: bidder by bidder, criterion by
 * criterion, only bidders that are still valid. */
export function askedOf(scoring: JsonObject, valid: readonly string[]): Asked[] {
  const { bidders, criteria } = scoring;
  if (!isArray(bidders) || !isArray(criteria)) throw new SheetRefused("sheet-malformed", "no scoring");
  const pairs = (list: readonly unknown[]) =>
    list.map((row) => {
      if (!isArray(row) || typeof row[0] !== "string" || typeof row[1] !== "string") {
        throw new SheetRefused("sheet-malformed", "a row of the scoring is [id, amount]");
      }
      return [row[0], row[1]] as const;
    });
  const leaves = pairs(criteria);
  return pairs(bidders)
    .filter(([bidder]) => valid.includes(bidder))
    .flatMap(([bidder]) => leaves.map(([criterion, max]) => ({ bidder, criterion, max })));
}

/** What is wrong with one score on its way into a sheet: a code, or null. For checks while it is being typed. */
export function faultOf(points: string, max: string): "score-malformed" | "score-out-of-range" | null {
  if (!POINTS.test(points)) return "score-malformed";
  return cents(points) > cents(max) ? "score-out-of-range" : null;
}

/** The exact sum of decimals with two places. */
export function sum(points: readonly string[]): string {
  const total = points.reduce((value, each) => value + cents(each), 0n);
  return `${total / 100n}.${String(total % 100n).padStart(2, "0")}`;
}

/** The plaintext P of these scores; refuses what `parseSheet` would refuse, so that a bad sheet is never sealed. */
export function buildSheet(place: Place, scores: readonly Score[], asked: readonly Asked[], salt: Bytes): Bytes {
  const given = new Map(scores.map((score) => [keyOf(score), score.points]));
  if (given.size !== scores.length) throw new SheetRefused("score-duplicated", "a score stands twice");
  const rows = asked.map((item) => {
    const points = given.get(keyOf(item));
    if (points === undefined) throw refused("score-missing", item);
    given.delete(keyOf(item));
    return [item.bidder, item.criterion, points, null];
  });
  if (given.size > 0) throw new SheetRefused("score-unknown-item", "a score is not asked for");
  const plaintext = encode({ ...head(place, salt), items: rows });
  parseSheet(plaintext, place, asked);
  return plaintext;
}

/** Read P strictly: right place, and exactly the scores asked for, in their order and range. */
export function parseSheet(plaintext: Bytes, place: Place, asked: readonly Asked[]): Score[] {
  const { items } = members(read(plaintext, place, "items"), { ...HEAD, items: "array" });
  const maxima = new Map(asked.map((item) => [keyOf(item), item.max]));
  const scores = items.map((row): Score => {
    const [bidder, criterion, points, comment, ...rest] = isArray(row) ? row : [];
    if (typeof bidder !== "string" || typeof criterion !== "string" || comment === undefined || rest.length > 0) {
      throw new SheetRefused("sheet-malformed", "an item is [bidder, criterion, score, comment digest or null]");
    }
    const max = maxima.get(keyOf({ bidder, criterion }));
    if (max === undefined) throw refused("score-unknown-item", { bidder, criterion });
    const fault = typeof points === "string" ? faultOf(points, max) : "score-malformed";
    if (fault !== null || typeof points !== "string") throw refused(fault ?? "score-malformed", { bidder, criterion });
    if (comment !== null) malformedIn(() => unb64u(comment, 32));
    return { bidder, criterion, points };
  });
  const found = scores.map(keyOf);
  if (new Set(found).size !== found.length) throw new SheetRefused("score-duplicated", "a score stands twice");
  for (const item of asked) if (!found.includes(keyOf(item))) throw refused("score-missing", item);
  if (asked.some((item, i) => keyOf(item) !== found[i])) {
    throw new SheetRefused("score-out-of-order", "items stand in another order than the definition's");
  }
  return scores;
}

/** The plaintext P of one vote. */
export function buildBallot(place: Place, choice: string, choices: readonly string[], salt: Bytes): Bytes {
  const plaintext = encode({ ...head(place, salt), choice });
  parseBallot(plaintext, place, choices);
  return plaintext;
}

/** The seat chosen; refuses a vote for whom the round does not offer. */
export function parseBallot(plaintext: Bytes, place: Place, choices: readonly string[]): string {
  const { choice } = members(read(plaintext, place, "choice"), { ...HEAD, choice: "string" });
  if (!choices.includes(choice)) throw new SheetRefused("choice-refused", "the vote is for nobody who stands here");
  return choice;
}

const HEAD = {
  aud: "string",
  definition: "string",
  part: "array",
  round: "integer",
  salt: "string",
  seat: "string",
  v: "integer",
} as const;

/** The members that sheets and ballots share. The salt keeps a commitment from being guessed. */
function head(place: Place, salt: Bytes): JsonObject {
  if (salt.length !== SALT_OCTETS) throw new SheetRefused("sheet-malformed", "a plaintext takes 32 octets of salt");
  const { aud, seat, round, definition } = place;
  return { aud, definition: b64u(definition), part: [1, 1], round, salt: b64u(salt), seat, v: 1 };
}

/** A plaintext's members, checked to be canonical and bound to `place`. */
function read(plaintext: Bytes, place: Place, more: "items" | "choice"): JsonObject {
  if (plaintext.length > MAX_PLAINTEXT) throw new SheetRefused("sheet-too-large", `${plaintext.length} octets`);
  return malformedIn(() => {
    const value = decodeObject(plaintext);
    const found = members(value, { ...HEAD, [more]: "any" });
    unb64u(found.salt, SALT_OCTETS);
    const [part, parts, ...rest] = found.part;
    const one = part === 1 && parts === 1 && rest.length === 0;
    if (found.v !== 1 || !one || !same(encode(value), plaintext)) {
      throw new SheetRefused("sheet-malformed", "unknown version or part, or not in canonical form");
    }
    const { aud, seat, round, definition } = found;
    if (aud !== place.aud || seat !== place.seat || round !== place.round || definition !== b64u(place.definition)) {
      throw new SheetRefused("sheet-misplaced", "made for another log, seat, round or definition");
    }
    return value;
  });
}

function malformedIn<T>(reading: () => T): T {
  try {
    return reading();
  } catch (error) {
    if (error instanceof CryptoError && error.code === "malformed") {
      throw new SheetRefused("sheet-malformed", error.message);
    }
    throw error;
  }
}

const keyOf = ({ bidder, criterion }: { bidder: string; criterion: string }): string =>
  JSON.stringify([bidder, criterion]);
const cents = (points: string): bigint => BigInt(points.replace(".", ""));
const refused = (code: string, { bidder, criterion }: { bidder: string; criterion: string }): SheetRefused =>
  new SheetRefused(code, `${bidder}, ${criterion}`, [bidder, criterion]);
