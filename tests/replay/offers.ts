/** Every act that the supervisor's wall offers somewhere, over views in which each is due, and what it says of a draw. */
import type { View } from "../../web/client/src/live/view.ts";
import { decisions } from "../../web/client/src/pages/supervisor/decisions.ts";
import { initiatives } from "../../web/client/src/pages/supervisor/initiatives.ts";
import type { Row } from "../../web/client/src/replay/timeline.ts";

const NOW = Date.parse("2026-11-22T02:00:00Z");
const seat = { role: "expert", venue: "venue-1", checked: true, vouched: true, bound: true, waiting: true, recused: false };
const round = {
  purpose: "sheet",
  matter: "scores",
  round: 1,
  required: ["seat-1"],
  sealed: ["seat-1"],
  confirmed: [],
  disputed: [],
  released: [],
  missing: [],
  faulty: [],
};
const draw = { draw: "experts", attempt: 1, opened: "o", contributors: ["a", "b"], safe: ["a"], freeze: null, stated: "s", strata: [{ label: "expert/law" }], waiting: [[0, 0, "declined", "e"]], annulled: false };
const base = {
  stage: "detailed-review",
  gate: "paused",
  pauses: [["incident-overdue", "venue-1"], ["recording-lost", "room-1"]],
  venues: { "venue-1": { centre: "a", kind: "main", lost: false }, "venue-2": { centre: "b", kind: "secondary", lost: true } },
  rooms: {},
  seats: { "seat-1": seat },
  rules: { recusal: { grounds: ["other-relation"], source: "" }, rejection: [], clarification: "chair" },
  todo: ["opening.approve", "draw.freeze"],
  chair: "seat-1",
  round: { ...round, frozen: true, freeze: "f" },
  draws: [draw],
  report: { unsigned: ["seat-1"], reopening: ["r", "sum"] },
  steps: { questions: [{ id: "q", n: 3, bidder: "bidder-1", until: null, closed: false }], back: ["b", "compliance-review"], calls: [] },
  requests: [["i", "seat-1", "other-relation", null, 4]],
  vacant: [],
  open: ["seat-6"],
};
const rows = [
  { n: 0, at: "2026-11-22T01:00:00Z", leaf: "", type: "ProceedingFounded", said: { holders: ["a", "b", "c"], holder_k: 2 } },
  { n: 1, at: "2026-11-22T01:00:01Z", leaf: "", type: "SeatSuspended", body: { seat: "seat-1" } },
  { n: 2, at: "2026-11-22T01:00:02Z", leaf: "", type: "SheetsFrozen" },
  { n: 3, at: "2026-11-22T01:00:03Z", leaf: "", type: "OpeningApproved" },
] as Row[];
const called = { ...base.steps, calls: [["seat-1", "2026-11-22T01:00:00Z"]] };
const views = [
  base,
  { ...base, gate: "open", pauses: [["ordered", ""]], stage: "signing" },
  { ...base, gate: "open", pauses: [], stage: "signing", steps: called },
  { ...base, round: { ...base.round, missing: ["a", "b"] } },
] as unknown as View[];
// A holder needs a moment to answer: before that nobody is asked about it.
const early = decisions(base as unknown as View, rows, () => Date.parse("2026-11-22T01:00:30Z"));
if (early.some(({ words }) => words === "holdersLost")) throw new Error("asked about holders who were only just called");
const offered = views.flatMap((view) => [
  ...decisions(view, rows, () => NOW).flatMap(({ choices }) => choices),
  ...initiatives(view, rows),
]);
const stated = decisions(base as unknown as View, rows, () => NOW).filter(({ words }) => words === "countersign" || words === "drawFreeze");
const acts = [...new Set(offered.map(({ act }) => act))].sort();
console.log(JSON.stringify({ acts, stated: Object.fromEntries(stated.map(({ words, quote, stated }) => [words, { quote, stated }])) }));
