/** When the day's work ends and goes on (夜间休止), and how a drawn member's group is called: as typed, what is wrong, its form. */
import type { Draft, Member } from "./draft.ts";
import type { Rules } from "./packs.ts";
import type { Fault } from "./pricing.ts";

// evaluation/core/incidents.py
const RECORDER_S = 10;
const MOST_SOURCE = 200;
const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d$/;
// evaluation/core/draw.py
const STRATUM = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;

const asked = ({ night }: Draft): boolean => [night.cutOff, night.opens, night.source].some((text) => text.trim() !== "");

/** Whether a province's rule is typed that ends the day. */
export function nightFaults(draft: Draft, rules: Rules): [field: string, fault: Fault][] {
  if (!asked(draft)) return [];
  const { cutOff, opens, source } = draft.night;
  const article = rules.incidents?.source ?? "";
  const found: [string, Fault][] = [];
  if (!TIME.test(cutOff)) found.push(["cut-off", ["nightTime", { article }]]);
  if (!TIME.test(opens) || opens === cutOff) found.push(["opens", ["nightTime", { article }]]);
  if (source.trim() === "" || source.trim().length > MOST_SOURCE) found.push(["night-source", ["nightSource", { most: String(MOST_SOURCE) }]]);
  return found;
}

/** `terms.incidents`: the pack's clocks, with the night of the province. */
export function nightOf(draft: Draft, rules: Rules): { incidents?: unknown } {
  if (!asked(draft) || !rules.incidents) return {};
  const { before_start, during } = rules.incidents;
  const { cutOff, opens, source } = draft.night;
  return { incidents: { before_start, during, recorder: RECORDER_S, cut_off: cutOff, opens, source: source.trim() } };
}

/** Whether a member is drawn by this system: nobody is named, and the seat says from which group. */
export const isDrawn = (each: Member): boolean => each.role === "expert" && each.stratum !== undefined;
export const stratumWrong = (each: Member): boolean => isDrawn(each) && !STRATUM.test(each.stratum?.trim() ?? "");
