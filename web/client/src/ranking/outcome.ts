/** Rows and places of a tender, by the terms that stand in the scoring (docs/protocol.md section 4). */

import { add, cents, compare, div, exact, form, halfUp, HUNDRED, least, mul, ONE, order, type Rational, ratio, sub, ZERO } from "./rational.ts";

export interface Row {
  readonly bidder: string;
  readonly technical: string;
  readonly price: string;
  readonly total: string;
  readonly evaluated?: string;
}

/** Body of `RankingFixed`; version 2 has what stands behind the question marks. */
export interface Ranking {
  readonly v?: 2;
  readonly ranking: readonly Place[];
  readonly candidates: readonly string[];
  readonly ranked?: boolean;
  readonly excluded?: readonly (readonly [bidder: string, why: string])[];
  readonly undecided?: readonly (readonly [by: string, matter: string, bidders: readonly string[]])[];
}

export interface Outcome {
  readonly rows: readonly Row[];
  readonly base: string | null;
  readonly ranking: Ranking;
}

export type Place = readonly [bidder: string, rank: number];
/** [bidder, criterion, score, comment]. */
export type Item = readonly [string, string, string, unknown?];
/** The corrected prices that bidders have confirmed, by bidder. */
export type Confirmed = Readonly<Record<string, string>>;
/** What lots have settled, matter by matter; `coefficient` is the order of its candidates, the first one holds. */
export type Lots = Readonly<Record<string, readonly string[]>>;

type Slope = readonly [upTo: string | null, points: string];
interface Deviation {
  readonly kind: "deviation";
  readonly base: "mean" | "trimmed-mean" | "ceiling-mix";
  readonly trim_from: number | null;
  readonly ceiling: string | null;
  readonly share: string;
  /** Percent; or the candidates that it is drawn from. */
  readonly drop: string | readonly string[];
  readonly above: readonly Slope[];
  readonly below: readonly Slope[];
}
type PriceTerms =
  | { readonly kind: "lowest" | "fixed" | "order" | "coefficients" }
  | { readonly kind: "quality-cost"; readonly least: string }
  | Deviation;
interface Terms {
  readonly price: PriceTerms;
  readonly trim_sheets: number | null;
  readonly order: readonly (keyof typeof KEYS)[];
  readonly tie: "equal" | "buyer" | "lot";
  readonly same_brand: boolean;
  readonly ranked: boolean;
  readonly candidates: number;
  readonly bids: readonly { id: string; brand: string | null; off: string; plus: string; minus: string; more?: string; proposed?: { price: string } }[];
  /** By what the best of a brand is found; the whole order where nothing is said. */
  readonly brand?: readonly (keyof typeof KEYS)[];
}

/** `scoring` of `DefinitionFixed`. */
export interface Scoring {
  readonly v?: number;
  readonly technical: string;
  readonly price: string;
  readonly bidders: readonly (readonly [id: string, price: string])[];
  readonly terms?: Terms;
}

interface Bid {
  readonly id: string;
  readonly price: Rational;
  readonly brand: string | null;
  readonly mean: Rational;
  readonly evaluated: Rational;
  readonly technical: bigint;
  readonly points: bigint;
  readonly total: bigint;
}
/** A bid before its points. */
interface Standing extends Omit<Bid, "points" | "total"> {
  /** By how many percent its points for the price grow. */
  readonly more: string;
}
type Merit = (a: Bid, b: Bid) => number;
type Sums = ReadonlyMap<string, bigint>;

/** How many candidates version 1 recommends at most. */
const CANDIDATES = 3;
const KEYS = {
  total: (a: Bid, b: Bid) => order(b.total, a.total),
  technical: (a: Bid, b: Bid) => compare(b.mean, a.mean),
  price: (a: Bid, b: Bid) => compare(a.price, b.price),
  evaluated: (a: Bid, b: Bid) => compare(a.evaluated, b.evaluated),
};

/**
 * Rows and ranking of a tender: `valid` are the bidders that stand, `sheets` the items of each opened sheet, in any
 * order.
 */
export function outcome(
  scoring: Scoring,
  valid: readonly string[],
  sheets: readonly (readonly Item[])[],
  lots: Lots = {},
  confirmed: Confirmed = {},
): Outcome {
  const version = scoring.v ?? 1;
  if (version !== 1 && version !== 2) throw new RangeError(`scoring of version ${version}`);
  if (sheets.length === 0) throw new RangeError("no sheets");
  const sums = sheets.map(sumsOf);
  if (version === 1) return firstVersion(scoring, valid, sums);
  if (scoring.terms === undefined) throw new TypeError("a scoring of version 2 has terms");
  for (const { id, proposed } of scoring.terms.bids) {
    if (proposed && valid.includes(id) && confirmed[id] !== proposed.price) throw new RangeError(`${id} has not confirmed the corrected price`);
  }
  const bidders = scoring.bidders.map(([id, price]): [string, string] => [id, confirmed[id] ?? price]);
  return byTerms({ ...scoring, bidders }, scoring.terms, valid, sums, lots);
}

/** Sums in cents of each bidder in one sheet's items. */
function sumsOf(items: readonly Item[]): Sums {
  const sums = new Map<string, bigint>();
  for (const [bidder, , score] of items) sums.set(bidder, (sums.get(bidder) ?? 0n) + cents(score));
  return sums;
}

/** The mean of sums in cents, without one highest and one lowest from so many sheets on. */
function mean(sums: readonly bigint[], trimFrom: number | null): Rational {
  let counted = [...sums].sort(order);
  if (trimFrom !== null && counted.length >= trimFrom) counted = counted.slice(1, -1);
  return ratio(
    counted.reduce((a, b) => a + b, 0n),
    100n * BigInt(counted.length),
  );
}

/** The exact benchmark of the evaluation prices. */
function benchmark(how: Deviation, prices: readonly Rational[], lots: Lots): Rational {
  let counted = [...prices].sort(compare);
  if (how.trim_from !== null && counted.length >= how.trim_from) counted = counted.slice(1, -1);
  let base = div(counted.reduce(add, ZERO), ratio(BigInt(counted.length)));
  if (how.base === "ceiling-mix") {
    const share = div(exact(how.share), HUNDRED);
    base = add(mul(exact(how.ceiling), share), mul(base, sub(ONE, share)));
  }
  return mul(base, sub(ONE, div(exact(coefficient(how.drop, lots)), HUNDRED)));
}

/** The coefficient in percent; without its draw over exactly the tender's candidates there is none. */
function coefficient(drop: Deviation["drop"], lots: Lots): string {
  if (typeof drop === "string") return drop;
  const drawn = drawnOrder(lots, "coefficient", drop)?.[0];
  if (drawn === undefined) throw new RangeError("the coefficient is not drawn");
  return drawn;
}

/** Points lost by deviating from the benchmark, in proportion within each percent. */
function lostPoints(price: Rational, base: Rational, how: Deviation): Rational {
  const dearer = compare(price, base) > 0;
  const gap = dearer ? sub(price, base) : sub(base, price);
  const percent = mul(div(gap, base), HUNDRED);
  let lost = ZERO;
  let from = ZERO;
  for (const [limit, slope] of dearer ? how.above : how.below) {
    const until = limit === null ? percent : least([percent, exact(limit)]);
    if (compare(until, from) <= 0) break;
    lost = add(lost, mul(sub(until, from), exact(slope)));
    from = until;
  }
  return lost;
}

/** Groups of equal bids, best first; within a group the definition's order stays. */
function grouped(list: readonly Bid[], merit: Merit): Bid[][] {
  const groups: Bid[][] = [];
  for (const one of [...list].sort(merit)) {
    const last = groups.at(-1);
    if (last?.[0] !== undefined && merit(last[0], one) === 0) last.push(one);
    else groups.push([one]);
  }
  return groups;
}

/** The first of the places, at most so many; a group of equal rank is not cut, and the first is never left out. */
function recommended(places: readonly Place[], most: number): string[] {
  const chosen: string[] = [];
  for (const rank of [...new Set(places.map(([, place]) => place))].sort((a, b) => a - b)) {
    const group = places.filter(([, place]) => place === rank).map(([name]) => name);
    if (chosen.length > 0 && chosen.length + group.length > most) break;
    chosen.push(...group);
  }
  return chosen;
}

/** Version 1: points for the lowest price, total descending, price ascending, equal rank in the order of ids. */
function firstVersion(scoring: Scoring, valid: readonly string[], sums: readonly Sums[]): Outcome {
  const standing = scoring.bidders.filter(([bidder]) => valid.includes(bidder));
  const lowest = least(standing.map(([, price]) => exact(price)));
  const bids = standing.map(([id, text]): Bid => {
    const price = exact(text);
    const average = mean(sums.map((sheet) => sheet.get(id) ?? 0n), null);
    const technical = halfUp(average);
    const points = halfUp(mul(div(lowest, price), exact(scoring.price)));
    return { id, price, brand: null, mean: average, evaluated: price, technical, points, total: technical + points };
  });
  const places: Place[] = [];
  for (const group of grouped(bids, (a, b) => KEYS.total(a, b) || KEYS.price(a, b))) {
    const place = places.length + 1;
    const names = group.map((bid) => bid.id).sort((a, b) => (a < b ? -1 : 1));
    places.push(...names.map((name): Place => [name, place]));
  }
  const rows = bids.map((bid) => rowOf(bid));
  return { rows, base: null, ranking: { ranking: places, candidates: recommended(places, CANDIDATES) } };
}

/** By these keys, one after the other. */
function by(keys: readonly (keyof typeof KEYS)[]): Merit {
  return (a, b) => {
    for (const key of keys) {
      const found = KEYS[key](a, b);
      if (found !== 0) return found;
    }
    return 0;
  };
}

/** Version 2: by the terms. */
function byTerms(scoring: Scoring, terms: Terms, valid: readonly string[], sums: readonly Sums[], lots: Lots): Outcome {
  const names = terms.bids.map((bid) => bid.id);
  const excluded: [string, string][] = [];
  const undecided: [string, string, string[]][] = [];
  const { bids, base } = evaluated(scoring, terms, valid, sums, lots, excluded);
  const merit = by(terms.order);
  const standing = terms.same_brand ? oneOfEachBrand(bids, by(terms.brand ?? terms.order), lots, excluded, undecided) : bids;
  let places: Place[] = [];
  for (const group of grouped(standing, merit)) {
    const place = places.length + 1;
    const equal = group.map((bid) => bid.id);
    const drawn = equal.length > 1 && terms.tie === "lot" ? drawnOrder(lots, `place-${place}`, equal) : null;
    if (drawn !== null) {
      places.push(...drawn.map((id, i): Place => [id, place + i]));
      continue;
    }
    if (equal.length > 1 && terms.tie !== "equal") undecided.push([terms.tie, `place-${place}`, equal]);
    places.push(...equal.map((id): Place => [id, place]));
  }
  let candidates = recommended(places, terms.candidates);
  if (!terms.ranked) {
    candidates = names.filter((id) => candidates.includes(id));
    places = [];
  }
  excluded.sort(([a], [b]) => names.indexOf(a) - names.indexOf(b));
  const rows = bids.map((bid) => ({ ...rowOf(bid), evaluated: form(halfUp(bid.evaluated)) }));
  const ranking = { v: 2 as const, ranking: places, candidates, ranked: terms.ranked, excluded, undecided };
  return { rows, base: base === null ? null : form(halfUp(base)), ranking };
}

/** Every bid that reaches the least technical score, with its points; and the benchmark, where there is one. */
function evaluated(
  scoring: Scoring,
  terms: Terms,
  valid: readonly string[],
  sums: readonly Sums[],
  lots: Lots,
  excluded: [string, string][],
): { bids: Bid[]; base: Rational | null } {
  const how = terms.price;
  const prices = new Map(scoring.bidders);
  const found: Standing[] = [];
  for (const bid of terms.bids.filter(({ id }) => valid.includes(id))) {
    const average = mean(sums.map((sheet) => sheet.get(bid.id) ?? 0n), terms.trim_sheets);
    if (how.kind === "quality-cost" && compare(average, exact(how.least)) < 0) {
      excluded.push([bid.id, "below-least-technical"]);
      continue;
    }
    const weighed = how.kind === "quality-cost" ? div(mul(average, exact(scoring.technical)), HUNDRED) : average;
    const technical = halfUp(weighed);
    const price = exact(prices.get(bid.id));
    const off = mul(price, div(exact(bid.off), HUNDRED));
    let worth = sub(add(sub(price, off), exact(bid.plus)), exact(bid.minus));
    if (how.kind === "coefficients") {
      const weight = exact(scoring.price);
      const coefficient = div(add(weight, ratio(technical, 100n)), weight);
      worth = ratio(halfUp(div(worth, coefficient)), 100n);
    }
    found.push({ id: bid.id, brand: bid.brand, mean: average, technical, price, evaluated: worth, more: bid.more ?? "0.00" });
  }
  const worths = found.map((bid) => bid.evaluated);
  const base = how.kind === "deviation" && found.length > 0 ? benchmark(how, worths, lots) : null;
  const bids = found.map(({ more, ...bid }): Bid => {
    const grown = add(ONE, div(exact(more), HUNDRED));
    const points = halfUp(mul(pricePoints(bid.evaluated, worths, base, scoring, how), grown));
    return { ...bid, points, total: bid.technical + points };
  });
  return { bids, base };
}

function pricePoints(
  worth: Rational,
  worths: readonly Rational[],
  base: Rational | null,
  scoring: Scoring,
  how: PriceTerms,
): Rational {
  if (base !== null && how.kind === "deviation") {
    const left = sub(exact(scoring.price), lostPoints(worth, base, how));
    return left.n > 0n ? left : ZERO;
  }
  if (how.kind === "lowest" || how.kind === "quality-cost") return mul(div(least(worths), worth), exact(scoring.price));
  return ZERO;
}

/** Of equal brands the best one stands, or the one that a lot gave. */
function oneOfEachBrand(
  bids: readonly Bid[],
  merit: Merit,
  lots: Lots,
  excluded: [string, string][],
  undecided: [string, string, string[]][],
): readonly Bid[] {
  let standing = bids;
  for (const brand of new Set(bids.map((bid) => bid.brand).filter((name) => name !== null))) {
    const mates = bids.filter((bid) => bid.brand === brand);
    let best = grouped(mates, merit)[0]?.map((bid) => bid.id) ?? [];
    if (best.length > 1) {
      const drawn = drawnOrder(lots, `brand-${brand}`, best);
      if (drawn === null) undecided.push(["lot", `brand-${brand}`, best]);
      else best = drawn.slice(0, 1);
    }
    const out = mates.map((bid) => bid.id).filter((id) => !best.includes(id));
    excluded.push(...out.map((id): [string, string] => [id, "same-brand"]));
    standing = standing.filter((bid) => !out.includes(bid.id));
  }
  return standing;
}

/** The order that a lot gave to exactly these bidders, or null. */
function drawnOrder(lots: Lots, matter: string, ids: readonly string[]): string[] | null {
  const drawn = lots[matter];
  if (drawn === undefined || [...drawn].sort().join() !== [...ids].sort().join()) return null;
  return [...drawn];
}

function rowOf({ id, technical, points, total }: Bid): Row {
  return { bidder: id, technical: form(technical), price: form(points), total: form(total) };
}
