/**
 * What waits for the supervisor, as forms: which act, which words, what has to be typed. What is decided is the rules'
 * (sessions/core/todo.py and the permission table); a form that is open too early is refused by the server in words.
 */
import type { JsonObject } from "../../crypto/canonical.ts";
import type { View } from "../../live/view.ts";
import type { Row } from "../../replay/timeline.ts";
import { suspended } from "./alarms.ts";

export type Field = "reason" | "minutes" | "text";

export interface Choice {
  act: string;
  /** Key of the button's words. */
  label: string;
  kind: "primary" | "secondary" | "danger";
  fields: readonly Field[];
  body: (given: Record<Field, string>) => JsonObject;
}

export interface Decision {
  key: string;
  /** Key of the heading and of the text below it. */
  words: string;
  subject: string;
  /** What the person should have before the eyes: words as they were signed. */
  quote: string;
  urgent: boolean;
  choices: readonly Choice[];
}

const REASON = ["reason"] as const;

export function decisions(view: View, rows: readonly Row[], now: () => number): Decision[] {
  const found: Decision[] = [];
  const add = (words: string, subject: string, choices: Choice[], quote = "", urgent = true): void => {
    found.push({ key: `${words} ${subject}`, words, subject, quote, urgent, choices });
  };
  const act = (name: string, label: string, kind: Choice["kind"], body: Choice["body"], fields: readonly Field[] = REASON): Choice => ({ act: name, label, kind, fields, body });

  for (const [cause, subject] of view.pauses) {
    if (cause === "incident-overdue") add("incident", subject, [act("incident.decide", "goOn", "primary", ({ reason }) => ({ subject, reason }))]);
  }
  const round = view.round;
  if (view.todo.includes("opening.approve") && round?.freeze) {
    const freeze = round.freeze;
    const silent = round.required.filter((seat) => !round.confirmed.includes(seat)).sort();
    add("opening", silent.join(", "), [act("opening.approve", "approveOpening", "primary", () => ({ freeze, silent }), [])]);
  }
  for (const question of view.steps?.questions ?? []) {
    if (question.until !== null || question.closed) continue;
    const until = (minutes: string): string => `${new Date(now() + Number(minutes) * 60_000).toISOString().slice(0, 19)}Z`;
    add("clarification", question.bidder, [
      act("clarification.approve", "approve", "primary", ({ minutes }) => ({ question: question.id, until: until(minutes) }), ["minutes"]),
      act("clarification.refuse", "refuse", "danger", ({ reason }) => ({ question: question.id, reason })),
    ], quoteOf(rows, question.n));
  }
  const back = view.steps?.back;
  if (back) {
    add("back", back[1], answers("stage.back-approve", back[0]), quoteOf(rows, last(rows, "StepBackAsked")?.n));
  }
  if (view.reopening) add("reopening", view.reopening[1], answers("reopening.approve", view.reopening[0]));
  for (const [request, seat, ground, granted] of view.requests ?? []) {
    if (granted !== null) continue;
    add("recusal", seat, [
      act("recusal.decide", "recuse", "danger", ({ reason }) => ({ request, recuse: true, reason })),
      act("recusal.decide", "stay", "secondary", ({ reason }) => ({ request, recuse: false, reason })),
    ], ground);
  }
  for (const draw of view.draws ?? []) {
    const { opened, stated, contributors, safe, draw: name } = draw;
    if (stated) add("countersign", name, [act("draw.countersign", "countersign", "primary", () => ({ statement: stated }), [])]);
    if (view.todo.includes("draw.freeze") && draw.freeze === null && !draw.annulled) {
      const absent = contributors.filter((domain) => !safe.includes(domain)).sort();
      add("drawFreeze", name, [act("draw.freeze", "freezeWithout", "primary", ({ reason }) => ({ opened, absent, reason }))], absent.join(", "));
    }
  }
  for (const { id: seat } of suspended(rows)) add("reinstate", seat, [act("seat.reinstate", "reinstate", "primary", ({ reason }) => ({ seat, reason }))]);
  if (view.gate === "paused") {
    for (const [seat, { waiting }] of Object.entries(view.seats ?? {})) {
      if (waiting) add("release", seat, [act("seat.release", "release", "secondary", ({ reason }) => ({ seat, reason }))], "", false);
    }
  }
  for (const [seat, until] of view.steps?.calls ?? []) {
    const over = Date.parse(String(until)) <= now();
    if (seat === view.chair && over && view.report?.unsigned.includes(seat)) add("deem", seat, [act("member.deem", "deem", "primary", ({ reason }) => ({ seat, reason }))]);
  }
  if (round && !round.frozen) {
    const { purpose, round: number } = round;
    for (const holder of laggards(view, rows)) {
      add("holders", holder, [act("holders.miss", "miss", "secondary", ({ reason }) => ({ purpose, round: number, holders: [holder], reason }))], "", false);
    }
  }
  return found;

  function answers(name: string, asked: string): Choice[] {
    return [
      act(name, "approve", "primary", ({ reason }) => ({ asked, approve: true, reason })),
      act(name, "refuse", "danger", ({ reason }) => ({ asked, approve: false, reason })),
    ];
  }
}

/** Holders who have acknowledged none of the seals of this round, while others have. */
function laggards(view: View, rows: readonly Row[]): string[] {
  const founded = rows.find((row) => row.type === "ProceedingFounded")?.said?.["holders"];
  const opened = last(rows, "RoundOpened")?.n ?? 0;
  const sealed = rows.filter((row) => row.n > opened && (row.type === "SheetSealed" || row.type === "BallotSealed"));
  const acked = new Set(rows.filter((row) => row.n > opened && row.type === "ShareAcked").map((row) => row.centre));
  const late = sealed.length > 0 && view.round?.required.every((seat) => view.round?.sealed.includes(seat));
  return late && acked.size > 0 && Array.isArray(founded) ? founded.filter((holder): holder is string => typeof holder === "string" && !acked.has(holder)) : [];
}

function last(rows: readonly Row[], type: string): Row | undefined {
  return [...rows].reverse().find((row) => row.type === type);
}

function quoteOf(rows: readonly Row[], n: number | undefined): string {
  const said = rows.find((row) => row.n === n)?.said ?? {};
  const about = typeof said["about"] === "object" && said["about"] !== null ? (said["about"] as Record<string, unknown>) : said;
  return [about["text"], about["reason"]].filter((each): each is string => typeof each === "string").join(" ");
}
