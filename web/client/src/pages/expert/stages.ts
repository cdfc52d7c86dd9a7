/** The stage line: eight steps that every expert knows, and where this seat is among them. */
import type { View } from "../../live/view.ts";

/** Words of the steps. A step that is a stage has the stage's own name, as the top bar and every other page say it. */
export const LINE = [
  "expert.line.commitment",
  "expert.line.recusal",
  "stages.chair-election",
  "stages.compliance-review",
  "stages.detailed-review",
  "stages.tally",
  "stages.report",
  "stages.signing",
] as const;

/** How many steps lie behind; eight: all. */
export function place(view: View): number {
  switch (view.stage) {
    case "check-in":
      return 0;
    case "declarations":
      return view.committed?.includes(view.me.seat) ? 1 : 0;
    case "chair-election":
      return 2;
    case "compliance-review":
      return 3;
    case "detailed-review":
      return 4;
    case "tally":
      return 5;
    case "report":
      return 6;
    case "signing":
      return 7;
    default:
      return LINE.length;
  }
}

/** Where an act that is due is done. */
const PLACES: Record<string, string> = {
  "seat.resume": "/expert/resume",
  "commitment.sign": "/expert/commitment",
  "recusal.declare": "/expert/recusal",
  "ballot.seal": "/expert/chair",
  "review.vote": "/expert/review",
  "sheet.seal": "/expert/score",
  "freeze.ok": "/expert/freeze",
  "motion.vote": "/expert/steps",
  "ranking.confirm": "/expert/sign",
  "report.sign": "/expert/sign",
};

export function placeOf(act: string): string | null {
  return PLACES[act] ?? null;
}

/**
 * Whether this is the seat's to do. In a pause nothing is due, but what was begun stays on the screen: a page that
 * took its table away while somebody types would frighten them, though the draft is safe.
 */
export function isDue(view: View | null, act: string): boolean {
  if (view === null) return false;
  return view.todo.includes(act) || (view.gate === "paused" && begun(view, act));
}

/** From the chair's election to the tally: who learns of a ground withdraws, whatever it declared before. */
const LATE: ReadonlySet<string> = new Set(["chair-election", "compliance-review", "detailed-review", "tally"]);

/** Whether the member may still withdraw (实施条例 48); an earlier engine's log refuses it with its code. */
export function mayWithdraw(view: View | null): boolean {
  return view !== null && LATE.has(view.stage) && view.gate === "open" && !view.me.recused && view.declared?.includes(view.me.seat) === true;
}

function begun(view: View, act: string): boolean {
  const { round, me } = view;
  switch (act) {
    case "commitment.sign":
      return view.stage === "declarations" && view.committed?.includes(me.seat) === false;
    case "recusal.declare":
      return view.stage === "declarations" && view.declared?.includes(me.seat) === false;
    case "review.vote":
      return view.stage === "compliance-review" && view.voted?.includes(me.seat) === false;
    case "ballot.seal":
    case "sheet.seal":
      if (!round || `${round.purpose}.seal` !== act || round.frozen || !round.required.includes(me.seat)) return false;
      // A sheet whose dealing was rejected is dealt anew by the device itself; a ballot is sealed anew by its member.
      return round.mine === null || (act === "ballot.seal" && round.rejected.length > 0);
    default:
      return false;
  }
}
