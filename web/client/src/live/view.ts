/** The view of a seat (sessions/core/view.py). Hashes, keys and ids are base64url; points and money decimal strings. */

import type { Media } from "./messages.ts";

export type Role = "expert" | "buyer-representative" | "operator" | "supervisor" | "auditor" | "room";
export type Stage =
  | "check-in"
  | "declarations"
  | "chair-election"
  | "compliance-review"
  | "detailed-review"
  | "tally"
  | "report"
  | "signing"
  | "done";
export type Gate = "open" | "paused" | "aborted" | "closed";

export interface Me {
  seat: string;
  role: Role;
  venue: string | null;
  checked: string | null;
  vouched: string | null;
  bound: boolean;
  ctr: number;
  last: string | null;
  merging: number | null;
  recused: boolean;
  credential: string | null;
}

export interface Round {
  purpose: "ballot" | "sheet";
  matter: string;
  round: number;
  required: string[];
  choices: string[];
  sealed: string[];
  safe: string[];
  mine: string | null;
  rejected: string[];
  frozen: boolean;
  freeze: string | null;
  listed: [string, string][] | null;
  confirmed: string[];
  disputed: string[];
  approved: boolean;
  released: string[];
  opened: boolean;
  missing: string[];
  /** Holders that rejected what others acknowledged: they count as missing. */
  faulty: string[];
  unreadable: string[];
}

export interface Results {
  rows: { bidder: string; technical: string; price: string; total: string; evaluated?: string }[];
  base?: string;
  ranking: [string, number][];
  candidates: string[];
  ranked?: boolean;
  excluded?: [string, string][];
  undecided?: [string, string, string[]][];
}

export type DrawAnswer = [stratum: number, position: number, said: string, evidence: string | null];

/** A custodian's frozen pool. */
export interface Pool {
  leaf: string;
  custodian: string;
  count: number;
  root: string;
}

export interface Draw {
  draw: string;
  attempt: number;
  opened: string;
  strata: { label: string; quota: number; count: number; order: string[] | null }[];
  contributors: string[];
  safe: string[];
  commit_by: number | null;
  freeze: string | null;
  listed: string[];
  revealed: string[];
  missed: string[];
  resolved: boolean;
  annulled: boolean;
  stated: string | null;
  /** The leaf hash of its pool, where only a custodian knows the candidates. */
  pool: string | null;
  /** What the custodian stated and the supervisor has not signed yet, and what counts: in their order. */
  waiting: DrawAnswer[];
  answers: DrawAnswer[];
}

export interface Report {
  document: string;
  revision: string;
  signed: string[];
  signing: string | null;
  unsigned: string[];
  /** Who has confirmed the ranking; absent where the proceeding knows no such act. */
  ranked?: string[];
  /** A re-evaluation that waits for the supervisor. */
  reopening?: [asked: string, reason: string] | null;
}

export interface Steps {
  questions: {
    id: string;
    n: number;
    bidder: string;
    kind: string;
    /** RFC 3339; once the supervisor let it out. */
    until: string | null;
    /** Thumbprint of the bidder's key for this question, and the entry in which the main centre named it. */
    key: string | null;
    vouched: number | null;
    closed: "answered" | "refused" | "lapsed" | null;
    /** The entry that closed it. */
    ended: number | null;
    /** The corrected price that the bidder was asked to confirm, and what it answered to that. */
    price?: string | null;
    confirmed?: boolean | null;
  }[];
  /** Corrections that the order of the law gives (evaluation/core/corrections.py), in the definition's order. */
  proposed: { bidder: string; opening: string; price: string; rules: string[]; source: string; confirmed: boolean; standing: boolean }[];
  motions: {
    id: string;
    n: number;
    kind: string;
    about: Record<string, unknown>;
    voted: string[];
    carried: boolean | null;
  }[];
  rejected: string[];
  failed: boolean;
  back: [string, string] | null;
  hurried: string[];
  extended: boolean;
  checks: Record<string, unknown>;
  unmet: string[][];
  corrected: [string, string, string, string][];
  dissents: string[];
  calls: [seat: string, until: string][];
  deemed: string[];
}

export interface SeatOf {
  role: Role;
  venue: string | null;
  checked: boolean;
  vouched: boolean;
  bound: boolean;
  waiting: boolean;
  recused: boolean;
}

export interface HelpRequest {
  id: string;
  n: number;
  seat: string;
  kind: "device" | "document" | "procedure" | "other";
  text: string;
  at: string;
  answer: string | null;
  answered: string | null;
  by: string | null;
}

/** What of the rule pack a page offers for choice. */
export interface Rules {
  recusal: { grounds: string[]; source: string };
  rejection: string[];
  /** Whether a fail of the review names ground and page. */
  evidenced: boolean;
  clarification: "chair" | "majority";
  /** Whether a statement that experts were drawn elsewhere names their seats. */
  by_seat?: boolean;
}

/** What people call a centre's city. */
export interface CityName {
  zh: string;
  en: string;
}

/** The log's last acknowledged entries are gone everywhere, and it goes on under another key (docs/protocol.md 11.2). */
export interface Continued {
  /** The entry that says so: everything before it stands. */
  n: number;
  origin: string;
  size: number;
  witnessed: number;
  missing: number;
  /** How many of the missing entries were proven by those who hold receipts. */
  known: number;
  confirmed: boolean;
  confirmed_by: string | null;
  reason: string;
}

/** What everybody looks at; `at`: when that was stated, by the server's clock. */
export interface Page {
  document: string;
  page: number;
  at: string;
}

/** Members after `todo` are absent for room devices and recused members. */
export interface View {
  origin: string;
  /** The log in which the proceeding is now. */
  log?: string;
  continued?: Continued | null;
  size: number;
  stage: Stage;
  gate: Gate;
  pauses: [cause: string, subject: string][];
  me: Me;
  venues: Record<string, { centre: string; kind: "main" | "secondary"; lost: boolean; replaced?: string | null }>;
  /** By the centre's domain; founded before the agreement named its cities, a proceeding has none. */
  cities?: Record<string, CityName>;
  rooms: Record<string, { venue: string; admitted: boolean; recording: boolean }>;
  presenter: string | null;
  page: Page | null;
  documents: [sha256: string, pages: number][];
  help?: { yellow: number; red: number; requests: HelpRequest[] };
  /** Names of acts that are due, in their order. */
  todo: string[];
  seats?: Record<string, SeatOf>;
  rules?: Rules;
  definition?: string | null;
  /** Version of the holder set; null before gate G1. */
  holders?: number | null;
  witnessed?: number;
  committed?: string[];
  declared?: string[];
  chair?: string | null;
  chair_undecided?: unknown;
  round?: Round | null;
  voted?: string[];
  valid?: string[] | null;
  results?: Results | null;
  pools?: Pool[];
  /** The centres whose nodes hold shares: they contribute to each draw. */
  contributors?: string[];
  draws?: Draw[];
  report?: Report | null;
  steps?: Steps | null;
  /** Places of members who left, and seats whose member is not drawn yet. */
  vacant?: string[];
  open?: string[];
  /** Experts of whom nobody has said yet by which draw they came; check-in waits for it. */
  undrawn?: string[];
  /** For who watches: who is asked to be recused, on which ground, and what was decided. */
  requests?: [id: string, seat: string, ground: string, granted: boolean | null, n: number][] | null;
  /** That documents were compared, and how many facts that showed; absent before this seat may read them. */
  advice?: { n: number; sha256: string; facts: number } | null;
  /** The seats whose cloud key is issued. */
  credentials?: string[];
  /** For operators and the supervisor: who is awaited for what (sessions/core/awaited.py). */
  awaited?: Awaited[] | null;
  /** From the evening on: areas are opened from `opens` on, in seconds since the epoch. */
  night?: { opens: number; sealed: Record<string, string[]>; opened: string[] } | null;
}

export type Awaited = [why: string, who: string[]];

/** Whether a room is recorded now. A recording that was lost is not, until its packets flow again; nor is a room that
 *  sends nothing, in the seconds before the log says so. */
export function recorded({ view, media }: { view: View | null; media: Media | null }, room: string): boolean {
  const lost = view?.pauses.some(([cause, subject]) => cause === "recording-lost" && subject === room);
  return view?.rooms[room]?.recording === true && !lost && media?.rooms[room]?.connected !== false;
}
