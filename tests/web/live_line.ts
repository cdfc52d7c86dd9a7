/** The live line against a server that is made up here: order, resume, holes, silence, refusals. Run by test_live_line.py. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Problem } from "../../web/client/src/api/problem.ts";
import { Device } from "../../web/client/src/crypto/device.ts";
import { MemoryStore } from "../../web/client/src/crypto/memory.ts";
import { measured, serverClock } from "../../web/client/src/live/clock.ts";
import { Live, type Line } from "../../web/client/src/live/live.ts";
import type { Snapshot } from "../../web/client/src/live/messages.ts";
import type { View } from "../../web/client/src/live/view.ts";

class Server {
  lines: Made[] = [];
  ticket: () => Promise<string> = async () => "ticket";

  live(resume: number | null = null): Live {
    return new Live({
      proceeding: "p",
      resume,
      ticket: () => this.ticket(),
      connect: (url) => {
        const made = new Made(url);
        this.lines.push(made);
        return made;
      },
    });
  }

  get newest(): Made {
    const found = this.lines.at(-1);
    assert.ok(found);
    return found;
  }
}

class Made implements Line {
  readyState = 0;
  said: Record<string, unknown>[] = [];
  onopen: Line["onopen"] = null;
  onmessage: Line["onmessage"] = null;
  onclose: Line["onclose"] = null;
  url: string;

  constructor(url: string) {
    this.url = url;
  }

  send(text: string): void {
    this.said.push(JSON.parse(text));
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.({} as never);
  }

  tell(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  close(): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose?.({ code: 1006 });
  }
}

const snapshot = (size: number): Snapshot => ({
  type: "snapshot",
  size,
  view: { size } as View,
  checkpoint: null,
  media: { engine: null, rooms: {} },
});
const entry = (n: number): object => ({ type: "entry", n, leaf: "", entry: null, summary: null });

async function until(condition: () => boolean): Promise<void> {
  for (let n = 0; !condition(); n += 1) {
    assert.ok(n < 1000, "in vain");
    await pause(10);
  }
}

async function opened(server: Server, resume: number | null = null): Promise<{ live: Live; heard: number[] }> {
  const live = server.live(resume);
  const heard: number[] = [];
  live.on("entry", ({ n }) => heard.push(n));
  live.start();
  await until(() => server.lines.length === 1);
  server.newest.open();
  return { live, heard };
}

test("says hello with what it lacks, and hears entries in order once each", async () => {
  const server = new Server();
  const { live, heard } = await opened(server);
  assert.deepEqual(server.newest.said, [{ type: "hello", resume: null }]);
  server.newest.tell(snapshot(5));
  for (const n of [5, 6, 6, 5, 7]) server.newest.tell(entry(n));
  assert.deepEqual(heard, [5, 6, 7]);
  assert.equal(live.status.phase, "open");
  live.stop();
});

test("a hole closes the line, and the resume fills it", async () => {
  const server = new Server();
  const { live, heard } = await opened(server, 2);
  server.newest.tell(snapshot(5));
  server.newest.tell(entry(2));
  server.newest.tell(entry(4));
  assert.deepEqual(heard, [2]);
  assert.equal(live.status.phase, "waiting");
  assert.ok((live.status.retryAt ?? 0) > Date.now());
  await until(() => server.lines.length === 2);
  server.newest.open();
  assert.deepEqual(server.newest.said, [{ type: "hello", resume: 3 }]);
  server.newest.tell(snapshot(5));
  for (const n of [3, 4]) server.newest.tell(entry(n));
  assert.deepEqual(heard, [2, 3, 4]);
  live.stop();
});

test("a server that lost what this page has heard is asked for what it has", async () => {
  const server = new Server();
  const { live } = await opened(server, 7);
  server.newest.tell({ type: "error", code: "unknown-message" });
  server.newest.close();
  await until(() => server.lines.length === 2);
  server.newest.open();
  assert.deepEqual(server.newest.said, [{ type: "hello", resume: null }]);
  server.newest.tell(snapshot(4));
  assert.equal(live.next, 4);
  // Once the line is open, a refusal of something that was said changes nothing.
  server.newest.tell({ type: "error", code: "unknown-message" });
  server.newest.close();
  await until(() => server.lines.length === 3);
  server.newest.open();
  assert.deepEqual(server.newest.said, [{ type: "hello", resume: 4 }]);
  live.stop();
});

test("a cut line waits, and does not when somebody presses the button", async () => {
  const server = new Server();
  const { live } = await opened(server);
  server.newest.tell(snapshot(1));
  server.newest.close();
  assert.equal(live.status.phase, "waiting");
  live.retryNow();
  await until(() => server.lines.length === 2);
  assert.equal(live.send({ type: "ping" }), false);
  live.stop();
  assert.equal(live.status.phase, "ended");
});

test("a session that is over ends it with the server's code, a server that is away does not", async () => {
  const server = new Server();
  server.ticket = () => Promise.reject(new Problem(0, "offline"));
  const live = server.live();
  live.start();
  await until(() => live.status.phase === "waiting");
  server.ticket = () => Promise.reject(new Problem(401, "not-signed-in"));
  live.retryNow();
  await until(() => live.status.phase === "ended");
  assert.equal(live.status.code, "not-signed-in");
  assert.equal(server.lines.length, 0);
});

test("the clock's offset comes from the shortest round trip", async () => {
  const server = new Server();
  const { live } = await opened(server);
  server.newest.tell(snapshot(1));
  const now = Date.now();
  server.newest.tell({ type: "pong", t: now, now: now + 600_000 });
  assert.ok(Math.abs((live.status.offset ?? 0) - 600_000) < 100);
  server.newest.tell({ type: "pong", t: now - 5000, now: now + 600_000 });
  assert.ok(Math.abs((live.status.offset ?? 0) - 600_000) < 100, "a late answer says less");
  live.stop();
});

test("what shakes around the offset is averaged", async () => {
  const server = new Server();
  const { live } = await opened(server);
  server.newest.tell(snapshot(1));
  for (let n = 0; n < 64; n += 1) {
    server.newest.tell({ type: "pong", t: Date.now() - 20, now: Date.now() - 10 + 600_000 + (n % 2 ? 6 : -6) });
  }
  assert.ok(Math.abs((live.status.offset ?? 0) - 600_000) < 3);
  live.stop();
});

test("a clock that somebody sets is followed, and a measurement across the jump is none", async () => {
  const server = new Server();
  const { live } = await opened(server);
  server.newest.tell(snapshot(1));
  const pong = (ahead: number, sent: number): void => server.newest.tell({ type: "pong", t: Date.now() - sent, now: Date.now() + ahead });
  pong(0, 10);
  pong(0, -3_600_000);
  pong(0, 3_600_000);
  assert.ok(Math.abs(live.status.offset ?? Infinity) < 100, "set between ping and pong");
  // The line is slower than it was, and the clock is an hour ahead of the server's: both cannot be right.
  pong(-3_600_000, 500);
  assert.ok(Math.abs((live.status.offset ?? 0) + 3_600_000) < 1000);
  live.stop();
});

test("what a seat signs carries the server's clock, whatever this device's says", async () => {
  const ahead = 3_600_000;
  measured(-ahead);
  const seat = await Device.open(new MemoryStore(), "centre.example/proceedings/01J9", "seat-1", serverClock);
  const { iat } = await seat.sign("commitment.sign", {});
  measured(null);
  assert.ok(Math.abs(iat * 1000 - (Date.now() - ahead)) < 5000);
  assert.ok(Math.abs(serverClock() - (Date.now() - ahead)) < 100, "what was measured holds while the line is away");
});

test("what an old line still says is not heard", async () => {
  const server = new Server();
  const { live, heard } = await opened(server);
  const old = server.newest;
  old.tell(snapshot(1));
  old.close();
  old.tell(entry(1));
  assert.deepEqual(heard, []);
  live.stop();
});
