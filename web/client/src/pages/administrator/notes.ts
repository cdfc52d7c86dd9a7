/** What the buyer notes of each bidder, as it is typed; what can be known wrong with it; and its form in a tender. */
import type { Draft } from "./draft.ts";
import type { Fault } from "./pricing.ts";

// evaluation/core/collusion.py: what is noted, how many texts of a kind, and how long one is.
export const NOTED = ["account", "agent", "address", "contact", "machine"] as const;
const MOST = 20;
const LONGEST = 120;
// What Python calls not printable: controls, formats, surrogates, and every separator but the plain space.
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;

export type Notes = Record<(typeof NOTED)[number], string>;

export function notes(): Notes {
  return { account: "", agent: "", address: "", contact: "", machine: "" };
}

/** Several texts stand in one field, with a semicolon of either width between them. */
function texts(typed: string): string[] {
  return typed
    .split(/[;；\n]/)
    .map((text) => text.trim())
    .filter((text) => text !== "");
}

export function noteFault(typed: string): Fault | null {
  const found = texts(typed);
  if (found.length > MOST) return ["many", { most: String(MOST), found: String(found.length) }];
  for (const text of found) {
    const start = [...text].slice(0, 12).join("").replaceAll(new RegExp(UNPRINTABLE, "gu"), "□");
    if ([...text].length > LONGEST) return ["long", { most: String(LONGEST), start }];
    if (UNPRINTABLE.test(text)) return ["unprintable", { start }];
  }
  return null;
}

/** The field of a bidder's note. */
export const noteField = (bidder: number, kind: string): string => `bidder-${bidder}-${kind}`;

/** Field -> what is wrong with it. */
export function noteFaults(draft: Draft): Map<string, Fault> {
  const found = new Map<string, Fault>();
  draft.bidders.forEach((each, at) => {
    for (const kind of NOTED) {
      const fault = noteFault(each.notes[kind]);
      if (fault) found.set(noteField(at, kind), fault);
    }
  });
  return found;
}

/** `notes` of a tender; nothing where nothing is noted. */
export function notesOf(draft: Draft): { notes?: Record<string, Record<string, string[]>> } {
  const held = draft.bidders.flatMap((each, at) => {
    const kinds = NOTED.map((kind) => [kind, texts(each.notes[kind])] as const).filter(([, found]) => found.length > 0);
    return kinds.length > 0 ? [[`bidder-${at + 1}`, Object.fromEntries(kinds)] as const] : [];
  });
  return held.length > 0 ? { notes: Object.fromEntries(held) } : {};
}
