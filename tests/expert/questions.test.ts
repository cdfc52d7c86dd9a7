/** The signature under a bidder's answer, in the client's own code under Node: what holds, and everything that does not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Act, jwkOf, makeAct, NO_ACT, NOTHING_SEEN, newKey } from "../../web/client/src/crypto/act.ts";
import { b64u } from "../../web/client/src/crypto/bytes.ts";
import type { JsonObject } from "../../web/client/src/crypto/canonical.ts";
import type { Entry } from "../../web/client/src/crypto/entry.ts";
import { type Named, readQuestion } from "../../web/client/src/crypto/questions.ts";

const ORIGIN = "tongping/p/test";
const MAIN = "main.example";
const [centre, bidder, stranger] = [await newKey(), await newKey(), await newKey()];
const entry = (n: number, type: string, act: Act): Entry => ({
  data: new Uint8Array(), leaf: new Uint8Array(32), n, origin: ORIGIN, at: "2026-11-22T00:00:00.000Z", type, v: 1, body: {}, act,
});
const sign = (key: CryptoKeyPair, act: string, sub: string, body: JsonObject, aud = ORIGIN): Promise<Act> =>
  makeAct(key, { act, aud, sub, body, ctr: 1, iat: 1, prev: NO_ACT, seen: NOTHING_SEEN });

const asked = await sign(centre, "clarification.ask", "seat-1", { bidder: "bidder-1", kind: "unclear", text: "工期？", document: "d", page: 2 });
const id = b64u(asked.id);
const named: Named = { id, n: 0, bidder: "bidder-1", vouched: 1, closed: "answered", ended: 2 };

async function signed(change: { vouch?: Act; answer?: Act; question?: Partial<Named>; main?: CryptoKeyPair } = {}): Promise<boolean | null> {
  const jwk = { ...(await jwkOf(bidder.publicKey)) };
  const vouch = change.vouch ?? (await sign(centre, "bidder.vouch", MAIN, { question: id, jwk }));
  const answer = change.answer ?? (await sign(bidder, "clarification.answer", "bidder-1", { question: id, text: "日历天" }));
  const log = [entry(0, "ClarificationAsked", asked), entry(1, "BidderVouched", vouch), entry(2, "ClarificationAnswered", answer)];
  const trust = { main: MAIN, identities: new Map([[MAIN, await jwkOf((change.main ?? centre).publicKey)]]) };
  const record = { entry: async (n: number) => log[n] ?? null, pins: { trust } };
  const told = await readQuestion(record as never, { ...named, ...change.question });
  assert.deepEqual(told.asked && { text: told.asked.text, page: told.asked.page }, { text: "工期？", page: 2 });
  return told.signed;
}

test("the bidder's own answer holds", async () => {
  assert.equal(await signed(), true);
});

test("an open question has no signature, and one that was refused has its reason", async () => {
  assert.equal(await signed({ question: { closed: null, ended: null } }), null);
  const refusal = await sign(centre, "clarification.refuse", "supervisor-1", { question: id, reason: "诱导性提问" });
  assert.equal(await signed({ answer: refusal, question: { closed: "refused" } }), null);
});

test("a corrected price stands with the question, and with the answer that confirms it, or not", async () => {
  const about = { bidder: "bidder-1", kind: "price-correction", text: "请确认", document: "d", page: 2, price: "90.00" };
  const ask = await sign(centre, "clarification.ask", "seat-1", about);
  for (const price of ["90.00", null]) {
    const answer = await sign(bidder, "clarification.answer", "bidder-1", { question: b64u(ask.id), text: "知悉", price });
    const log = [entry(0, "ClarificationAsked", ask), entry(1, "ClarificationAnswered", answer)];
    const record = { entry: async (n: number) => log[n] ?? null, pins: { trust: { main: MAIN, identities: new Map() } } };
    const told = await readQuestion(record as never, { ...named, id: b64u(ask.id), ended: 1 });
    assert.equal(told.asked?.price, "90.00");
    assert.equal(told.price, price);
  }
});

test("another's words do not hold", async () => {
  const jwk = { ...(await jwkOf(bidder.publicKey)) };
  const words = { question: id, text: "另一份答复" };
  assert.equal(await signed({ answer: await sign(stranger, "clarification.answer", "bidder-1", words) }), false);
  assert.equal(await signed({ answer: await sign(bidder, "clarification.answer", "bidder-2", words) }), false);
  assert.equal(await signed({ answer: await sign(bidder, "clarification.answer", "bidder-1", { ...words, question: b64u(new Uint8Array(32)) }) }), false);
  assert.equal(await signed({ answer: await sign(bidder, "clarification.answer", "bidder-1", words, "tongping/p/other") }), false);
  const good = await sign(bidder, "clarification.answer", "bidder-1", words);
  const altered = { ...good, jws: (await sign(bidder, "clarification.answer", "bidder-1", { ...words, text: "被改动" })).jws.replace(/[^.]*$/, good.jws.split(".")[2] ?? "") };
  assert.equal(await signed({ answer: altered }), false);
  assert.equal(await signed({ answer: good }), true);
  assert.equal(await signed({ vouch: await sign(stranger, "bidder.vouch", MAIN, { question: id, jwk }) }), false);
  assert.equal(await signed({ vouch: await sign(centre, "bidder.vouch", MAIN, { question: b64u(new Uint8Array(32)), jwk }) }), false);
  assert.equal(await signed({ vouch: await sign(centre, "bidder.vouch", MAIN, { question: id, jwk: "x" }) }), false);
  assert.equal(await signed({ main: stranger }), false);
  assert.equal(await signed({ question: { vouched: null } }), false);
});
