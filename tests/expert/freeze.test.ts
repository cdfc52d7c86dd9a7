/** What a device says of its seat's seal in the list. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compared } from "../../web/client/src/pages/expert/freeze.ts";

test("a device without a copy raises no alarm, and confirms nothing", () => {
  assert.equal(compared(null, "a"), "copyless");
});

test("what was signed and is not listed as it is, is an alarm", () => {
  assert.equal(compared("a", "a"), "same");
  assert.equal(compared("a", "b"), "other");
  assert.equal(compared("a", null), "other");
  assert.equal(compared(null, null), "other");
});
