/** Brands, and prices that stand in several places of a bid, as they are typed; what can be known wrong; their form. */
import { cents } from "./checks.ts";
import type { Bidder, Draft } from "./draft.ts";
import type { Method, Rules } from "./packs.ts";
import { type Fault, written } from "./pricing.ts";

export interface QuoteLine {
  quantity: string;
  unit: string;
  amount: string;
  /** A person's finding: the decimal point of the unit price is obviously misplaced. */
  misplaced: boolean;
}

export interface Quote {
  figures: string;
  words: string;
  lines: QuoteLine[];
  /** Under packs that take the bidder's answer from here. */
  confirmed: boolean;
}

export const LINE = ["quantity", "unit", "amount"] as const;
const ID = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const LONGEST_ID = 32;
const MOST_LINES = 500;

export const quote = (): Quote => ({ figures: "", words: "", lines: [], confirmed: false });
export const line = (): QuoteLine => ({ quantity: "", unit: "", amount: "", misplaced: false });
export const quoteField = (at: number, name: string): string => `bidder-${at}-${name}`;

/** Whether anything beside the price of the opening is typed. */
const stated = ({ quote: typed }: Bidder): boolean => typed.figures.trim() !== "" || typed.words.trim() !== "" || typed.lines.length > 0;
/** Whether the bidder answers in the evaluation, and not here. */
export const answered = (rules: Rules): boolean => rules.corrections?.confirmed === "by-answer";

/** `quote` of a bidder; what is left empty says what the opening said. */
export function quoteOf(each: Bidder, rules: Rules): Record<string, unknown> | null {
  if (!stated(each)) return null;
  const { figures, words, lines, confirmed } = each.quote;
  return {
    opening: written(each.price),
    figures: written(figures.trim() || each.price),
    words: written(words.trim() || each.price),
    lines: lines.map(({ misplaced, ...typed }) => ({ ...Object.fromEntries(LINE.map((name) => [name, written(typed[name])])), misplaced })),
    ...(answered(rules) ? {} : { confirmed }),
  };
}

/** Equal names are one brand; its id is the name where that can be one, else its number. */
export function brandsOf(draft: Draft, method: Method): (string | null)[] {
  const typed = draft.bidders.map((each) => (method.same_brand ? each.brand.trim().toLowerCase() : ""));
  const named = [...new Set(typed.filter((name) => name !== ""))];
  const ids = new Map(named.map((name) => [name, ID.test(name) && name.length <= LONGEST_ID ? name : null]));
  let number = 0;
  for (const [name, id] of ids) {
    if (id !== null) continue;
    do number += 1;
    while (named.includes(`brand-${number}`));
    ids.set(name, `brand-${number}`);
  }
  return typed.map((name) => ids.get(name) ?? null);
}

/** How equal bids of a brand are settled, where a brand is named: `terms.brand`. */
export function brandWayOf(draft: Draft, method: Method): { brand?: string } {
  const named = brandsOf(draft, method).some((id) => id !== null);
  return named && method.brand?.ways.includes(draft.brandWay) ? { brand: draft.brandWay } : {};
}

/** Field -> what is wrong with it. */
export function quoteFaults(draft: Draft, rules: Rules): Map<string, Fault> {
  const found = new Map<string, Fault>();
  const { source = "", order = [] } = rules.corrections ?? {};
  draft.bidders.forEach((each, at) => {
    const { figures, words, lines } = each.quote;
    for (const [name, text] of [["figures", figures], ["words", words]] as const) {
      if (text.trim() !== "" && (cents(text) ?? 0n) === 0n) found.set(quoteField(at, name), ["money"]);
    }
    if (figures.trim() !== "" && !order.includes("opening-summary") && cents(figures) !== null && cents(figures) !== cents(each.price)) {
      found.set(quoteField(at, "figures"), ["opening", { source }]);
    }
    if (lines.length > MOST_LINES) found.set(quoteField(at, "figures"), ["lines", { most: String(MOST_LINES) }]);
    lines.forEach((row, n) => {
      for (const name of LINE) if (cents(row[name]) === null) found.set(quoteField(at, `line-${n}-${name}`), ["money"]);
    });
    if (stated(each) && draft.documents.length === 0 && answered(rules)) found.set(quoteField(at, "figures"), ["document", { source }]);
  });
  return found;
}
