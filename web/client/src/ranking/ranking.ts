/**
 * The ranking, a second time: from the entries of a log to the rows and places, with BigInt rationals and no
 * dependency. It shares no code with evaluation/core and reads nothing but the log, so that each signer's own browser
 * can say whether the server's ranking follows from what was opened.
 */

import { type Confirmed, type Item, type Lots, type Outcome, outcome, type Ranking, type Row, type Scoring } from "./outcome.ts";

export { cents } from "./rational.ts";
export { outcome } from "./outcome.ts";
export type { Outcome, Ranking, Row } from "./outcome.ts";

/** A parsed entry; `act` is its JWS. */
export interface RankedEntry {
  readonly type: string;
  readonly body: Body;
  readonly act?: string | null;
}

/** What the ranking reads of bodies; every entry has some of it. */
interface Body {
  readonly p?: string;
  readonly act?: string;
  readonly purpose?: string;
  readonly round?: number;
  readonly void?: readonly (readonly [purpose: string, round: number])[];
  readonly to?: string;
  readonly bidder?: string;
  readonly valid?: readonly string[];
  readonly matter?: string;
  readonly order?: readonly string[];
  readonly draw?: string;
  readonly scoring?: Scoring;
  readonly rows?: readonly Row[];
}

/** An opened sheet, named by the act that sealed it. */
interface Opened {
  readonly seat: string;
  readonly round: number;
  readonly items: readonly Item[];
}
interface Correction {
  readonly seat: string;
  readonly bidder: string;
  readonly criterion: string;
  readonly score: string;
}

/** Canonical JSON of what a ranking holds: ASCII strings, small integers, booleans. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const members = Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`);
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value);
}

/** base64url of SHA-256 of the canonical ranking: `ranking` of `ReportFrozen`, and what a signer confirms. */
export async function digest(ranking: Ranking): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(canonical(ranking)));
  const text = btoa(String.fromCharCode(...new Uint8Array(hash)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** The outcome from the entries of a log in their order, and what the log itself says. */
export function fromEntries(
  entries: readonly RankedEntry[],
): Outcome & { stated: { rows: readonly Row[] | undefined; ranking: Body | undefined } } {
  const last = (type: string): Body | undefined => entries.filter((entry) => entry.type === type).at(-1)?.body;
  const rejected = entries.filter(({ type }) => type === "BidRejected").map(({ body }) => body.bidder);
  const valid = last("ReviewConcluded")?.valid?.filter((bidder) => !rejected.includes(bidder));
  const scoring = last("DefinitionFixed")?.scoring;
  if (valid === undefined || scoring === undefined) throw new TypeError("no definition, or no review");
  return {
    ...outcome(scoring, valid, sheetsOf(entries), lotsOf(entries), confirmedOf(entries)),
    stated: { rows: last("ScoresTallied")?.rows, ranking: last("RankingFixed") },
  };
}

/**
 * The sheets that count, with what their authors corrected.
 *
 * A sheet is opened by the holders or, where they could not, by its own author. It counts once its round is opened and
 * while neither the round nor the sheet itself is void: a step back voids rounds, a departure the leaver's sheet, a
 * renewal the round whose holders are lost; a new round may name others that it makes void. Corrections go with a step
 * back to the reviews.
 */
function sheetsOf(entries: readonly RankedEntry[]): (readonly Item[])[] {
  const sheets = new Map<string, Opened>();
  const opened = new Set<number>();
  let corrections: Correction[] = [];
  const drop = (rounds: Body["void"] = []): void => {
    for (const [purpose, round] of rounds) if (purpose === "sheet") opened.delete(round);
  };
  for (const { type, body, act } of entries) {
    drop(body.void);
    if (type === "SheetOpened") keep(sheets, body.act, body.p);
    if (type === "SheetAuthorOpened") keep(sheets, said(act)["act"], said(act)["p"]);
    if (type === "SheetsOpened" && body.purpose === "sheet" && body.round !== undefined) opened.add(body.round);
    if (type === "SheetVoided" && body.act !== undefined) sheets.delete(body.act);
    if (type === "RoundRenewed") drop([[String(said(act)["purpose"]), Number(said(act)["round"])]]);
    if (type === "ScoreCorrected") corrections.push({ ...(said(act) as unknown as Correction), seat: signer(act) });
    if (type === "StageReturned" && body.to !== "declarations") corrections = [];
  }
  return [...sheets.values()]
    .filter(({ round }) => opened.has(round))
    .map(({ seat, items }) => items.map((item) => corrected(item, corrections.filter((each) => each.seat === seat))));
}

function keep(sheets: Map<string, Opened>, act: unknown, p: unknown): void {
  const plain = json(String(p));
  if (Array.isArray(plain["items"])) sheets.set(String(act), plain as unknown as Opened);
}

function corrected(item: Item, corrections: readonly Correction[]): Item {
  const [bidder, criterion] = item;
  const newest = corrections.filter((each) => each.bidder === bidder && each.criterion === criterion).at(-1);
  return newest === undefined ? item : [bidder, criterion, newest.score];
}

/** Corrected prices, each from the answer in which its bidder confirmed it. */
function confirmedOf(entries: readonly RankedEntry[]): Confirmed {
  const answers = entries.filter(({ type, act }) => type === "ClarificationAnswered" && typeof said(act)["price"] === "string");
  return Object.fromEntries(answers.map(({ act }) => [signer(act), String(said(act)["price"])]));
}

/** What lots have settled between bidders, and of the coefficient; one that was annulled has settled nothing. */
function lotsOf(entries: readonly RankedEntry[]): Lots {
  const lots = new Map<string, readonly string[]>();
  for (const { type, body } of entries) {
    if (type === "CoefficientDrawn") lots.set("coefficient", body.order ?? []);
    if (type === "TieDrawn" && body.matter !== undefined) lots.set(body.matter, body.order ?? []);
    if (type === "DrawAnnulled") lots.delete((body.draw ?? "").replace(/^lot\//, ""));
  }
  return Object.fromEntries(lots);
}

/** JSON in base64url. */
function json(text: string): Record<string, unknown> {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const found: unknown = JSON.parse(new TextDecoder().decode(Uint8Array.from(plain, (c) => c.charCodeAt(0))));
  if (typeof found !== "object" || found === null) throw new TypeError("not a JSON object");
  return { ...found };
}

/** The payload of an act's JWS. */
function payload(act: string | null | undefined): Record<string, unknown> {
  return json((act ?? "").split(".")[1] ?? "");
}

const signer = (act: string | null | undefined): string => String(payload(act)["sub"]);

/** What an act says: the body of its payload. */
function said(act: string | null | undefined): Record<string, unknown> {
  const { body } = payload(act);
  return typeof body === "object" && body !== null ? { ...body } : {};
}
