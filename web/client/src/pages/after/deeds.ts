/** What this seat may state now, as forms. Who may is the rules' affair (sessions/core/afterwards.py); refusals have words. */
import type { Choice } from "../../parts/choice.ts";
import type { AfterView, Case, HandOver, Rating } from "./view.ts";

export interface Who {
  seat: string;
  role: string;
  venue: string;
  /** Operator of the main venue. */
  main: boolean;
}

// sessions/core/afterwards.py.
const LONGEST = { text: 2000, reason: 2000, of: 200 } as const;
const PAPER = { optional: ["evidence"], longest: LONGEST } as const;

export function milestone({ next, held, milestones, closed, today }: AfterView, { main }: Who): Choice | null {
  if (next === null || held !== null || !main) return null;
  return {
    act: "milestone.state",
    label: "milestone",
    kind: "primary",
    ...PAPER,
    optional: ["text", "evidence"],
    fields: ["day", "text", "evidence"],
    given: { day: today },
    days: [milestones.reduce((last, { day }) => (day > last ? day : last), closed), today],
    body: ({ day, text, evidence }) => ({ milestone: next, day, text, evidence: evidence || null }),
  };
}

export function opening({ opens = [], closed, today }: AfterView): Choice | null {
  if (opens.length === 0) return null;
  return {
    act: "case.open",
    label: "open",
    kind: "secondary",
    ...PAPER,
    picks: [["kind", opens.map((kind) => [kind, kind] as const)]],
    fields: ["of", "day", "text", "evidence"],
    given: { day: today },
    days: [closed, today],
    body: ({ kind, of, day, text, evidence }) => ({ kind, of, day, text, evidence: evidence || null }),
  };
}

export function answering({ kinds = [] }: AfterView, found: Case): Choice | null {
  if (found.answered !== null || !kinds.includes(found.kind)) return null;
  return {
    act: "case.answer",
    label: "answer",
    kind: "primary",
    ...PAPER,
    fields: ["text", "evidence"],
    body: ({ text, evidence }) => ({ case: found.id, text, evidence: evidence || null }),
  };
}

/** The experts whom this office has still to rate. */
export function unrated({ clocks, rating }: AfterView, { role, main }: Who): string[] {
  if (!rating.by.includes(role) || (role === "operator" && !main)) return [];
  return clocks.filter(({ clock, done }) => clock === "rating" && done === null).map(({ subject }) => subject);
}

export function appealing({ clocks }: AfterView, found: Rating, { seat }: Who): Choice | null {
  const over = clocks.some(({ clock, subject, over: past }) => clock === "appeal" && subject === seat && past);
  if (found.seat !== seat || found.appeal !== null || over) return null;
  return {
    act: "rating.appeal",
    label: "appeal",
    kind: "secondary",
    longest: LONGEST,
    fields: ["reason"],
    body: ({ reason }) => ({ rating: found.id, reason }),
  };
}

export function deciding(found: Rating, { seat, role }: Who): Choice[] {
  if (role !== "supervisor" || found.appeal === null || found.decision !== null || found.by === seat) return [];
  return [
    {
      act: "rating.decide",
      label: "uphold",
      kind: "secondary",
      longest: LONGEST,
      fields: ["reason"],
      body: ({ reason }) => ({ rating: found.id, uphold: true, points: null, reason }),
    },
    {
      act: "rating.decide",
      label: "lower",
      kind: "primary",
      longest: LONGEST,
      fields: ["points", "reason"],
      most: Math.max(0, found.points - 1),
      body: ({ points, reason }) => ({ rating: found.id, uphold: false, points: Number(points), reason }),
    },
  ];
}

/** Whether the seat's venue has still to hand over, or again because something was missing. */
export function gives({ hand_overs }: AfterView, { role, venue, main }: Who): boolean {
  return role === "operator" && !main && venue !== "" && !hand_overs.some((found) => found.venue === venue && found.missing === null);
}

export function taking(found: HandOver, { main }: Who): Choice[] {
  if (!main || found.taken !== null) return [];
  return [
    { act: "hand-over.take", label: "take", kind: "primary", fields: [], body: () => ({ hand_over: found.id, missing: null }) },
    {
      act: "hand-over.take",
      label: "takeLess",
      kind: "secondary",
      longest: LONGEST,
      fields: ["text"],
      body: ({ text }) => ({ hand_over: found.id, missing: text }),
    },
  ];
}

/** What is to be done here by this seat: key of its words, how many, and the section where it is done. */
export function dues(view: AfterView, who: Who): { due: string; count: number; at: string }[] {
  const found = [
    { due: "milestone", count: milestone(view, who) ? 1 : 0, at: "clocks" },
    { due: "cases", count: view.cases.filter((each) => answering(view, each)).length, at: "cases" },
    { due: "rate", count: unrated(view, who).length, at: "ratings" },
    { due: "appeals", count: view.ratings.filter((each) => deciding(each, who).length > 0).length, at: "ratings" },
    { due: "take", count: view.hand_overs.filter((each) => taking(each, who).length > 0).length, at: "hand-overs" },
    { due: "give", count: gives(view, who) ? 1 : 0, at: "hand-overs" },
  ];
  return found.filter(({ count }) => count > 0);
}
