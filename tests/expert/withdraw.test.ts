/** When a member may withdraw after the declarations (实施条例 48): until the tally, once declared, and once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { View } from "../../web/client/src/live/view.ts";
import { mayWithdraw } from "../../web/client/src/pages/expert/stages.ts";

const view = (change: object): View => ({ stage: "detailed-review", gate: "open", declared: ["seat-1"], me: { seat: "seat-1", recused: false }, ...change }) as unknown as View;

test("from the chair's election to the tally, by who has declared and sits", () => {
  const stages = ["check-in", "declarations", "chair-election", "compliance-review", "detailed-review", "tally", "report", "signing", "done"];
  assert.deepEqual(stages.filter((stage) => mayWithdraw(view({ stage }))), ["chair-election", "compliance-review", "detailed-review", "tally"]);
  assert.equal(mayWithdraw(view({ gate: "paused" })), false);
  assert.equal(mayWithdraw(view({ declared: ["seat-2"] })), false);
  assert.equal(mayWithdraw(view({ me: { seat: "seat-1", recused: true } })), false);
  assert.equal(mayWithdraw(null), false);
});
