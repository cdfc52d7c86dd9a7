/** A log that goes on as `/r2` (docs/protocol.md 11.2), in the client's own code under Node: what a seat takes, brings again, and refuses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { b64u, hex, text, unb64u } from "../../web/client/src/crypto/bytes.ts";
import { CryptoError, RecordForked } from "../../web/client/src/crypto/errors.ts";
import { continues, firstLog, judge } from "../../web/client/src/crypto/continuation.ts";
import { MemoryStore } from "../../web/client/src/crypto/memory.ts";
import { ORIGIN, Signer } from "./agreement.ts";
import { A, type Changes, problem, W, World } from "./continued.ts";

const R2 = `${ORIGIN}/r2`;

async function refused(doing: Promise<unknown>): Promise<CryptoError> {
  try {
    await doing;
  } catch (error) {
    if (error instanceof CryptoError) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: "it was taken" });
}

/** The error with which a seat stops; its journal says nothing of the new log then. */
async function stops(world: World): Promise<CryptoError> {
  const lines = (await world.store.lines()).length;
  const error = await refused(world.seat.record.advance());
  assert.equal(world.seat.device.origin, ORIGIN);
  assert.equal((await world.store.lines()).length, lines);
  return error;
}

test("a log's names", () => {
  assert.equal(firstLog(R2), ORIGIN);
  assert.equal(firstLog(ORIGIN), ORIGIN);
  assert.ok(continues(R2, ORIGIN) && continues(`${ORIGIN}/r10`, `${ORIGIN}/r9`));
  assert.ok(!continues(ORIGIN, R2) && !continues(R2, R2) && !continues(`${ORIGIN}x/r2`, ORIGIN));
});

test("several looks at once are of one history", async (t) => {
  const world = await World.make();
  // A disk takes longer than a memory: others look meanwhile.
  const { keep } = MemoryStore.prototype;
  t.mock.method(MemoryStore.prototype, "keep", async function (this: MemoryStore, name: string, data: Uint8Array<ArrayBuffer>) {
    await new Promise((done) => setTimeout(done, 5));
    return keep.call(this, name, data);
  });
  const { device, record } = world.seat;
  for (const more of [1, 2, 3]) {
    for (let n = 0; n < more; n += 1) world.agreement.log.append("Witnessed", {});
    await Promise.all([record.advance(), record.advance(), record.prove(A), record.advance()]);
    assert.deepEqual(device.seen, world.agreement.log.seen());
  }
});

test("what is gone comes again: byte for byte, in its order, with its proofs, one verdict each", async () => {
  const world = await World.make();
  const { device } = world.seat;
  const gone = device.answered.filter(({ index }) => index >= A).map(({ act }) => act);
  assert.deepEqual(gone.map(({ ctr }) => ctr), [2, 3, 4]);
  const log = await world.goOn({ said: { known: [world.row(A)] } });
  await world.seat.look();
  assert.equal(device.origin, R2);
  assert.deepEqual(device.offline.map(({ jws }) => jws), gone.map(({ jws }) => jws));
  assert.ok(gone.every((act) => device.wasLost(act)));
  assert.deepEqual(device.seen, log.seen());
  assert.equal(device.answered.length, 1);
  const entries = world.proofs.map((proof) => text(unb64u(proof["entry"])));
  assert.ok(gone.every(({ jws }) => entries.some((entry) => entry.includes(jws))));
  world.brought.length = 0;
  await world.sit();
  const after = world.seat.device;
  assert.deepEqual([after.origin, after.offline.length, after.ctr, after.seen], [R2, 3, 4, log.seen()]);
  world.refuses.set("page.show", "not-offline");
  const resumed = await world.seat.resume(1, gone.slice(0, 2).map(({ id }) => id));
  assert.deepEqual([resumed.act.aud, resumed.act.ctr, resumed.act.prev], [R2, 5, gone[2]!.id]);
  assert.deepEqual(resumed.act.body, { offline: gone.slice(0, 2).map(({ id }) => b64u(id)), ctr: 4, server_ctr: 1 });
  assert.deepEqual(world.brought.slice(1), gone.map(({ jws }) => jws));
  assert.deepEqual(after.verdicts.map(({ act, accepted, code }) => [hex(act.id), accepted, code]), gone.map(({ id }) => [hex(id), false, "not-offline"]));
  world.refuses.clear();
  const next = await world.seat.perform("page.show", { document: "d", page: 4 });
  assert.deepEqual([next.act.aud, next.act.ctr, next.act.prev], [R2, 6, resumed.act.id]);
});

test("the whole log is read in one row, and its entries say whose they are", async () => {
  const world = await World.make();
  await world.goOn();
  await world.seat.look();
  const read = await world.seat.record.proven();
  assert.deepEqual(read.map(({ n, origin }) => [n, origin]), [0, 1, 2, 3, A, A + 1].map((n) => [n, n < A ? ORIGIN : R2]));
  const { entry } = await world.seat.record.prove(2);
  assert.equal(entry.origin, ORIGIN);
});

test("an act that nobody answered when the log was lost is not given up", async () => {
  const world = await World.make();
  world.answers.push(problem(503, "entries-lost"));
  assert.equal((await refused(world.seat.perform("page.show", { document: "d", page: 9 }))).code, "server-silent");
  const { pending } = world.seat.device;
  assert.ok(pending);
  await world.goOn();
  // It goes where it was made for, and the seat learns that the log goes on.
  world.answers.push(problem(403, "wrong-log"));
  assert.equal((await refused(world.seat.resubmit())).code, "log-continued");
  assert.equal(world.seat.device.offline.at(-1)?.jws, pending.jws);
  assert.deepEqual(world.seat.device.offline.map(({ ctr }) => ctr), [2, 3, 4, 5]);
});

test("a person is not asked for what was not on the page", async () => {
  const world = await World.make();
  await world.goOn();
  world.brought.length = 0;
  assert.equal((await refused(world.seat.resume(1, []))).code, "log-continued");
  assert.deepEqual(world.brought, []);
});

test("what was proven waits for its turn", async () => {
  const world = await World.make();
  await world.goOn();
  await world.seat.look();
  world.answers.push(undefined as never);
  let waits = 0;
  const { device } = world.seat;
  const perform = world.seat.resume(1, [], () => (waits += 1));
  // The resume act is taken, and the first of the acts is too soon.
  world.answers.push(problem(409, "too-soon"));
  await perform;
  assert.deepEqual([waits, device.offline.length, device.verdicts.length], [1, 0, 3]);
});

test("a seat whose binding was lost takes a new key", async () => {
  const world = await World.make({ bound: A });
  await world.goOn();
  await world.seat.look();
  assert.equal(world.seat.device.unseated, R2);
  await world.sit();
  assert.equal(world.seat.device.unseated, R2);
});

test("entries that the server lost: what proves them is handed in, and nothing else happens", async () => {
  const world = await World.make();
  world.shown = await world.agreement.log.continued(A, ORIGIN);
  Object.assign(world.shown, { key: world.agreement.log.key });
  await world.seat.look();
  assert.equal(world.proofs.length, 3);
  assert.equal(world.seat.device.offline.length, 0);
});

test("nothing is taken before another centre confirmed it", async () => {
  const world = await World.make();
  await world.goOn({ confirmed: null });
  assert.equal((await stops(world)).code, "not-confirmed");
});

/** What a main server may try, and where it fails. The same without the lie is what the first test takes. */
const LIES: Record<string, readonly [(world: World) => Promise<Changes>, RegExp]> = {
  "the main centre confirms itself": [async ({ agreement }) => ({ confirmer: agreement.main }), /cannot confirm what it says itself/],
  "a stranger confirms": [async () => ({ confirmer: await Signer.make("stranger.example") }), /nobody of the agreement/],
  "a stranger signs with a city's name": [async ({ agreement }) => ({ confirmer: await Signer.make(agreement.cities[0]!.sub) }), /names another key/],
  "something else is confirmed": [async () => ({ confirmed: { continued: b64u(new Uint8Array(32)) } }), /something else was confirmed/],
  "a city opens the log": [async ({ agreement }) => ({ opener: agreement.cities[1]! }), /names another key/],
  "a city continues the log": [async ({ agreement }) => ({ by: agreement.cities[1]! }), /the main centre continues/],
  "too few witnesses": [async () => ({ witnesses: 2 }), /2 of 3 witnesses/],
  "the opening names another root": [async () => ({ opening: { root: b64u(new Uint8Array(32)) } }), /another prefix than the opening/],
  "both name another root": [
    async () => ({ opening: { root: b64u(new Uint8Array(32)) }, said: { continues: { origin: ORIGIN, size: A, root: b64u(new Uint8Array(32)), witnessed: W } } }),
    /does not begin with the prefix/,
  ],
  "the opening names another log": [async () => ({ opening: { origin: `${ORIGIN.slice(0, -1)}b` } }), /does not continue/],
  "the entry names another opening": [
    async ({ agreement }) => ({ said: { opening: { origin: agreement.centre.origin, index: 1, leaf: b64u(agreement.centre.entries[0]!.leaf) } } }),
    /names another opening/,
  ],
  "less was witnessed than this seat verified": [
    async () => less(W - 1),
    /verified 7 entries, and 6 were witnessed/,
  ],
  "less is missing than was witnessed": [async () => ({ said: { missing: [A, W - 1] } }), /what is missing lies between/],
  "the opening says that less was witnessed": [async () => ({ opening: { witnessed: W - 1 } }), /another prefix than the opening/],
  "another tree was witnessed": [async () => ({ said: { witnessed: { size: W, root: b64u(new Uint8Array(32)), note: b64u(new Uint8Array(32)) } } }), /another tree of 7 entries/],
  "a known leaf is not the acknowledged one": [async (world) => ({ said: { known: [world.row(A, { leaf: new Uint8Array(32) })] } }), /entry 4 is not the one/],
  "a known leaf without its proof": [async (world) => ({ said: { known: [world.row(A, { object: null })] } }), /not base64url/],
  "known leaves out of order": [async (world) => ({ said: { known: [world.row(A + 1), world.row(A)] } }), /known leaves ascend/],
  "a known leaf of what is not missing": [async (world) => ({ said: { known: [world.row(A - 1)] } }), /known leaves ascend/],
  "more than the form has": [async () => ({ said: { base: A } }), /unknown member/],
};
/** Everywhere the same smaller size. */
function less(size: number): Changes {
  const root = b64u(new Uint8Array(32));
  return { opening: { witnessed: size }, continues: { witnessed: size }, said: { witnessed: { size, root, note: root }, missing: [A, size] } };
}
for (const [what, [lie, why]] of Object.entries(LIES)) {
  test(`stop: ${what}`, async () => {
    const world = await World.make();
    await world.goOn(await lie(world));
    const { code, message } = await stops(world);
    assert.equal(code, "record-untrusted");
    assert.match(message, why);
  });
}

test("stop: an acknowledged act beyond what was witnessed, where the tree that proved it was never shown", () => {
  const answered = [{ act: null as never, index: W, leaf: new Uint8Array(32) }];
  const leaves = [new Uint8Array(32)];
  const found = { origin: R2, prefix: { origin: ORIGIN, size: 1, root: leaves[0]!, witnessed: W }, witnessed: leaves[0]!, known: new Map(), confirmed: "" };
  const of = (index: number) => judge(found, leaves, [1, leaves[0]!], answered.map((each) => ({ ...each, index })));
  assert.throws(() => of(W), /beyond what was witnessed/);
  of(W - 1);
});

test("stop: an altered prefix, with both checkpoints to show", async () => {
  const world = await World.make();
  const { log } = world.agreement;
  const mine = log.entries[2]!;
  const other = await log.continued(2, ORIGIN);
  other.append("Witnessed", {});
  log.entries[2] = other.entries[2]!;
  await world.goOn();
  log.entries[2] = mine;
  const error = await refused(world.seat.record.advance());
  assert.ok(error instanceof RecordForked);
  assert.equal(error.code, "record-untrusted");
  assert.match(String(error.evidence["verified"]), new RegExp(`^${ORIGIN}\n`));
  assert.match(String(error.evidence["shown"]), new RegExp(`^${R2}\n`));
  assert.equal(world.seat.device.origin, ORIGIN);
});

test("stop: a second /r2, once this seat went on in the first", async () => {
  const world = await World.make();
  await world.goOn();
  await world.seat.look();
  const { seen } = world.seat.device;
  await world.goOn();
  assert.equal((await refused(world.seat.record.advance())).code, "record-untrusted");
  await world.sit();
  const error = await refused(world.seat.record.advance());
  assert.ok(error instanceof RecordForked);
  assert.deepEqual(world.seat.device.seen, seen);
});

test("stop: back in the log that was lost", async () => {
  const world = await World.make();
  await world.goOn();
  await world.seat.look();
  world.shown = world.agreement.log;
  assert.equal((await refused(world.seat.record.advance())).code, "record-untrusted");
});

test("a continuation of the continuation", async () => {
  const world = await World.make();
  const second = await world.goOn();
  await world.seat.look();
  await world.seat.resume(1, []);
  const stands = second.entries.length;
  await world.seat.perform("page.show", { document: "d", page: 5 });
  const { agreement } = world;
  const third = await second.continued(stands, `${ORIGIN}/r3`);
  const size = second.entries.length;
  const continuesSecond = { origin: R2, size: stands, root: b64u(third.seen()[1]), witnessed: size };
  const opened = await agreement.open(third, { continues: continuesSecond });
  const said = {
    continues: continuesSecond,
    checkpoint: world.put(await second.note(stands)),
    witnessed: { size, root: b64u(second.seen(size)[1]), note: world.put(await second.note(size)) },
    missing: [stands, size],
    known: [],
    held: [],
    absent: [],
    opening: { origin: agreement.centre.origin, index: opened.n, leaf: b64u(opened.leaf) },
    reason: "again",
  };
  const first = third.append("LogContinued", {}, await agreement.main.act("log.continue", third.origin, said));
  third.append("ContinuationConfirmed", {}, await agreement.cities[0]!.act("log.confirm", third.origin, { continued: b64u(first.leaf) }));
  Object.assign(world, { shown: third, begins: first.n });
  await world.seat.look();
  assert.equal(world.seat.device.origin, `${ORIGIN}/r3`);
  assert.deepEqual(world.seat.device.offline.map(({ body }) => body["page"]), [5]);
  assert.deepEqual((await world.seat.record.proven()).length, third.entries.length);
});
