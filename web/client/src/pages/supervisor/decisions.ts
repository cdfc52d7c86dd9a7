/**
 * What waits for the supervisor, as forms: which act, which words, what has to be typed. What is decided is the rules'
 * (sessions/core/todo.py and the permission table); a form that is open too early is refused by the server in words.
 */
import type { JsonObject } from "../../crypto/canonical.ts";
import type { Role, Round, View } from "../../live/view.ts";
import type { Choice, Field, Given } from "../../parts/choice.ts";
import { timeOf, type Row } from "../../replay/timeline.ts";
import { suspended } from "./alarms.ts";
import { holdersOf } from "./holders.ts";

export interface Decision {
  key: string;
  /** Key of the heading and of the text below it. */
  words: string;
  subject: string;
  /** What the person should have before the eyes: words as they were signed. */
  quote: string;
  /** What is approved, where it was stated in codes. */
  stated: readonly Stated[];
  /** Who asked, where somebody did. */
  by: string;
  /** What else fills the text: keys of words. */
  terms: Readonly<Record<string, string>>;
  urgent: boolean;
  choices: readonly Choice[];
}

/** A line in the words `supervisor.stated.<words>`: `terms` as they are, `coded` by their own words, `who` by name. */
export interface Stated {
  words: string;
  terms?: Readonly<Record<string, string | number>>;
  coded?: Readonly<Record<string, string>>;
  who?: string;
}

const REASON = ["reason"] as const;
/** Holders answer by themselves within ten seconds; whoever has not after this time may be asked about. */
const PATIENCE_MS = 60_000;

export function decisions(view: View, rows: readonly Row[], now: () => number): Decision[] {
  const found: Decision[] = [];
  const add = (words: string, subject: string, choices: Choice[], quote = "", urgent = true, asked?: Row, terms: Decision["terms"] = {}, stated: Decision["stated"] = []): void => {
    found.push({ key: `${words} ${subject} ${asked?.n ?? ""}`, words, subject, quote, stated, urgent, choices, by: asked?.seat ?? "", terms });
  };
  const act = (name: string, label: string, kind: Choice["kind"], body: Choice["body"], fields: readonly Field[] = REASON): Choice => ({ act: name, label, kind, fields, body });

  for (const [cause, subject] of view.pauses) {
    if (cause === "recording-lost") add("waive", subject, [act("recording.waive", "waive", "secondary", ({ reason }) => ({ room: subject, reason }))], "", false);
    if (cause === "incident-overdue") add("incident", subject, [act("incident.decide", "goOn", "primary", ({ reason }) => ({ subject, reason }))]);
  }
  const round = view.round;
  if (view.todo.includes("opening.approve") && round?.freeze) {
    const freeze = round.freeze;
    const silent = round.required.filter((seat) => !round.confirmed.includes(seat)).sort();
    add("opening", silent.join(", "), [act("opening.approve", "approveOpening", "primary", () => ({ freeze, silent }), [])]);
  }
  if (view.todo.includes("draw.external")) {
    const seats = (view.undrawn ?? []).join(", ");
    const fields: Field[] = ["label", ...(view.rules?.by_seat ? (["seats"] as const) : []), "reference", "evidence"];
    add("external", seats, [{ ...act("draw.external", "external", "primary", drawnElsewhere(view), fields), given: { label: "expert/all", seats } }]);
  }
  for (const question of view.steps?.questions ?? []) {
    if (question.until !== null || question.closed) continue;
    add("clarification", question.bidder, [
      act("clarification.approve", "approve", "primary", ({ minutes }) => ({ question: question.id, until: until(minutes) }), ["minutes"]),
      act("clarification.refuse", "refuse", "danger", ({ reason }) => ({ question: question.id, reason })),
    ], quoteOf(rows, question.n));
  }
  const back = view.steps?.back;
  if (back) {
    const asked = last(rows, "StepBackAsked");
    add("back", back[1], answers("stage.back-approve", back[0]), quoteOf(rows, asked?.n), true, asked);
  }
  const reopening = view.report?.reopening;
  if (reopening) {
    const asked = last(rows, "ReopeningAsked");
    add("reopening", "", answers("reopening.approve", reopening[0]), wordsOf(asked, "text"), true, asked, { cause: `supervisor.options.cause.${reopening[1]}` });
  }
  for (const [request, seat, ground, granted, n] of view.requests ?? []) {
    if (granted !== null) continue;
    const asked = rows.find((row) => row.n === n);
    const terms = { ground: `expert.grounds.${ground}`, from: `supervisor.options.from.${wordsOf(asked, "from") || "other"}` };
    add("recusal", seat, [
      act("recusal.decide", "recuse", "danger", ({ reason }) => ({ request, recuse: true, reason })),
      act("recusal.decide", "stay", "secondary", ({ reason }) => ({ request, recuse: false, reason })),
    ], wordsOf(asked, "text"), true, asked, terms);
  }
  for (const [why, seats] of view.awaited ?? []) {
    if (why !== "cause-supervisor") continue;
    for (const seat of seats) add("cause", seat, [act("incident.note", "cause", "primary", ({ text }) => ({ seat, text }), ["text"])]);
  }
  for (const draw of view.draws ?? []) {
    const { opened, stated, contributors, safe, draw: name } = draw;
    if (stated) {
      const lines = draw.waiting.map(([which, position, said, evidence]) => ({
        words: evidence ? "proved" : "answer",
        terms: { label: draw.strata[which]?.label ?? "", position, evidence: evidence ?? "" },
        coded: { said: `draw.said.${said}` },
      }));
      add("countersign", name, [act("draw.countersign", "countersign", "primary", () => ({ statement: stated }), [])], "", true, undefined, {}, lines);
    }
    if (view.todo.includes("draw.freeze") && draw.freeze === null && !draw.annulled) {
      const absent = contributors.filter((domain) => !safe.includes(domain)).sort();
      add("drawFreeze", name, [act("draw.freeze", "freezeWithout", "primary", ({ reason }) => ({ opened, absent, reason }))], "", true, undefined, {}, absent.map((who) => ({ words: "absent", who })));
    }
  }
  for (const { id: seat } of suspended(rows)) add("reinstate", seat, [act("seat.reinstate", "reinstate", "primary", ({ reason }) => ({ seat, reason }))]);
  if (view.gate === "paused") {
    for (const [seat, { waiting }] of Object.entries(view.seats ?? {})) {
      if (waiting) add("release", seat, [act("seat.release", "release", "secondary", ({ reason }) => ({ seat, reason }))], "", false);
    }
  }
  for (const place of view.open ?? []) add("seat", place, seating(place, null), "", false);
  const numbers = Object.entries(view.seats ?? {}).flatMap(([id, { role }]) => (isMember(role) ? [Number(id.split("-")[1])] : []));
  for (const place of view.vacant ?? []) add("seat", place, seating(`seat-${Math.max(0, ...numbers) + 1}`, place), "", false);
  const seat = view.chair;
  if (view.stage === "signing" && seat && view.report?.unsigned.includes(seat)) {
    const called = view.steps?.calls.find(([name]) => name === seat);
    if (!called) add("call", seat, [act("signing.call", "call", "secondary", ({ minutes }) => ({ seat, until: until(minutes) }), ["minutes"])], "", false);
    else if (Date.parse(called[1]) <= now()) add("deem", seat, [act("member.deem", "deem", "primary", ({ reason }) => ({ seat, reason }))]);
  }
  if (round && !round.opened) holding(round);
  return found;

  /** The holders of a round: who lags behind before its freeze, and what is left where too few can open it. */
  function holding(round: Round): void {
    const { purpose, round: number, frozen, released, missing } = round;
    const { domains, k } = holdersOf(rows);
    const miss = (holders: string[]): Choice => act("holders.miss", "miss", "secondary", ({ reason }) => ({ purpose, round: number, holders, reason }));
    if (!frozen) for (const holder of laggards(view, rows, domains, now() - PATIENCE_MS)) add("holders", holder, [miss([holder])], "", false);
    const silent = domains.filter((domain) => !released.includes(domain)).sort();
    if (frozen && missing.length > domains.length - k) {
      add("renew", missing.join(", "), [act("round.renew", "renew", "danger", ({ reason }) => ({ purpose, round: number, reason }))]);
    } else if (frozen && overdue(round, rows, now() - PATIENCE_MS) && silent.length > domains.length - k) {
      add("holdersLost", silent.join(", "), [miss(silent)], "", false);
    }
  }

  /** Whom no draw of this log names; who was drawn here comes by the pool's custodian. */
  function seating(seat: string, replaces: string | null): Choice[] {
    const sources: [string, Field, (given: Given) => JsonObject][] = [
      ["elsewhere", "label", ({ label }) => ({ kind: "external", label })],
      ["designated", "evidence", ({ evidence }) => ({ kind: "designated", document: evidence })],
      ["buyer", "evidence", ({ evidence }) => ({ kind: "buyer", document: evidence })],
    ];
    return sources.map(([label, field, source]) => ({
      ...act("member.seat", label, "secondary", (given) => ({ seat, replaces, source: source(given) }), ["person", "organisation", field]),
      member: ({ person, organisation }) => ({ seat, name: person, organisation }),
    }));
  }

  function until(minutes: string): string {
    return `${new Date(now() + Number(minutes) * 60_000).toISOString().slice(0, 19)}Z`;
  }

  function answers(name: string, asked: string): Choice[] {
    return [
      act(name, "approve", "primary", ({ reason }) => ({ asked, approve: true, reason })),
      act(name, "refuse", "danger", ({ reason }) => ({ asked, approve: false, reason })),
    ];
  }
}

/** What another authority drew; of experts, where the rules want it, with the seats that it filled. */
export function drawnElsewhere({ rules }: View): (given: Given) => JsonObject {
  return ({ label, seats, reference, evidence }) => {
    const named = rules?.by_seat === true && label.startsWith("expert/");
    return { label, reference, evidence, ...(named ? { seats: seats.split(/[\s,，、;；]+/).filter((each) => each !== "") } : {}) };
  };
}

export function isMember(role: Role): boolean {
  return role === "expert" || role === "buyer-representative";
}

/** Holders who have acknowledged none of the seals of this round, while others have. */
function laggards(view: View, rows: readonly Row[], holders: readonly string[], until: number): string[] {
  const opened = last(rows, "RoundOpened")?.n ?? 0;
  const sealed = rows.filter((row) => row.n > opened && (row.type === "SheetSealed" || row.type === "BallotSealed"));
  const acked = new Set(rows.filter((row) => row.n > opened && row.type === "ShareAcked").map((row) => row.centre));
  const late = sealed.length > 0 && sealed.every((row) => timeOf(row) < until) && view.round?.required.every((seat) => view.round?.sealed.includes(seat));
  return late && acked.size > 0 ? holders.filter((holder) => !acked.has(holder)) : [];
}

/** Whether the holders were to release their shares before `until`: sheets at the approval, ballots at the seats' word. */
function overdue({ purpose }: Round, rows: readonly Row[], until: number): boolean {
  const [frozen, asked] = [last(rows, "SheetsFrozen"), last(rows, purpose === "sheet" ? "OpeningApproved" : "FreezeConfirmed")];
  return frozen !== undefined && asked !== undefined && asked.n > frozen.n && timeOf(asked) < until;
}

function last(rows: readonly Row[], type: string): Row | undefined {
  return [...rows].reverse().find((row) => row.type === type);
}

function wordsOf(row: Row | undefined, name: string): string {
  const found = row?.said?.[name];
  return typeof found === "string" ? found : "";
}

function quoteOf(rows: readonly Row[], n: number | undefined): string {
  const said = rows.find((row) => row.n === n)?.said ?? {};
  const about = typeof said["about"] === "object" && said["about"] !== null ? (said["about"] as Record<string, unknown>) : said;
  return [about["text"], about["price"], about["reason"]].filter((each): each is string => typeof each === "string").join(" ");
}
