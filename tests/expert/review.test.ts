/** What a member finds in the review: what is missing is told, nothing is cut off, and the vote has the pack's form. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { finding, MOST_REASON, row, wrongs } from "../../web/client/src/pages/expert/review.ts";
import { length } from "../../web/client/src/parts/length.ts";

const papers = [{ hash: "h", name: "投标文件", pages: 3 }];
const fail = finding({ result: "fail", reason: " 未盖章 ", ground: "not-qualified", document: "h", page: "3" });
const wrong = (change: object, cited = papers, evidenced = true) => wrongs({ ...fail, ...change }, cited, evidenced).map(([field]) => field);

test("a fail names ground, words, document and page", () => {
  assert.deepEqual(wrong({}), []);
  assert.deepEqual(wrong({ reason: " ", ground: "", document: "" }), ["reason", "ground", "document"]);
  for (const page of ["", "0", "4", "1.5", "-1", "一"]) assert.deepEqual(wrong({ page }), ["page"], page);
  assert.deepEqual(wrongs(finding(), papers, true), [["pass", "missing"]]);
  assert.deepEqual(wrongs(finding({ result: "pass" }), papers, true), []);
});

test("a long reason is said to be too long; characters are counted as people count them", () => {
  assert.equal(length("𠮷".repeat(MOST_REASON)), MOST_REASON);
  assert.deepEqual(wrong({ reason: "𠮷".repeat(MOST_REASON) }), []);
  assert.deepEqual(wrong({ reason: "缺".repeat(MOST_REASON + 1) }), ["reason"]);
});

test("the row is the one that the rule pack wants", () => {
  assert.deepEqual(row("b", "i", finding({ result: "pass", reason: "x", ground: "y" }), papers, true), ["b", "i", "pass", null]);
  assert.deepEqual(row("b", "i", fail, papers, true), ["b", "i", "fail", "未盖章", "not-qualified", "h", 3]);
  assert.deepEqual(row("b", "i", fail, [], true), ["b", "i", "fail", "未盖章", "not-qualified", null, null]);
  assert.deepEqual(row("b", "i", fail, papers, false), ["b", "i", "fail", "未盖章"]);
  assert.deepEqual(wrong({ ground: "", document: "", page: "" }, papers, false), []);
});

test("a draft of an earlier release is read with what it lacks left blank", () => {
  assert.deepEqual(finding({ result: "fail", reason: "x" }), { result: "fail", reason: "x", ground: "", document: "", page: "" });
});
