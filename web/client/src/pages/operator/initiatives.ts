/**
 * What the operator may do besides leading the stages, as forms (sessions/core/permission.py). What no gate, stage or
 * venue of now would take is not shown; where the rules refuse the rest, the server says so in words.
 */
import { parseJwk, thumbprint } from "../../crypto/act.ts";
import type { Stage, View } from "../../live/view.ts";
import type { Choice } from "../../parts/choice.ts";

/** One of them: waited for now, or only possible; about whom. */
export interface Initiative extends Choice {
  due: boolean;
  subject: string;
}

/** Not an act of the operator: the main centre names the bidder's key, by its own door. */
export const BIDDER_KEY = "bidder.vouch";
const UNTIL_TALLY: readonly Stage[] = ["check-in", "declarations", "chair-election", "compliance-review", "detailed-review", "tally"];
const BACK: Partial<Record<Stage, readonly Stage[]>> = { "detailed-review": ["compliance-review"], tally: ["compliance-review", "detailed-review"] };
// sessions/core/meeting.py, evaluation/core/checks.py, evaluation/core/leaving.py.
const FAILURES = ["power", "network", "equipment"];
const REASONS = ["objective", "abnormal", "sum", "range"];
const ASKING = ["supplier", "buyer", "agency", "other"];
// sessions/core/night.py.
const MOST_SEALS = 50;
const MOST_NUMBER = 40;

export function initiatives(view: View, now: number): Initiative[] {
  const found: Initiative[] = [];
  const add = (choice: Choice, due = false, subject = ""): void => void found.push({ ...choice, due, subject });
  const mine = view.me.venue ?? "";
  const main = view.venues[mine]?.kind === "main";
  const open = view.gate === "open";
  const seats = Object.entries(view.seats ?? {}).filter(([, { recused }]) => !recused);
  const members = seats.filter(([, { role }]) => role === "expert" || role === "buyer-representative").map(([id]) => id);
  const venues = Object.entries(view.venues).filter(([id, { lost }]) => !lost && (main || id === mine));
  const awaited = new Map(view.awaited ?? []);
  if (!open && view.gate !== "paused") return found;

  if (view.todo.includes("area.seal")) add(seal(mine), true, mine);
  const night = view.night;
  if (night && !night.opened.includes(mine) && now >= night.opens * 1000) add(unseal(mine), true, mine);
  for (const seat of awaited.get("cause-operator") ?? []) {
    add({ act: "incident.note", label: "cause", kind: "primary", fields: ["text"], body: ({ text }) => ({ seat, text }) }, true, seat);
  }
  for (const { id, bidder, until, key, closed } of main ? (view.steps?.questions ?? []) : []) {
    if (until !== null && key === null && !closed) add(bidderKey(id), true, bidder);
  }
  add({
    act: "incident.note",
    label: "note",
    kind: "secondary",
    picks: [["about", [["", "nobody"], ...seats.map(([id]) => [id, id] as const)]]],
    fields: ["text"],
    body: ({ about, text }) => ({ seat: about === "" ? null : about, text }),
  });
  if (venues.length > 0) {
    add({
      act: "incident.declare",
      label: "declare",
      kind: "danger",
      picks: [["venue", own(venues.map(([id]) => id))], ["failure", own(FAILURES)]],
      fields: ["text"],
      body: ({ venue, failure, text }) => ({ venue, kind: failure, text }),
    });
  }
  if (UNTIL_TALLY.includes(view.stage) && members.length > 0) {
    add({
      act: "recusal.request",
      label: "request",
      kind: "secondary",
      picks: [["seat", own(members)], ["from", own(ASKING)], ["ground", own(view.rules?.recusal.grounds ?? [])]],
      fields: ["text"],
      body: ({ seat, from, ground, text }) => ({ seat, from, ground, text }),
    });
  }
  const back = BACK[view.stage] ?? [];
  const frozen = view.round?.frozen === true && !view.round.opened;
  if (main && open && back.length > 0 && !frozen && !view.steps?.back && !view.steps?.failed) {
    add({
      act: "stage.back",
      label: "back",
      kind: "danger",
      picks: [["to", own(back)]],
      fields: ["reason"],
      body: ({ to, reason }) => ({ from: view.stage, to, reason }),
    });
  }
  const report = view.report;
  if (main && open && report?.document && (view.stage === "signing" || view.stage === "done") && !report.reopening) {
    const { document } = report;
    add({
      act: "reopening.ask",
      label: "reopen",
      kind: "danger",
      picks: [["cause", own(REASONS)]],
      fields: ["text"],
      body: ({ cause, text }) => ({ document, reason: cause, text }),
    });
  }
  return found;
}

function seal(venue: string): Choice {
  return {
    act: "area.seal",
    label: "seal",
    kind: "primary",
    fields: ["seals", "note"],
    optional: ["note"],
    wrong: { seals: wrongSeals },
    shown: { seals: (value) => numbers(value).join("  ") },
    longest: { seals: MOST_SEALS * (MOST_NUMBER + 1) },
    body: ({ seals, note }) => ({ venue, seals: numbers(seals), note }),
  };
}

/** Where a seal is gone, the numbers that are there are written down all the same: nothing is guessed from the evening. */
function unseal(venue: string): Choice {
  const sealing = seal(venue);
  return {
    ...sealing,
    act: "area.open",
    label: "open",
    optional: ["seals", "note"],
    picks: [["whole", own(["yes", "no"])]],
    body: ({ seals, note, whole }) => ({ venue, seals: numbers(seals), intact: whole === "yes", note }),
  };
}

function bidderKey(question: string): Choice {
  return {
    act: BIDDER_KEY,
    label: "bidderKey",
    kind: "primary",
    fields: ["jwk"],
    longest: { jwk: 1000 },
    wrong: { jwk: (value) => (keyOf(value) ? "" : "jwkWrong") },
    shown: { jwk: (value) => keyOf(value)?.thumbprint ?? "" },
    body: ({ jwk }) => ({ question, jwk: { ...keyOf(jwk)?.jwk } }),
  };
}

function keyOf(value: string): { jwk: ReturnType<typeof parseJwk>; thumbprint: string } | null {
  try {
    const { crv, kty, x, y } = JSON.parse(value) as Record<string, unknown>;
    const jwk = parseJwk({ crv, kty, x, y });
    return { jwk, thumbprint: thumbprint(jwk) };
  } catch {
    return null;
  }
}

/** Numbers of seals as people write them: apart by spaces, commas or lines. */
function numbers(value: string): string[] {
  return value.split(/[\s,，、;；]+/).filter(Boolean);
}

function wrongSeals(value: string): string {
  const found = numbers(value);
  const right = found.length > 0 && found.length <= MOST_SEALS && new Set(found).size === found.length;
  return right && found.every((number) => number.length <= MOST_NUMBER) ? "" : "sealsWrong";
}

/** Values that are called by what they are. */
function own(values: readonly string[]): (readonly [string, string])[] {
  return values.map((value) => [value, value] as const);
}
