/** What a member finds for a bidder and an item, as it is drafted, and the row of the vote that it becomes. */
import type { Json } from "../../crypto/canonical.ts";
import { length } from "../../parts/length.ts";

/** `evaluation/core/compliance.py`: a reason is a sentence or two, counted in characters as people count them. */
export const MOST_REASON = 500;

export interface Finding {
  result: "pass" | "fail" | "";
  reason: string;
  /** Of the pack's grounds, and the page that shows it; asked for a fail where the pack wants them. */
  ground: string;
  document: string;
  page: string;
}

/** By bidder/item. */
export type Findings = Record<string, Finding>;

/** A document that may be cited. */
export interface Cited {
  hash: string;
  name: string;
  pages: number;
}

export function finding(found: Partial<Finding> = {}): Finding {
  return { result: "", reason: "", ground: "", document: "", page: "", ...found };
}

/** What is wrong with a fail: the field, and which words say so. */
export function wrongs(found: Finding, cited: readonly Cited[], evidenced: boolean): [field: string, word: string][] {
  if (found.result !== "fail") return found.result === "" ? [["pass", "missing"]] : [];
  const wrong: [string, string][] = [];
  if (found.reason.trim() === "") wrong.push(["reason", "missingReason"]);
  else if (length(found.reason.trim()) > MOST_REASON) wrong.push(["reason", "longReason"]);
  if (!evidenced) return wrong;
  if (found.ground === "") wrong.push(["ground", "missingGround"]);
  if (cited.length === 0) return wrong;
  const paper = cited.find(({ hash }) => hash === found.document);
  if (!paper) wrong.push(["document", "missingDocument"]);
  else if (!/^[1-9]\d{0,4}$/.test(found.page.trim()) || Number(found.page) > paper.pages) wrong.push(["page", "wrongPage"]);
  return wrong;
}

/** `findings` of `review.vote` (docs/protocol.md 2.2). */
export function row(bidder: string, item: string, found: Finding, cited: readonly Cited[], evidenced: boolean): Json[] {
  const { result, reason, ground, document, page } = found;
  if (result !== "fail") return [bidder, item, result, null];
  if (!evidenced) return [bidder, item, result, reason.trim()];
  return [bidder, item, result, reason.trim(), ground, ...(cited.length ? [document, Number(page)] : [null, null])];
}
