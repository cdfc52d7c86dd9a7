/** What a method's price formula asks for, as it is typed; what can be known wrong with it; and its form in a tender. */
import { amount, cents } from "./checks.ts";
import type { Draft } from "./draft.ts";
import { granted, type Method, type Rules } from "./packs.ts";
import { nightFaults } from "./night.ts";
import { publicationFaults } from "./publication.ts";

export interface Slope {
  /** Up to so many percent; of the last one nothing is typed: it has no end. */
  upTo: string;
  points: string;
}

export interface Pricing {
  kind: string;
  base: string;
  trimFrom: string;
  share: string;
  drop: string;
  above: Slope[];
  below: Slope[];
  least: string;
}

export const BASES = ["mean", "trimmed-mean", "ceiling-mix"] as const;
export const SIDES = ["above", "below"] as const;
// evaluation/core/benchmark.py and terms.py: what is left of three quotes, how far a drawn coefficient floats, how many
// slopes a side has.
const FEWEST_TRIMMED = 4;
const MOST_DROP = 1000n;
export const MOST_SLOPES = 8;
const WHOLE = 10_000n;

/** A key of the words, and what fills them. */
export type Fault = readonly [words: string, fills?: Readonly<Record<string, string>>];

export function pricing(): Pricing {
  return {
    kind: "lowest",
    base: "mean",
    trimFrom: "",
    share: "",
    drop: "0.00",
    above: [{ upTo: "", points: "1.00" }],
    below: [{ upTo: "", points: "0.50" }],
    least: "60.00",
  };
}

/** What the leaves of the criteria sum to: quality and cost score out of a hundred and weigh the mark afterwards. */
export function scoredTo(draft: Draft): string {
  return draft.pricing.kind === "quality-cost" ? "100.00" : draft.technical;
}

/** Field -> what is wrong with it. */
export function faults(draft: Draft, rules: Rules, method: Method): Map<string, Fault> {
  const found = new Map<string, Fault>();
  const { source } = method;
  weights(draft, method, found);
  const { kind, least } = draft.pricing;
  if (kind === "deviation") deviation(draft, rules, found);
  if (kind === "quality-cost") {
    const mark = cents(least);
    if (mark === null || mark >= WHOLE) found.set("least", ["least"]);
    else if (cents(draft.technical) === 0n) found.set("technical", ["qualityWeight"]);
  }
  if (draft.trimSheets.trim() !== "" && method.trimmed_sheets !== null) {
    const sheets = whole(draft.trimSheets);
    if (sheets === null || sheets < method.trimmed_sheets) found.set("trim-sheets", ["trimSheets", { least: String(method.trimmed_sheets), source }]);
  }
  for (const [name, [low, high]] of Object.entries(granted(rules, draft.category))) {
    const rate = draft.rates[name]?.trim() ?? "";
    const given = cents(rate);
    const within = given !== null && given >= (cents(low) ?? 0n) && given <= (cents(high) ?? 0n);
    if (rate !== "" && !within) found.set(`rate-${name}`, ["rate", { low, high, source: rules.policy.source }]);
  }
  const candidates = whole(draft.candidates);
  if (candidates === null || candidates < 1 || candidates > rules.candidates.most) {
    found.set("candidates", ["candidates", { most: String(rules.candidates.most), source: rules.candidates.source }]);
  }
  const [budget, ceiling] = [cents(draft.budget), cents(draft.ceiling)];
  if (budget !== null && ceiling !== null && ceiling > budget) found.set("ceiling", ["aboveBudget"]);
  for (const [field, fault] of [...publicationFaults(draft, rules), ...nightFaults(draft, rules)]) found.set(field, fault);
  return found;
}

function weights(draft: Draft, method: Method, found: Map<string, Fault>): void {
  if (method.weights === null) return;
  const [technical, price] = [cents(draft.technical), cents(draft.price)];
  if (technical === null || price === null) found.set("technical", ["weightForm"]);
  else if (technical + price !== WHOLE) found.set("technical", ["weightSum"]);
  else if (draft.pricing.kind === "fixed") {
    if (price !== 0n) found.set("price", ["weightFixed", { source: method.source }]);
  } else {
    const least = method.weights.least[draft.category] ?? "0.00";
    if (price === 0n || price < (cents(least) ?? 0n)) found.set("technical", ["weightLeast", { least, source: method.weights.source }]);
  }
}

function deviation({ pricing: typed, ceiling }: Draft, rules: Rules, found: Map<string, Fault>): void {
  const drops = coefficients(typed.drop).map(cents);
  if (drops.some((drop) => drop === null || drop > MOST_DROP)) found.set("drop", ["drop"]);
  else if (drops.length > 1 && !rules.coefficient) found.set("drop", ["dropFixed"]);
  else if (drops.length > 1 && rules.coefficient) {
    const [fewest, most] = rules.coefficient.candidates;
    if (drops.length > most || new Set(drops).size < drops.length) found.set("drop", ["drops", { fewest: String(fewest), most: String(most) }]);
  }
  const trim = whole(typed.trimFrom);
  const trims = typed.base === "trimmed-mean" || (typed.base === "ceiling-mix" && typed.trimFrom.trim() !== "");
  if (trims && (trim === null || trim < FEWEST_TRIMMED)) found.set("trim-from", ["trimFrom", { least: String(FEWEST_TRIMMED) }]);
  if (typed.base === "ceiling-mix") {
    const share = cents(typed.share);
    if (share === null || share === 0n || share > WHOLE) found.set("share", ["share"]);
    if (cents(ceiling) === null) found.set("ceiling", ["mixCeiling"]);
  }
  for (const side of SIDES) {
    let before = 0n;
    typed[side].forEach(({ upTo, points }, at) => {
      if ((cents(points) ?? 0n) === 0n) found.set(`${side}-${at}-points`, ["slopePoints"]);
      if (at === typed[side].length - 1) return;
      const limit = cents(upTo);
      if (limit === null || limit <= before) found.set(`${side}-${at}-up-to`, ["slopeRises"]);
      before = limit ?? before;
    });
  }
  const limits = [0n, ...SIDES.flatMap((side) => typed[side].slice(0, -1).map(({ upTo }) => cents(upTo) ?? 0n))];
  const broken = SIDES.some((side) => [...found.keys()].some((field) => field.startsWith(side)));
  if (!broken && limits.some((limit) => slopeAt(typed.above, limit) <= slopeAt(typed.below, limit))) {
    found.set("above-0-points", ["slopeSteeper"]);
  }
}

/** What was typed as the coefficient: one figure, or the candidates that it is drawn from. */
function coefficients(typed: string): string[] {
  const listed = typed.split(/[\s,，、;；]+/).filter((each) => each !== "");
  return listed.length > 0 ? listed : [""];
}

/** The slope that holds just beyond so many hundredths of a percent. */
function slopeAt(slopes: readonly Slope[], percent: bigint): bigint {
  const found = slopes.find(({ upTo }, at) => at === slopes.length - 1 || (cents(upTo) ?? 0n) > percent);
  return cents(found?.points ?? "") ?? 0n;
}

/** `terms.price` of the definition (docs/protocol.md section 4). */
export function priceOf({ pricing: typed, ceiling }: Draft): Record<string, unknown> {
  const { kind, base } = typed;
  if (kind === "quality-cost") return { kind, least: written(typed.least) };
  if (kind !== "deviation") return { kind };
  const mixed = base === "ceiling-mix";
  const drops = coefficients(typed.drop).map(written);
  const slopes = (side: readonly Slope[]): unknown[] => side.map(({ upTo, points }, at) => [at === side.length - 1 ? null : written(upTo), written(points)]);
  return {
    kind,
    base,
    trim_from: base === "mean" || typed.trimFrom.trim() === "" ? null : (whole(typed.trimFrom) ?? 0),
    ceiling: mixed ? written(ceiling) : null,
    share: mixed ? written(typed.share) : "0.00",
    drop: drops.length > 1 ? drops : (drops[0] ?? ""),
    above: slopes(typed.above),
    below: slopes(typed.below),
  };
}

export function written(text: string): string {
  return amount(text) ?? text;
}

export function whole(text: string): number | null {
  return /^[1-9]\d{0,8}$/.test(text.trim()) ? Number(text) : null;
}
