// The client's src/crypto under Node, for tests in Python: one JSON question per line, {"id","verb",…}, answered by
// {"id","answer"} or {"id","code","detail"} as soon as it is known.
import { createInterface } from "node:readline";
import type { Call } from "../../web/client/src/crypto/client.ts";
import { MemoryStore } from "../../web/client/src/crypto/memory.ts";
import { answered } from "./verbs.ts";

let store = new MemoryStore();

/** The browser's part: a cookie and an Origin. */
const call =
  (url: string, cookie: string): Call =>
  async ({ method, path, body, type }) => {
    const headers: Record<string, string> = { Origin: url, Cookie: cookie };
    if (type !== undefined) headers["Content-Type"] = type;
    const answer = await fetch(url + path, { method, headers, body: body ?? null });
    const octets = new Uint8Array(await answer.arrayBuffer());
    return { status: answer.status, type: answer.headers.get("Content-Type") ?? "", body: octets };
  };

const around = {
  call,
  async store(_origin: string, _sub: string, fresh: boolean) {
    if (fresh) store = new MemoryStore();
    return store.again();
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  void answered(asked, around).then((said) => {
    process.stdout.write(`${JSON.stringify({ id: asked.id, ...said })}\n`);
  });
}
// The seat would go on by itself: what it does in the background waits for a server that is gone.
process.exit(0);
