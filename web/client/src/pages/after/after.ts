/** What follows an evaluation, as the server tells this seat (sessions/core/after_view.py), and its acts. */
import { onBeforeUnmount, shallowReactive } from "vue";
import { call } from "../../api/call.ts";
import type { GetAfterData, GetAfterResponses } from "../../api/generated/index.ts";
import { codeOf } from "../../api/problem.ts";
import type { JsonObject } from "../../crypto/canonical.ts";
import type { AfterChain, Seat } from "../../crypto/seat.ts";
import type { Performing } from "../../parts/choice.ts";
import { me } from "../../state/session.ts";

export interface Clock {
  clock: string;
  subject: string;
  due: string | null;
  exact: boolean;
  done: string | null;
  over: boolean;
  overdue: boolean;
  source: string;
}

export interface Case {
  id: string;
  kind: string;
  of: string;
  day: string;
  text: string;
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
  items: { breaches: Record<string, number>; questions: string[] };
}

export interface AfterView {
  today: string;
  closed: string;
  aborted: boolean;
  retain: string;
  chain: AfterChain | null;
  milestones: { milestone: string; day: string }[];
  next: string | null;
  clocks: Clock[];
  cases: Case[];
  ratings: Rating[];
  hand_overs: HandOver[];
  /** Only for who watches the whole: kinds of cases that this office records and answers. */
  kinds?: string[];
  rating?: RatingRules;
}

export interface After extends Performing {
  view: AfterView | null;
  /** Why nothing can be shown. */
  failed: string;
  busy: boolean;
  code: string;
  load: () => Promise<void>;
}

export function useAfter(): After {
  const who = me.value;
  let seat: Seat | null = null;
  const after: After = shallowReactive({ view: null, failed: "", busy: false, code: "", load, perform });

  async function load(): Promise<void> {
    after.failed = "";
    try {
      const path = { id: who?.proceeding ?? "" };
      after.view = (await call<GetAfterData, GetAfterResponses>("GET", "/v1/proceedings/{id}/after", { path })) as unknown as AfterView;
    } catch (error) {
      after.failed = codeOf(error);
    }
  }

  async function perform(name: string, body: JsonObject): Promise<boolean> {
    const chain = after.view?.chain;
    if (!who || !chain || after.busy) return false;
    Object.assign(after, { busy: true, code: "" });
    try {
      const { openSeat } = await import("../../crypto/open.ts");
      seat ??= await openSeat(who);
      await seat.performAfter(name, body, chain);
      return true;
    } catch (error) {
      after.code = codeOf(error);
      return false;
    } finally {
      after.busy = false;
      // Whoever acted meanwhile: the newest view says where the chain is now.
      await load();
    }
  }

  onBeforeUnmount(() => seat?.close());
  void load();
  return after;
}
