// The log's events beside the recordings: chapters, pauses, the page that was on show. Plain data in, plain data out.

import { merged, type Span } from "./recording.ts";

// A row of the door `getTimeline` (sessions/core/timeline.py).
export interface Row {
  readonly n: number;
  readonly at: string;
  readonly leaf: string;
  readonly type?: string;
  readonly seat?: string;
  readonly centre?: string;
  readonly bidder?: string;
  readonly act?: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly said?: Readonly<Record<string, unknown>>;
}

export interface Chapter {
  readonly stage: string;
  readonly from: number;
  readonly to: number;
}

export function timeOf(row: Row): number {
  return Date.parse(row.at);
}

// The legal stages in their order of time; a stage that was returned to stands twice.
export function chapters(rows: readonly Row[], end: number): Chapter[] {
  const found: { stage: string; from: number; to: number }[] = [];
  for (const row of rows) {
    const to = row.type === "StageAdvanced" ? row.said?.["to"] : row.type === "StageReturned" ? row.body?.["to"] : null;
    const stage = row.type === "ProceedingFounded" ? "check-in" : to;
    if (typeof stage === "string") {
      const last = found[found.length - 1];
      if (last) {
        last.to = timeOf(row);
      }
      found.push({ stage, from: timeOf(row), to: Math.max(end, timeOf(row)) });
    }
  }
  return found;
}

// From when to when the proceeding was paused, whatever the causes were.
export function pauses(rows: readonly Row[], end: number): Span[] {
  const open = new Set<string>();
  const found: [number, number][] = [];
  for (const row of rows) {
    if (row.type === "ProceedingPaused") {
      const { cause, venue, room } = row.body ?? {};
      if (open.size === 0) {
        found.push([timeOf(row), end]);
      }
      open.add(`${text(cause)} ${text(venue) || text(room)}`);
    } else if (row.type === "ProceedingResumed" && open.size > 0) {
      const venues = Array.isArray(row.body?.["venues"]) ? row.body["venues"] : [];
      for (const venue of venues) {
        open.delete(`venue-lost ${text(Array.isArray(venue) ? venue[0] : "")}`);
      }
      open.delete(`recording-lost ${text(row.body?.["room"])}`);
      if (row.said) {
        open.delete("ordered ");
      }
      const last = found[found.length - 1];
      if (open.size === 0 && last) {
        last[1] = timeOf(row);
      }
    }
  }
  return merged(found);
}

// The page that everybody was to look at, at time t.
export function pageAt(rows: readonly Row[], t: number): { document: string; page: number } | null {
  let found: { document: string; page: number } | null = null;
  for (const row of rows) {
    if (timeOf(row) > t) {
      break;
    }
    const { document, page } = row.said ?? {};
    if (row.type === "PageShown" && typeof document === "string" && typeof page === "number") {
      found = { document, page };
    }
  }
  return found;
}

// The newest row at time t; -1 before the first.
export function rowAt(rows: readonly Row[], t: number): number {
  let found = -1;
  for (const [index, row] of rows.entries()) {
    if (timeOf(row) > t) {
      break;
    }
    found = index;
  }
  return found;
}

// When each venue was cut off.
export function absences(rows: readonly Row[], end: number): Map<string, Span[]> {
  const found = new Map<string, [number, number][]>();
  for (const row of rows) {
    const venue = text(row.body?.["venue"]);
    if (row.type === "VenueLost") {
      found.set(venue, [...(found.get(venue) ?? []), [timeOf(row), end]]);
    } else if (row.type === "VenueRejoined") {
      const last = found.get(venue)?.at(-1);
      if (last) {
        last[1] = timeOf(row);
      }
    }
  }
  return found;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
