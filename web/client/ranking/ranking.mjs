/**
 * The ranking, a second time: from the entries of a log to the rows and places, with BigInt rationals and no
 * dependency. It shares no code with evaluation/core and reads nothing but the log, so that each signer's own browser
 * can say whether the server's ranking follows from what was opened.
 *
 * @typedef {{n: bigint, d: bigint}} Rational      n/d with d > 0; not necessarily in lowest terms
 * @typedef {{bidder: string, technical: string, price: string, total: string, evaluated?: string}} Row
 * @typedef {{rows: Row[], base: string|null, ranking: object}} Outcome
 */

const CANDIDATES = 3;

/** @param {bigint} n @param {bigint} d @returns {Rational} */
const ratio = (n, d = 1n) => (d < 0n ? { n: -n, d: -d } : { n, d });
const add = (a, b) => ratio(a.n * b.d + b.n * a.d, a.d * b.d);
const sub = (a, b) => ratio(a.n * b.d - b.n * a.d, a.d * b.d);
const mul = (a, b) => ratio(a.n * b.n, a.d * b.d);
const div = (a, b) => {
  if (b.n === 0n) throw new RangeError("division by zero");
  return ratio(a.n * b.d, a.d * b.n);
};
/** @returns {number} below zero, zero or above, as a stands to b */
const compare = (a, b) => {
  const left = a.n * b.d;
  const right = b.n * a.d;
  return left < right ? -1 : left > right ? 1 : 0;
};
const least = (list) => list.reduce((a, b) => (compare(b, a) < 0 ? b : a));
const ZERO = ratio(0n);
const ONE = ratio(1n);
const HUNDRED = ratio(100n);

/** Reads "12.50" into cents; anything else is refused. @param {unknown} text @returns {bigint} */
export function cents(text) {
  if (typeof text !== "string" || !/^(?:0|[1-9][0-9]{0,11})\.[0-9]{2}$/.test(text)) {
    throw new TypeError("not a decimal with two places");
  }
  return BigInt(text.replace(".", ""));
}

/** @param {unknown} text @returns {Rational} */
const exact = (text) => ratio(cents(text), 100n);

/** Rounds half up to cents; for values that are never below zero. @param {Rational} value @returns {bigint} */
const halfUp = (value) => (200n * value.n + value.d) / (2n * value.d);

/** @param {bigint} amount in cents */
const form = (amount) => `${amount / 100n}.${String(amount % 100n).padStart(2, "0")}`;

/** The mean of sums in cents, without one highest and one lowest from so many sheets on. */
function mean(sums, trimFrom) {
  let counted = [...sums].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  if (trimFrom !== null && counted.length >= trimFrom) counted = counted.slice(1, -1);
  return ratio(
    counted.reduce((a, b) => a + b, 0n),
    100n * BigInt(counted.length),
  );
}

/** @returns {Rational} the exact benchmark of the evaluation prices */
function benchmark(how, prices) {
  let counted = [...prices].sort(compare);
  if (how.trim_from !== null && counted.length >= how.trim_from) counted = counted.slice(1, -1);
  let base = div(counted.reduce(add, ZERO), ratio(BigInt(counted.length)));
  if (how.base === "ceiling-mix") {
    const share = div(exact(how.share), HUNDRED);
    base = add(mul(exact(how.ceiling), share), mul(base, sub(ONE, share)));
  }
  return mul(base, sub(ONE, div(exact(how.drop), HUNDRED)));
}

/** @returns {Rational} points lost by deviating from the benchmark, in proportion within each percent */
function lostPoints(price, base, how) {
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

/** Sums in cents of each bidder in one sheet's items. */
function sumsOf(items) {
  const sums = new Map();
  for (const [bidder, , score] of items) sums.set(bidder, (sums.get(bidder) ?? 0n) + cents(score));
  return sums;
}

/** Groups of equal bids, best first; within a group the definition's order stays. */
function grouped(list, merit) {
  const sorted = [...list].sort(merit);
  const groups = [];
  for (const one of sorted) {
    const last = groups.at(-1);
    if (last && merit(last[0], one) === 0) last.push(one);
    else groups.push([one]);
  }
  return groups;
}

/** The first of the places, at most so many; a group of equal rank is not cut, and the first is never left out. */
function recommended(places, most) {
  const chosen = [];
  for (const rank of [...new Set(places.map(([, place]) => place))].sort((a, b) => a - b)) {
    const group = places.filter(([, place]) => place === rank).map(([name]) => name);
    if (chosen.length > 0 && chosen.length + group.length > most) break;
    chosen.push(...group);
  }
  return chosen;
}

/** Version 1: points for the lowest price, total descending, price ascending, equal rank in the order of ids. */
function firstVersion(scoring, valid, sums, lots) {
  const bids = scoring.bidders
    .filter(([bidder]) => valid.includes(bidder))
    .map(([bidder, price]) => ({ id: bidder, price: exact(price) }));
  const lowest = least(bids.map((bid) => bid.price));
  for (const bid of bids) {
    bid.technical = halfUp(mean(sums.map((sheet) => sheet.get(bid.id) ?? 0n), null));
    bid.points = halfUp(mul(div(lowest, bid.price), exact(scoring.price)));
    bid.total = bid.technical + bid.points;
  }
  const merit = (a, b) => (a.total > b.total ? -1 : a.total < b.total ? 1 : compare(a.price, b.price));
  const places = [];
  for (const group of grouped(bids, merit)) {
    const place = places.length + 1;
    const names = group.map((bid) => bid.id).sort((a, b) => (a < b ? -1 : 1));
    places.push(...names.map((name) => [name, place]));
  }
  const rows = bids.map((bid) => ({
    bidder: bid.id,
    technical: form(bid.technical),
    price: form(bid.points),
    total: form(bid.total),
  }));
  return { rows, base: null, ranking: { ranking: places, candidates: recommended(places, CANDIDATES) } };
}

const KEYS = {
  total: (a, b) => (a.total > b.total ? -1 : a.total < b.total ? 1 : 0),
  technical: (a, b) => compare(b.mean, a.mean),
  price: (a, b) => compare(a.price, b.price),
  evaluated: (a, b) => compare(a.evaluated, b.evaluated),
};

/** Version 2: by the terms that stand in the scoring. */
function byTerms(scoring, valid, sums, lots) {
  const { terms } = scoring;
  const how = terms.price;
  const prices = new Map(scoring.bidders);
  const names = terms.bids.map((bid) => bid.id);
  const excluded = [];
  const undecided = [];
  const bids = [];
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
    let evaluated = sub(add(sub(price, off), exact(bid.plus)), exact(bid.minus));
    if (how.kind === "coefficients") {
      const weight = exact(scoring.price);
      const coefficient = div(add(weight, ratio(technical, 100n)), weight);
      evaluated = ratio(halfUp(div(evaluated, coefficient)), 100n);
    }
    bids.push({ id: bid.id, brand: bid.brand, mean: average, technical, price, evaluated });
  }
  const base = how.kind === "deviation" && bids.length > 0 ? benchmark(how, bids.map((bid) => bid.evaluated)) : null;
  for (const bid of bids) {
    let points = ZERO;
    if (base !== null) {
      const left = sub(exact(scoring.price), lostPoints(bid.evaluated, base, how));
      points = left.n > 0n ? left : ZERO;
    } else if (how.kind === "lowest" || how.kind === "quality-cost") {
      const lowest = least(bids.map((other) => other.evaluated));
      points = mul(div(lowest, bid.evaluated), exact(scoring.price));
    }
    bid.points = halfUp(points);
    bid.total = bid.technical + bid.points;
  }
  const merit = (a, b) => {
    for (const key of terms.order) {
      const order = KEYS[key](a, b);
      if (order !== 0) return order;
    }
    return 0;
  };
  let standing = bids;
  if (terms.same_brand) {
    for (const brand of new Set(bids.map((bid) => bid.brand).filter((name) => name !== null))) {
      const same = bids.filter((bid) => bid.brand === brand);
      let best = grouped(same, merit)[0].map((bid) => bid.id);
      if (best.length > 1) {
        const drawn = drawnOrder(lots, `brand-${brand}`, best);
        if (drawn === null) undecided.push(["lot", `brand-${brand}`, best]);
        else best = drawn.slice(0, 1);
      }
      const out = same.map((bid) => bid.id).filter((id) => !best.includes(id));
      excluded.push(...out.map((id) => [id, "same-brand"]));
      standing = standing.filter((bid) => !out.includes(bid.id));
    }
  }
  let places = [];
  for (const group of grouped(standing, merit)) {
    const place = places.length + 1;
    const equal = group.map((bid) => bid.id);
    const drawn = equal.length > 1 && terms.tie === "lot" ? drawnOrder(lots, `place-${place}`, equal) : null;
    if (drawn !== null) {
      places.push(...drawn.map((id, i) => [id, place + i]));
      continue;
    }
    if (equal.length > 1 && terms.tie !== "equal") undecided.push([terms.tie, `place-${place}`, equal]);
    places.push(...equal.map((id) => [id, place]));
  }
  let candidates = recommended(places, terms.candidates);
  if (!terms.ranked) {
    candidates = names.filter((id) => candidates.includes(id));
    places = [];
  }
  excluded.sort(([a], [b]) => names.indexOf(a) - names.indexOf(b));
  const rows = bids.map((bid) => ({
    bidder: bid.id,
    technical: form(bid.technical),
    price: form(bid.points),
    total: form(bid.total),
    evaluated: form(halfUp(bid.evaluated)),
  }));
  const ranking = { v: 2, ranking: places, candidates, ranked: terms.ranked, excluded, undecided };
  return { rows, base: base === null ? null : form(halfUp(base)), ranking };
}

/** The order that a lot gave to exactly these bidders, or null. */
function drawnOrder(lots, matter, ids) {
  const drawn = lots[matter];
  if (!drawn || [...drawn].sort().join() !== [...ids].sort().join()) return null;
  return [...drawn];
}

/**
 * Rows and ranking of a tender.
 * @param {object} scoring  `scoring` of `DefinitionFixed`
 * @param {string[]} valid  `valid` of `ReviewConcluded`
 * @param {Array<Array>} sheets  `items` of each opened sheet, in any order
 * @param {Record<string, string[]>} lots  what lots have settled, matter by matter
 * @returns {Outcome}
 */
export function outcome(scoring, valid, sheets, lots = {}) {
  const version = scoring.v ?? 1;
  if (version !== 1 && version !== 2) throw new RangeError(`scoring of version ${version}`);
  if (sheets.length === 0) throw new RangeError("no sheets");
  const sums = sheets.map(sumsOf);
  return version === 2 ? byTerms(scoring, valid, sums, lots) : firstVersion(scoring, valid, sums);
}

/** Canonical JSON of what a ranking holds: ASCII strings, small integers, booleans. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const members = Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value);
}

/** base64url to bytes. */
function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (c) => c.charCodeAt(0));
}

/** JSON in base64url. */
const json = (text) => JSON.parse(new TextDecoder().decode(bytes(text)));

/** What an act says: the payload of its JWS. */
function payload(act) {
  return JSON.parse(new TextDecoder().decode(bytes(act.split(".")[1])));
}

/** base64url of SHA-256 of the canonical ranking: `ranking` of `ReportFrozen`, which a signer's page compares. */
export async function digest(ranking) {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(canonical(ranking)));
  const text = btoa(String.fromCharCode(...new Uint8Array(hash)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/**
 * The outcome from the entries of a log, and what the log itself says.
 * @param {object[]} entries  parsed entries in their order
 * @returns {Outcome & {stated: {rows: Row[], ranking: object}}}
 */
export function fromEntries(entries) {
  const last = (type) => entries.findLast((entry) => entry.type === type)?.body;
  const opened = entries.findLastIndex((entry) => entry.type === "SheetsOpened" && entry.body.purpose === "sheet");
  // Each sheet of this round, opened by the holders or, where they could not, by its own author.
  const sheets = new Map();
  for (const { type, body, act } of entries) {
    if (type !== "SheetOpened" && type !== "SheetAuthorOpened") continue;
    const plain = json(type === "SheetOpened" ? body.p : json(act.split(".")[1]).body.p);
    if (plain.items && plain.round === entries[opened].body.round) sheets.set(plain.seat, plain.items);
  }
  // Since the opening members may have corrected scores of their own, each by its act; bids may be rejected at any time.
  for (const { act } of entries.slice(opened).filter(({ type }) => type === "ScoreCorrected")) {
    const { sub, body } = json(act.split(".")[1]);
    const item = sheets.get(sub).find(([bidder, criterion]) => bidder === body.bidder && criterion === body.criterion);
    item[2] = body.score;
  }
  const rejected = entries.filter(({ type }) => type === "BidRejected").map(({ body }) => body.bidder);
  const valid = last("ReviewConcluded").valid.filter((bidder) => !rejected.includes(bidder));
  const lots = {};
  for (const { type, body } of entries) {
    if (type === "TieDrawn") lots[body.matter] = body.order;
    if (type === "DrawAnnulled") delete lots[body.draw.replace(/^lot\//, "")];
  }
  const { scoring } = last("DefinitionFixed");
  const { rows } = last("ScoresTallied");
  const ranking = last("RankingFixed");
  return { ...outcome(scoring, valid, [...sheets.values()], lots), stated: { rows, ranking } };
}
