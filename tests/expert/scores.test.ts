/** Typed scores and the keys of the score table, under Node. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { View } from "../../web/client/src/live/view.ts";
import { isDue, place } from "../../web/client/src/pages/expert/stages.ts";
import { fault, moved, subtotal, tidy, total, written } from "../../web/client/src/pages/expert/scores.ts";

test("any usual way of writing a number becomes two places", () => {
  for (const [typed, points] of [
    ["12", "12.00"],
    ["12.", "12.00"],
    ["12.5", "12.50"],
    ["012.5", "12.50"],
    ["0", "0.00"],
    ["１２．５", "12.50"],
    ["12。5", "12.50"],
    ["12,5", "12.50"],
    [" 9 ", "9.00"],
    ["", ""],
    ["12.345", "12.345"],
    ["-1", "-1"],
    ["1e3", "1e3"],
    ["十二", "十二"],
  ] as const) {
    assert.equal(written(typed), points, typed);
  }
  assert.equal(tidy(" １ ２ "), "12");
});

test("blank, malformed and too much are told apart, and the maximum itself is right", () => {
  assert.equal(fault("", "10.00"), "blank");
  assert.equal(fault("abc", "10.00"), "malformed");
  assert.equal(fault("1.234", "10.00"), "malformed");
  assert.equal(fault("-1", "10.00"), "malformed");
  assert.equal(fault("10.01", "10.00"), "range");
  // However much was pasted: it is told, and none of it is cut.
  assert.equal(fault("1234567890123456", "10.00"), "range");
  assert.equal(fault("1.2345678901234567", "10.00"), "malformed");
  assert.equal(fault("0000000000000009.5", "10.00"), null);
  assert.equal(fault("10", "10.00"), null);
  assert.equal(fault("0", "10.00"), null);
  assert.equal(fault("9.99", "10.00"), null);
});

test("sums are exact where binary fractions are not", () => {
  assert.equal(total(["0.1", "0.2"]), "0.30");
  assert.equal(total(Array(100).fill("0.07")), "7.00");
  assert.equal(total(["1", ""]), null);
  assert.equal(subtotal(["1", "", "x", "2.5"]), "3.50");
  assert.equal(subtotal([]), "0.00");
});

test("Enter goes down and then to the next column; arrows stop at the edges; left and right only at the text's ends", () => {
  const go = (key: string, row: number, column: number, start = true, end = true) => moved(key, { row, column }, 3, 2, start, end);
  assert.deepEqual(go("Enter", 0, 0), { row: 1, column: 0 });
  assert.deepEqual(go("Enter", 2, 0), { row: 0, column: 1 });
  assert.equal(go("Enter", 2, 1), null);
  assert.equal(go("ArrowDown", 2, 0), null);
  assert.equal(go("ArrowUp", 0, 0), null);
  assert.deepEqual(go("ArrowUp", 1, 1), { row: 0, column: 1 });
  assert.deepEqual(go("ArrowRight", 1, 0), { row: 1, column: 1 });
  assert.equal(go("ArrowRight", 1, 0, true, false), null);
  assert.equal(go("ArrowLeft", 1, 1, false, true), null);
  assert.deepEqual(go("ArrowLeft", 1, 1), { row: 1, column: 0 });
  assert.equal(go("Tab", 1, 0), null);
  assert.equal(go("5", 1, 0), null);
});

test("a pause takes nothing off the screen that was begun, and what is done stays done", () => {
  const round = { purpose: "sheet", required: ["seat-1"], frozen: false, mine: null, rejected: [] };
  const view = { todo: [], gate: "paused", stage: "detailed-review", me: { seat: "seat-1" }, round } as unknown as View;
  assert.equal(isDue(view, "sheet.seal"), true);
  assert.equal(isDue({ ...view, gate: "open" }, "sheet.seal"), false);
  assert.equal(isDue({ ...view, gate: "open", todo: ["sheet.seal"] }, "sheet.seal"), true);
  assert.equal(isDue({ ...view, round: { ...round, mine: "x" } } as unknown as View, "sheet.seal"), false);
  assert.equal(isDue({ ...view, round: { ...round, frozen: true } } as unknown as View, "sheet.seal"), false);
  assert.equal(isDue(view, "ballot.seal"), false);
  assert.equal(isDue(null, "sheet.seal"), false);
});

test("the stage line knows where the seat is", () => {
  const at = (stage: string, committed: string[] = []) => place({ stage, committed, me: { seat: "seat-1" } } as unknown as View);
  assert.deepEqual(
    ["check-in", "declarations", "chair-election", "compliance-review", "detailed-review", "tally", "report", "signing", "done"].map((stage) => at(stage)),
    [0, 0, 2, 3, 4, 5, 6, 7, 8],
  );
  assert.equal(at("declarations", ["seat-1"]), 1);
});
