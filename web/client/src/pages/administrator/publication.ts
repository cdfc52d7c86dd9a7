/** Where a tender was announced, when and where its bids were opened: as typed, what is wrong with it, and its form. */
import type { Draft } from "./draft.ts";
import type { Rules } from "./packs.ts";
import type { Fault } from "./pricing.ts";

// evaluation/core/publication.py
const MOST_MEDIA = 10;
const MOST_TEXT = 120;

/** The media, typed with semicolons between them. */
function media(draft: Draft): string[] {
  return draft.media
    .split(/[;；]/)
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

/** The opening in UTC; it is typed in Beijing time, whatever the clock of this device shows. */
function opened(draft: Draft): string {
  const at = new Date(`${draft.opened}:00+08:00`);
  return Number.isNaN(at.getTime()) ? draft.opened : `${at.toISOString().slice(0, 19)}Z`;
}

export const asks = (rules: Rules | null): boolean => (rules?.report?.publication?.length ?? 0) > 0;

export function publicationFaults(draft: Draft, rules: Rules): [field: string, fault: Fault][] {
  if (!asks(rules)) return [];
  const source = rules.report?.source ?? "";
  const found: [string, Fault][] = [];
  const named = media(draft);
  const broken = named.length > MOST_MEDIA || new Set(named).size < named.length || named.some((each) => each.length > MOST_TEXT);
  if (named.length === 0 || broken) found.push(["media", ["media", { source, most: String(MOST_MEDIA) }]]);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(draft.opened)) found.push(["opened", ["opened", { source }]]);
  if (draft.place.trim() === "" || draft.place.trim().length > MOST_TEXT) found.push(["place", ["place", { source, most: String(MOST_TEXT) }]]);
  return found;
}

/** `terms.publication` of the definition, where the pack asks for it. */
export function publicationOf(draft: Draft, rules: Rules): { publication?: unknown } {
  return asks(rules) ? { publication: { media: media(draft), opened: opened(draft), place: draft.place.trim() } } : {};
}
