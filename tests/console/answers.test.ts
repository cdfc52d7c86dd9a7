/** A bidder's answer as the console looks at it before it is handed in, under Node: what fits, and each thing that does not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Act, jwkOf, makeAct, NO_ACT, NOTHING_SEEN, newKey } from "../../web/client/src/crypto/act.ts";
import { b64u } from "../../web/client/src/crypto/bytes.ts";
import { encode, type JsonObject } from "../../web/client/src/crypto/canonical.ts";
import { letOut, MAX_ANSWER, questionFile, readAnswer, wordsOf } from "../../web/client/src/pages/operator/answers.ts";

const ORIGIN = "main.example/proceedings/p";
const MAIN = "main.example";
const NOW = Date.parse("2026-11-22T02:00:00Z");
const [centre, bidder, stranger] = [await newKey(), await newKey(), await newKey()];
const jwk = await jwkOf(bidder.publicKey);
const sign = (key: CryptoKeyPair, act: string, sub: string, body: JsonObject, aud = ORIGIN): Promise<Act> =>
  makeAct(key, { act, aud, sub, body, ctr: 1, iat: 1, prev: NO_ACT, seen: NOTHING_SEEN });
const words = { bidder: "bidder-1", kind: "unclear", text: "工期？", document: "d", page: 2 };
const asked = await sign(centre, "clarification.ask", "seat-1", words);
const id = b64u(asked.id);
const vouch = await sign(centre, "bidder.vouch", MAIN, { question: id, jwk: { ...jwk } });
const said = { question: id, text: "日历天" };
const answer = await sign(bidder, "clarification.answer", "bidder-1", said);
const log = [asked, vouch, answer].map((act, n) => ({ n, origin: ORIGIN, at: "", act }));
const trust = { main: MAIN, identities: new Map([[MAIN, await jwkOf(centre.publicKey)]]) };
const record = { entry: async (n: number) => log[n] ?? null, pins: { trust } };
const open = { id, n: 0, bidder: "bidder-1", kind: "unclear", until: "2026-11-22T03:00:00.000Z", key: answer.kid, vouched: 1, closed: null, ended: null, price: null };

const shown = (question: object = {}, more: object = {}): never =>
  ({
    origin: ORIGIN,
    stage: "compliance-review",
    gate: "open",
    me: { venue: "venue-1" },
    venues: { "venue-1": { kind: "main" }, "venue-2": { kind: "secondary" } },
    steps: { questions: [{ ...open, ...question }], motions: [] },
    ...more,
  }) as never;
const filed = (act: Act, ...disclosures: string[]): Uint8Array => encode({ act: act.jws, disclosures });
const read = (octets: Uint8Array, view = shown(), now = NOW) => readAnswer(octets, view, record as never, now);

async function code(octets: Uint8Array, view = shown(), now = NOW): Promise<string> {
  try {
    await read(octets, view, now);
  } catch (error) {
    return (error as { code: string }).code;
  }
  return "";
}

test("the bidder's own answer fits, to the very octets", async () => {
  const found = await read(filed(answer));
  assert.deepEqual([found.question.id, found.text, found.price, found.body], [id, "日历天", undefined, { act: answer.jws, disclosures: [] }]);
});

test("octets that are no answer", async () => {
  for (const octets of [new Uint8Array(), encode([]), encode({}), encode({ act: "x", disclosures: [] }), filed(answer, "x"), filed(asked)]) {
    assert.equal(await code(octets), "answer-malformed");
  }
  for (const body of [{ question: id }, { ...said, more: "x" }, { ...said, price: 1 }]) {
    assert.equal(await code(filed(await sign(bidder, "clarification.answer", "bidder-1", body))), "answer-malformed");
  }
  assert.equal(await code(new Uint8Array(MAX_ANSWER + 1)), "answer-large");
});

test("an answer of another proceeding, log, question or key", async () => {
  assert.equal(await code(filed(await sign(bidder, "clarification.answer", "bidder-1", said, `${ORIGIN}x`))), "answer-elsewhere");
  assert.equal(await code(filed(answer), shown({}, { log: `${ORIGIN}/r2` })), "answer-older-log");
  assert.equal(await code(filed(await sign(bidder, "clarification.answer", "bidder-1", { ...said, question: b64u(vouch.id) }))), "no-such-question");
  assert.equal(await code(filed(await sign(bidder, "clarification.answer", "bidder-2", said))), "answer-other-key");
  assert.equal(await code(filed(await sign(stranger, "clarification.answer", "bidder-1", said))), "answer-other-key");
  assert.equal(await code(filed(answer), shown({ key: null })), "answer-no-key");
  const other = await sign(bidder, "clarification.answer", "bidder-1", { ...said, text: "又及" });
  const changed = { ...answer, jws: answer.jws.replace(/[^.]*$/, other.jws.split(".")[2] ?? "") };
  assert.equal(await code(filed(changed)), "answer-unsigned");
  assert.equal(await code(filed(answer), shown({ vouched: 0 })), "answer-unsigned");
});

test("an answer at the wrong time, and one that was given", async () => {
  assert.equal(await code(filed(answer), shown({ until: null })), "question-not-approved");
  assert.equal(await code(filed(answer), shown(), Date.parse(open.until) + 1), "answer-late");
  for (const closed of ["lapsed", "refused"]) assert.equal(await code(filed(answer), shown({ closed, ended: 2 })), "question-closed");
  assert.equal(await code(filed(answer), shown({ closed: "answered", ended: 2 })), "answer-repeated");
  const other = await sign(bidder, "clarification.answer", "bidder-1", { ...said, text: "又及" });
  assert.equal(await code(filed(other), shown({ closed: "answered", ended: 2 })), "answer-given");
});

test("words and price are what the question asks for", async () => {
  const of = (body: JsonObject): Promise<Act> => sign(bidder, "clarification.answer", "bidder-1", { ...said, ...body });
  for (const text of [" \n ", "长".repeat(4001)]) assert.equal(await code(filed(await of({ text }))), "answer-text");
  assert.equal(await code(filed(await of({ text: "𠮷".repeat(4000) }))), "");
  const priced = shown({ kind: "price-correction", price: "90.00" });
  assert.equal(await code(filed(answer), priced), "answer-price");
  assert.equal(await code(filed(await of({ price: "91.00" })), priced), "answer-price");
  assert.equal(await code(filed(await of({ price: "90.00" }))), "answer-price");
  for (const price of ["90.00", null]) assert.equal((await read(filed(await of({ price })), priced)).price, price);
});

test("the main venue's operator carries what is out, while it can be answered", async () => {
  assert.deepEqual(letOut(shown()).map(({ bidder: whose }) => whose), ["bidder-1"]);
  assert.equal(letOut(shown({ closed: "answered" })).length, 1);
  assert.equal(letOut(shown({}, { gate: "paused" })).length, 1);
  for (const view of [shown({ until: null }), shown({}, { gate: "aborted" }), shown({}, { stage: "tally" }), shown({}, { me: { venue: "venue-2" } }), shown({}, { steps: null })]) {
    assert.equal(letOut(view).length, 0);
  }
});

test("the question's file has what the command needs, also where the committee voted", async () => {
  const plain = await wordsOf(record as never, shown(), open as never);
  const voted = await wordsOf(record as never, shown({}, { steps: { questions: [open], motions: [{ id, about: words }] } }), open as never);
  for (const each of [plain, voted]) {
    assert.ok(each);
    const file = JSON.parse(questionFile(shown({}, { log: `${ORIGIN}/r2` }), { ...open, price: "90.00" } as never, each)) as JsonObject;
    const { until, key } = open;
    assert.deepEqual(file, { v: 1, log: `${ORIGIN}/r2`, question: id, ...words, until, key, price: "90.00" });
  }
});
