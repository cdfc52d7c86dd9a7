/** What a supervisor must see first, worst first. Computed from what the server tells; nothing here is Vue's. */
import type { Media } from "../../live/messages.ts";
import type { View } from "../../live/view.ts";
import { timeOf, type Row } from "../../replay/timeline.ts";

export interface Alarm {
  key: string;
  tone: "bad" | "warn";
  /** Key of the words, and what fills them. */
  words: string;
  subject: string;
  /** Since when, in ms since the epoch; null where that is not known. */
  since: number | null;
}

/** The law's record is witnessed each minute (protocols.md 2); two of them missing is worth a look. */
const WITNESS_MS = 120_000;
const ORDER = ["incident-overdue", "recording-lost", "venue-lost", "failed", "suspended", "holder-faulty", "help-red", "disputed", "room-away", "unrecorded", "witness", "help-yellow", "overnight", "ordered"];

/** Pauses that somebody, or the clock, meant. */
const MEANT: ReadonlySet<string> = new Set(["ordered", "overnight"]);

export function alarms(view: View, media: Media | null, rows: readonly Row[], now: number): Alarm[] {
  const found: Alarm[] = [];
  const add = (words: string, subject = "", since: number | null = null, tone: Alarm["tone"] = "bad"): void => {
    found.push({ key: `${words} ${subject}`, tone, words, subject, since });
  };
  for (const [cause, subject] of view.pauses) {
    const since = sinceOf(rows, cause, subject);
    add(cause, subject, since, MEANT.has(cause) ? "warn" : "bad");
  }
  if (view.steps?.failed) add("failed");
  for (const seat of suspended(rows)) add("suspended", seat.id, seat.since);
  for (const holder of view.round?.faulty ?? []) add("holder-faulty", holder, null, "warn");
  for (const seat of view.round?.disputed ?? []) add("disputed", seat);
  if (view.gate === "open" || view.gate === "paused") {
    for (const [room, { admitted, recording }] of Object.entries(view.rooms)) {
      if (admitted && !recording && view.stage !== "done") add("unrecorded", room, null, "warn");
      if (admitted && media?.rooms[room]?.connected === false) add("room-away", room, null, "warn");
    }
    const oldest = rows[view.witnessed ?? 0];
    if (oldest && now - timeOf(oldest) > WITNESS_MS) add("witness", "", timeOf(oldest), "warn");
  }
  for (const request of view.help?.requests ?? []) {
    const since = Date.parse(request.at);
    const waited = (now - since) / 1000;
    if (request.answer !== null || !view.help) continue;
    if (waited >= view.help.red) add("help-red", request.seat, since);
    else if (waited >= view.help.yellow) add("help-yellow", request.seat, since, "warn");
  }
  return found.sort((a, b) => ORDER.indexOf(a.words) - ORDER.indexOf(b.words) || (a.subject < b.subject ? -1 : 1));
}

/** Seats whose key two devices have, and nobody has decided. */
export function suspended(rows: readonly Row[]): { id: string; since: number }[] {
  const found = new Map<string, number>();
  for (const row of rows) {
    const seat = row.type === "SeatSuspended" ? row.body?.["seat"] : row.type === "SeatReinstated" || row.type === "SeatLost" ? row.said?.["seat"] : null;
    if (typeof seat !== "string") continue;
    if (row.type === "SeatSuspended") found.set(seat, timeOf(row));
    else found.delete(seat);
  }
  return [...found].map(([id, since]) => ({ id, since }));
}

function sinceOf(rows: readonly Row[], cause: string, subject: string): number | null {
  for (let index = rows.length - 1; index >= 0; index--) {
    const row = rows[index];
    if (!row) continue;
    const { body = {} } = row;
    const paused = row.type === "ProceedingPaused" && body["cause"] === cause && (subject === "" || body["venue"] === subject || body["room"] === subject);
    if (paused || (cause === "incident-overdue" && row.type === "IncidentOverdue" && body["subject"] === subject)) return timeOf(row);
  }
  return null;
}
