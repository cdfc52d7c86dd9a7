import { deepEqual, equal, rejects } from "node:assert/strict";
import test from "node:test";
import { over } from "../../web/client/src/parts/length.ts";
import { upload } from "../../web/client/src/api/upload.ts";

/** The platform's request, as far as an upload uses it. */
class Sent extends EventTarget {
  static all: Sent[] = [];
  upload = new EventTarget();
  status = 201;
  response = { sha256: "digest", size: 1, pages: 1, notes: [] };
  aborted = false;
  open(): void {}
  setRequestHeader(): void {}
  send(): void {
    Sent.all.push(this);
  }
  abort(): void {
    this.aborted = true;
    this.dispatchEvent(new Event("abort"));
  }
}
Object.assign(globalThis, { XMLHttpRequest: Sent });
const file = new Blob(["%PDF-"]);
const given = { code: "given-up" };

test("what was given up before its turn is not sent at all", async () => {
  const stop = new AbortController();
  stop.abort();
  await rejects(upload(file, () => undefined, stop.signal), given);
  equal(Sent.all.length, 0);
});

test("what is given up on its way is broken off; what is not comes in", async () => {
  const stop = new AbortController();
  const going = rejects(upload(file, () => undefined, stop.signal), given);
  stop.abort();
  await going;
  equal(Sent.all.pop()?.aborted, true);
  const coming = upload(file, () => undefined, new AbortController().signal);
  Sent.all.pop()?.dispatchEvent(new Event("load"));
  equal((await coming).sha256, "digest");
});

test("a text is counted in characters, as the server counts it, without the space around it", () => {
  deepEqual([over("𠮷".repeat(500), 500), over(`${"长".repeat(503)} \n`, 500), over("", 500)], [0, 3, 0]);
});
