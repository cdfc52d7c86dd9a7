// Figures that an auditor looks at, computed from the timeline alone.

import type { Row } from "./timeline.ts";

export interface Spread {
  readonly bidder: string;
  // Points of each member, in hundredths: decimals stay exact.
  readonly scores: readonly { readonly seat: string; readonly points: number }[];
}

// The members' totals for each bidder, from the opened sheets of the newest round; void rounds count for nothing.
export function spreads(rows: readonly Row[]): Spread[] {
  const seals = new Map(rows.filter((row) => row.type === "SheetSealed").map((row) => [row.act ?? "", row.seat ?? ""]));
  let sheets: { seat: string; items: unknown[] }[] = [];
  let gathering: { seat: string; items: unknown[] }[] = [];
  for (const row of rows) {
    if (row.type === "SheetOpened" && typeof row.body?.["p"] === "string") {
      const sheet = decode(row.body["p"]);
      if (Array.isArray(sheet?.["items"])) {
        const seat = typeof sheet["seat"] === "string" ? sheet["seat"] : (seals.get(String(row.body["act"])) ?? "");
        gathering.push({ seat, items: sheet["items"] });
      }
    } else if (row.type === "SheetsOpened") {
      sheets = gathering.length > 0 ? gathering : sheets;
      gathering = [];
    }
  }
  const found = new Map<string, Map<string, number>>();
  for (const { seat, items } of sheets) {
    for (const item of items) {
      if (Array.isArray(item) && typeof item[0] === "string" && typeof item[2] === "string") {
        const bidder = found.get(item[0]) ?? new Map<string, number>();
        bidder.set(seat, (bidder.get(seat) ?? 0) + Math.round(Number(item[2]) * 100));
        found.set(item[0], bidder);
      }
    }
  }
  return [...found].map(([bidder, scores]) => ({ bidder, scores: [...scores].map(([seat, points]) => ({ seat, points })) }));
}

// How many acts each seat signed.
export function acts(rows: readonly Row[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const { seat } of rows) {
    if (seat) {
      found.set(seat, (found.get(seat) ?? 0) + 1);
    }
  }
  return found;
}

function decode(text: string): Record<string, unknown> | null {
  try {
    const octets = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    const value: unknown = JSON.parse(new TextDecoder().decode(octets));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
