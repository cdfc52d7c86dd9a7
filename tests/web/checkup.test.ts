import { deepEqual, equal } from "node:assert/strict";
import test from "node:test";
import { judgeClock, judgeLine, judgePicture, judgeVoice } from "../../web/client/src/call/checkup.ts";

const line = (found: object) => judgeLine({ rtt: 20, lossUp: 0, lossBoth: 0, rate: 900, pictures: 50, ...found });

test("a camera behind its cap is dark, a lit one is good", () => {
  deepEqual(judgePicture(0, 1280, 720), { verdict: "warn", code: "dark" });
  deepEqual(judgePicture(23.9, 1280, 720), { verdict: "warn", code: "dark" });
  equal(judgePicture(24, 1280, 720).verdict, "good");
});

test("a microphone that gives nothing, or the noise of an empty room, is silent", () => {
  deepEqual(judgeVoice(-100), { verdict: "warn", code: "silent" });
  deepEqual(judgeVoice(-60), { verdict: "warn", code: "silent" });
  equal(judgeVoice(-30).verdict, "good");
});

test("a line that loses packets is told apart from a slow one", () => {
  equal(line({}).verdict, "good");
  deepEqual([line({ lossBoth: 2 }), line({ lossBoth: 10 })].map(({ verdict, code }) => [verdict, code]), [["warn", "lossy"], ["bad", "lossy"]]);
  deepEqual([line({ rtt: 300 })].map(({ verdict, code }) => [verdict, code]), [["warn", "slow"]]);
});

test("a clock that was not compared with the server's does not pass", () => {
  deepEqual(judgeClock(null), { verdict: "warn", code: "unmeasured" });
  equal(judgeClock(-4400).verdict, "good");
  deepEqual([judgeClock(90_000).code, judgeClock(-600_000).code], ["seconds", "minutes"]);
});
