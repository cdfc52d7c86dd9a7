/** How far a draw is, and who was asked: what the page says, out of the view alone. */
import type { Draw, DrawAnswer } from "../../live/view.ts";

export const STEPS = ["contribute", "freeze", "reveal", "result"] as const;
export type Step = (typeof STEPS)[number];

export interface Progress {
  step: Step;
  state: "done" | "now" | "late" | "waits";
  /** Of how many centres it is known, and which are missing. */
  done: number;
  of: number;
  missing: string[];
}

export interface Position {
  position: number;
  /** One of the first: the others are reserves. */
  drawn: boolean;
  said: string;
  evidence: string | null;
  /** Stated by the custodian, and not signed by the supervisor yet. */
  waiting: boolean;
  /** Whom the custodian asks now. */
  next: boolean;
}

export interface Asked {
  label: string;
  quota: number;
  /** Who comes, with both signatures. */
  accepted: number;
  left: number;
  positions: Position[];
}

/** `now` in seconds since the epoch, by the server's clock. A contribution or reveal that is late is stood in for. */
export function progress(draw: Draw, now: number): Progress[] {
  const { contributors, safe, freeze, listed, revealed, missed, resolved, annulled, commit_by: until } = draw;
  const frozen = freeze !== null;
  const late = !frozen && until !== null && now > until && safe.length < contributors.length;
  const open = annulled && !frozen ? "waits" : "now";
  const left = (all: readonly string[], there: readonly string[]): string[] => all.filter((each) => !there.includes(each));
  return [
    { step: "contribute", state: frozen ? "done" : late ? "late" : open, done: safe.length, of: contributors.length, missing: left(contributors, safe) },
    { step: "freeze", state: frozen ? "done" : "waits", done: listed.length, of: contributors.length, missing: frozen ? left(contributors, listed) : [] },
    { step: "reveal", state: resolved ? "done" : !frozen ? "waits" : missed.length > 0 ? "late" : "now", done: revealed.length, of: listed.length, missing: frozen ? left(listed, revealed) : [] },
    { step: "result", state: resolved ? "done" : "waits", done: 0, of: 0, missing: [] },
  ];
}

/** Per stratum the positions that were answered, what waits for its second signature, and the next to be asked. */
export function asked(draw: Draw): Asked[] {
  return draw.strata.map(({ label, quota, count }, which) => {
    const of = (answers: readonly DrawAnswer[]): DrawAnswer[] => answers.filter(([stratum]) => stratum === which);
    const standing = new Map<number, Position>();
    const put = (waiting: boolean) => ([, position, said, evidence]: DrawAnswer): void => {
      standing.set(position, { position, drawn: position < quota, said, evidence, waiting, next: false });
    };
    of(draw.answers).forEach(put(false));
    of(draw.waiting).forEach(put(true));
    const positions = [...standing.values()].sort((one, other) => one.position - other.position);
    const coming = positions.filter(({ said }) => said === "accepted");
    const next = positions.length;
    if (draw.resolved && !draw.annulled && coming.length < quota && next < count) {
      positions.push({ position: next, drawn: next < quota, said: "", evidence: null, waiting: false, next: true });
    }
    return { label, quota, accepted: coming.filter(({ waiting }) => !waiting).length, left: Math.max(0, count - next), positions };
  });
}
