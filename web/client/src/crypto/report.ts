/**
 * Signing the report, for a seat (docs/protocol.md 2.3 and gate G3).
 *
 * (1) `ReportFrozen` is witnessed under the own pins;
 * (2) the own ranking over the proven log, of which no opened sheet is held back, is the one that it states
 *     (`ranking.confirm`, stated even where it differs);
 * (3) the own sheets were opened as they were sealed;
 * (4) the document that the page shows is the frozen one, by its hash;
 * (5) what is signed (`report.sign`) is what was prepared for this seat over that document.
 */

import { digest, fromEntries, type RankedEntry } from "../ranking/ranking.ts";
import { b64u, type Bytes, text, unb64u } from "./bytes.ts";
import { isObject, type JsonObject, members } from "./canonical.ts";
import type { Prepared } from "./client.ts";
import type { Device } from "./device.ts";
import type { Entry } from "./entry.ts";
import { sheetCommitment } from "./envelope.ts";
import { GateClosed, RankingDiffers, RecordUntrusted } from "./errors.ts";
import type { Record } from "./record.ts";

/** The frozen report as this seat proved it. */
export interface Frozen {
  /** Hash of the document, and digest of the ranking that it states. */
  readonly document: Bytes;
  readonly ranking: string;
  readonly index: number;
}

/** The own ranking beside the report's. */
export interface Ranked {
  readonly mine: string;
  readonly stated: string;
  readonly frozen: Frozen;
  /** Rows and places as this device computed them. */
  readonly outcome: ReturnType<typeof fromEntries>;
}

/** (1) to (3). */
export async function rankLog(record: Record, device: Device): Promise<Ranked> {
  await record.advance();
  const entries = await record.proven();
  const frozen = await frozenIn(record, entries);
  checkWhole(entries);
  checkOwnSheets(device, entries);
  const outcome = fromEntries(entries.map(rankable));
  return { mine: await digest(outcome.ranking), stated: frozen.ranking, frozen, outcome };
}

/** (4): `shown` is the hash of the octets on the page, in base64url. RankingDiffers where nothing may be signed. */
export function demandSame({ mine, stated, frozen }: Ranked, shown: string): void {
  if (b64u(frozen.document) !== shown) throw new RecordUntrusted("the page shows another report than the frozen one");
  if (mine !== stated) throw new RankingDiffers(mine, stated);
}

/** (5) The body of `report.sign` over what the signing service prepared. */
export function signBody(frozen: Frozen, { credential, document, hashes }: Prepared): JsonObject {
  if (document !== b64u(frozen.document) || hashes.length !== 1) {
    throw new RecordUntrusted("something else than the frozen report was prepared");
  }
  for (const hash of hashes) unb64u(hash, 32);
  return { credential, hashes, document };
}

async function frozenIn(record: Record, entries: readonly Entry[]): Promise<Frozen> {
  const entry = entries.filter(({ type }) => type === "ReportFrozen").at(-1);
  if (entry === undefined) throw new GateClosed("the report is not frozen yet");
  await record.prove(entry.n);
  const { document, ranking } = entry.body;
  return { document: unb64u(document, 32), ranking: b64u(unb64u(ranking, 32)), index: entry.n };
}

/**
 * No opened sheet is held back from this seat: each opening names its freeze, and the freeze each sheet, which is opened,
 * or was found unreadable, in an entry that is shown. What else a role may not see are leaf hashes among the proven ones.
 */
function checkWhole(entries: readonly Entry[]): void {
  const frozen = new Map(entries.filter(({ type }) => type === "SheetsFrozen").map((each) => [b64u(each.leaf), each.body]));
  const shown = new Set<unknown>();
  for (const { type, body, act } of entries) {
    if (type === "SheetOpened" || type === "SheetUnreadable") shown.add(body["act"]);
    if (type === "SheetAuthorOpened") shown.add(act?.body["act"]);
  }
  for (const { type, body, n } of entries) {
    if (type !== "SheetsOpened") continue;
    const sheets = frozen.get(String(body["freeze"]))?.["sheets"];
    if (!Array.isArray(sheets) || sheets.some((pair) => !Array.isArray(pair) || !shown.has(pair[1]))) {
      throw new RecordUntrusted(`entry ${n} opens sheets that are held back from this seat`);
    }
  }
}

/** What was opened of this seat's own seals is what this device committed to. */
function checkOwnSheets(device: Device, entries: readonly Entry[]): void {
  for (const entry of entries.filter(({ type }) => type === "SheetOpened")) {
    const { act, p } = members(entry.body, { act: "string", p: "string" });
    const mine = device.answered.find((answered) => b64u(answered.act.id) === act);
    const envelope = mine?.act.body["envelope"];
    if (isObject(envelope) && envelope["c"] !== b64u(sheetCommitment(unb64u(p)))) {
      throw new RecordUntrusted(`entry ${entry.n} opens something else than this device sealed`);
    }
  }
}

function rankable(entry: Entry): RankedEntry {
  return JSON.parse(text(entry.data)) as RankedEntry;
}
