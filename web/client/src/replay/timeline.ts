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

// From when to when the proceeding was paused, whatever the causes were (sessions/core: `pauses` and `gate`).
export function pauses(rows: readonly Row[], end: number): Span[] {
  const causes = new Set<string>();
  const found: [number, number][] = [];
  const places = placesOf(rows);
  const there = new Set<string>();
  for (const row of rows) {
    const before = causes.size;
    arrive(there, row, places);
    follow(causes, row, places, there);
    const last = found[found.length - 1];
    if (before === 0 && causes.size > 0) {
      found.push([timeOf(row), end]);
    } else if (before > 0 && causes.size === 0 && last) {
      last[1] = timeOf(row);
    }
  }
  return merged(found);
}

// The venue of each room and seat that sits in one.
function placesOf(rows: readonly Row[]): ReadonlyMap<string, string> {
  const said = rows.find((row) => row.type === "ProceedingFounded")?.said ?? {};
  const all = [...list(said["rooms"]), ...list(said["seats"])] as readonly { id: string; venue: string | null }[];
  return new Map(all.flatMap(({ id, venue }) => (venue === null ? [] : [[id, venue]])));
}

// Venues in which somebody's key was bound.
function arrive(there: Set<string>, { type, seat = "" }: Row, places: ReadonlyMap<string, string>): void {
  const venue = places.get(seat);
  if (type === "SeatBound" && venue !== undefined) {
    there.add(venue);
  }
}

// What holds the proceeding after this event: causes, each with its venue, its room or nothing.
function follow(
  causes: Set<string>,
  { type, act, body = {}, said = {} }: Row,
  places: ReadonlyMap<string, string>,
  there: ReadonlySet<string>,
): void {
  switch (type) {
    case "ContinuationConfirmed":
      // The log lost its end and goes on: every venue comes back, one by one.
      for (const venue of there) {
        causes.add(`venue-lost ${venue}`);
      }
      break;
    case "ProceedingPaused":
      causes.add(`${text(body["cause"])} ${text(body["venue"]) || text(body["room"])}`);
      break;
    case "ProceedingResumed":
      for (const venue of list(body["venues"])) {
        causes.delete(`venue-lost ${text(list(venue)[0])}`);
      }
      causes.delete(`recording-lost ${text(body["room"])}`);
      if (act !== undefined) {
        causes.delete("ordered ");
      }
      break;
    case "NightEnded":
      causes.delete("overnight ");
      break;
    case "RecordingEnded":
      for (const room of list(body["rooms"])) {
        causes.delete(`recording-lost ${text(room)}`);
      }
      break;
    case "RecordingWaived":
      causes.delete(`recording-lost ${text(said["room"])}`);
      causes.delete(`incident-overdue ${text(said["room"])}`);
      break;
    case "SeatReleased":
      causes.delete(`recording-lost ${text(said["seat"])}`);
      break;
    case "IncidentOverdue":
      causes.add(`incident-overdue ${text(body["subject"])}`);
      break;
    case "AreaOpened":
      // Broken or strange seals: the supervisor decides.
      if (body["whole"] === false) {
        causes.add(`incident-overdue ${text(said["venue"])}`);
      }
      break;
    case "IncidentDecided":
      causes.delete(`incident-overdue ${text(said["subject"])}`);
      break;
    case "VenueReplaced":
      for (const place of [text(said["venue"]), ...[...places.keys()].filter((id) => places.get(id) === said["venue"])]) {
        for (const cause of ["venue-lost", "recording-lost", "incident-overdue"]) {
          causes.delete(`${cause} ${place}`);
        }
      }
      break;
    case "ProceedingAborted":
    case "ProceedingClosed":
      causes.clear();
      break;
  }
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

// When each venue was cut off; at night everybody is, and nobody is missed, nor is a venue that was replaced.
export function absences(rows: readonly Row[], end: number): Map<string, Span[]> {
  const found = new Map<string, [number, number][]>();
  const places = placesOf(rows);
  const there = new Set<string>();
  const away = new Set<string>();
  for (const row of rows) {
    arrive(there, row, places);
    const venue = text(row.body?.["venue"]);
    for (const lost of row.type === "VenueLost" ? [venue] : row.type === "ContinuationConfirmed" ? there : []) {
      if (!away.has(lost)) {
        found.set(lost, [...(found.get(lost) ?? []), [timeOf(row), end]]);
      }
      away.add(lost);
    }
    const back = row.type === "VenueRejoined" ? venue : row.type === "VenueReplaced" ? text(row.said?.["venue"]) : "";
    const last = found.get(back)?.at(-1);
    if (away.delete(back) && last) {
      last[1] = timeOf(row);
    }
  }
  const closed = nights(rows, end);
  return new Map([...found].map(([venue, spans]) => [venue, without(spans, closed)]));
}

// From the cut-off time of an evening until the last area is open again.
export function nights(rows: readonly Row[], end: number): Span[] {
  const found: [number, number][] = [];
  for (const row of rows) {
    const last = found[found.length - 1];
    if (row.type === "NightBegan") {
      found.push([timeOf(row), end]);
    } else if (row.type === "NightEnded" && last) {
      last[1] = timeOf(row);
    }
  }
  return found;
}

// What is left of these spans outside the others.
export function without(spans: readonly Span[], others: readonly Span[]): Span[] {
  let found = spans;
  for (const [from, to] of others) {
    found = found
      .flatMap(([a, b]): Span[] => [[a, Math.min(b, from)], [Math.max(a, to), b]])
      .filter(([a, b]) => a < b);
  }
  return [...found];
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
