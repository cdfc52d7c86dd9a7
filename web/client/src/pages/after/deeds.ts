/** What this seat may state now, as forms. Who may is the rules' affair (sessions/core/afterwards.py); refusals have words. */
import type { Choice } from "../../parts/choice.ts";
import type { Me } from "../../live/view.ts";
import type { AfterView, Case, HandOver, Rating } from "./after.ts";

type Who = Pick<Me, "seat" | "role">;

export function milestone({ next, today }: AfterView, { role }: Who): Choice | null {
  if (next === null || role !== "operator") return null;
  return {
    act: "milestone.state",
    label: "milestone",
    kind: "primary",
    fields: ["day", "text", "evidence"],
    optional: ["evidence"],
    body: ({ day, text, evidence }) => ({ milestone: next, day: day || today, text, evidence: evidence || null }),
  };
}

export function opening({ kinds = [] }: AfterView): Choice | null {
  if (kinds.length === 0) return null;
  return {
    act: "case.open",
    label: "open",
    kind: "secondary",
    picks: [["kind", kinds.map((kind) => [kind, kind] as const)]],
    fields: ["of", "day", "text", "evidence"],
    optional: ["evidence"],
    body: ({ kind, of, day, text, evidence }) => ({ kind, of, day, text, evidence: evidence || null }),
  };
}

export function answering({ kinds = [] }: AfterView, found: Case): Choice | null {
  if (found.answered !== null || !kinds.includes(found.kind)) return null;
  return {
    act: "case.answer",
    label: "answer",
    kind: "primary",
    fields: ["text", "evidence"],
    optional: ["evidence"],
    body: ({ text, evidence }) => ({ case: found.id, text, evidence: evidence || null }),
  };
}

export function appealing(found: Rating, { seat }: Who): Choice | null {
  if (found.seat !== seat || found.appeal !== null) return null;
  return { act: "rating.appeal", label: "appeal", kind: "secondary", fields: ["reason"], body: ({ reason }) => ({ rating: found.id, reason }) };
}

export function deciding(found: Rating, { seat, role }: Who): Choice[] {
  if (role !== "supervisor" || found.appeal === null || found.decision !== null || found.by === seat) return [];
  return [
    { act: "rating.decide", label: "uphold", kind: "secondary", fields: ["reason"], body: ({ reason }) => ({ rating: found.id, uphold: true, points: null, reason }) },
    {
      act: "rating.decide",
      label: "lower",
      kind: "primary",
      fields: ["points", "reason"],
      body: ({ points, reason }) => ({ rating: found.id, uphold: false, points: Number(points), reason }),
    },
  ];
}

export function taking(found: HandOver, main: boolean): Choice | null {
  if (!main || found.taken !== null) return null;
  return {
    act: "hand-over.take",
    label: "take",
    kind: "primary",
    fields: ["text"],
    optional: ["text"],
    body: ({ text }) => ({ hand_over: found.id, missing: text || null }),
  };
}
