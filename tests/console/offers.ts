/** Every act that the operator's page offers by a form, over views in which each is possible: a JSON list. */
import type { View } from "../../web/client/src/live/view.ts";
import { initiatives } from "../../web/client/src/pages/operator/initiatives.ts";

const NOW = Date.parse("2026-11-22T02:00:00Z");
const seat = { role: "expert", venue: "venue-1", recused: false };
const base = {
  stage: "detailed-review",
  gate: "open",
  pauses: [],
  me: { seat: "operator-1", venue: "venue-1" },
  venues: { "venue-1": { centre: "a", kind: "main", lost: false }, "venue-2": { centre: "b", kind: "secondary", lost: false } },
  rooms: {},
  seats: { "seat-1": seat },
  rules: { recusal: { grounds: ["other-relation"], source: "" } },
  todo: [],
  awaited: [],
  steps: { questions: [{ id: "q", bidder: "bidder-1", until: "2026-11-22T03:00:00Z", key: null, closed: null }], back: null, failed: false },
};
const report = { document: "d", reopening: null };
const night = { opens: NOW / 1000, sealed: {}, opened: [] };
const secondary = { ...base, me: { seat: "operator-2", venue: "venue-2" } };
const of = (view: unknown, now = NOW): string[] => initiatives(view as View, now).map(({ act, label }) => `${act} ${label}`);

const offered = [
  ...of(base),
  ...of({ ...base, stage: "signing", report }),
  ...of({ ...base, gate: "paused", awaited: [["cause-operator", ["seat-1"]]] }),
  ...of({ ...base, gate: "paused", todo: ["area.seal"], night }),
];
const not = {
  secondary: of(secondary),
  early: of({ ...base, gate: "paused", night }, NOW - 1000),
  opened: of({ ...base, gate: "paused", night: { ...night, opened: ["venue-1"] } }),
  waits: of({ ...base, steps: { ...base.steps, back: ["b", "compliance-review"] } }),
  closed: of({ ...base, gate: "closed" }),
};
console.log(JSON.stringify({ offered: [...new Set(offered)].sort(), not }));
