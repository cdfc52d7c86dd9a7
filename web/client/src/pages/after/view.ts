/** What follows an evaluation, as the server tells this seat (sessions/core/after_view.py). */
import type { AfterChain } from "../../crypto/seat.ts";

export interface Clock {
  clock: string;
  subject: string;
  due: string | null;
  exact: boolean;
  done: string | null;
  over: boolean;
  overdue: boolean;
  source: string;
  /** How sure the source is: V, the text was read; K, to be checked against it; U, no text is known. */
  mark: "V" | "K" | "U";
}

export interface Case {
  id: string;
  kind: string;
  of: string;
  day: string;
  text: string;
  evidence: string | null;
  late: boolean;
  answered: string | null;
  answer: string | null;
}

export interface Rating {
  id: string;
  seat: string;
  by: string;
  day: string;
  breaches: [item: string, reason: string][];
  answers: boolean[];
  text: string;
  points: number;
  appeal: { day: string; reason: string } | null;
  decision: { day: string; upheld: boolean; reason: string } | null;
}

export interface HandOver {
  id: string;
  venue: string;
  day: string;
  items: [kind: string, what: string, count: number, digest: string | null][];
  seals: string[];
  taken: string | null;
  missing: string | null;
}

export interface RatingRules {
  by: string[];
  source: string;
  items: {
    breaches: Record<string, number>;
    breaches_source: string;
    questions: string[];
    question_points: number;
    most_points: number;
    questions_source: string;
  };
}

export interface AfterView {
  today: string;
  closed: string;
  aborted: boolean;
  retain: string;
  rating: RatingRules;
  chain: AfterChain | null;
  milestones: { milestone: string; day: string; evidence: string | null }[];
  next: string | null;
  /** The kind of case or the clock that holds `next` up today. */
  held: string | null;
  clocks: Clock[];
  cases: Case[];
  ratings: Rating[];
  hand_overs: HandOver[];
  /** Only for who watches the whole: the kinds of cases that this office records, and those whose time has begun. */
  kinds?: string[];
  opens?: string[];
}
