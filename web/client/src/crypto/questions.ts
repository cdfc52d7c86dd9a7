/**
 * What the record holds about a question to a bidder: its words, the page that it is about, and the answer, whose
 * signature is checked here, under this seat's own pins and not on the server's word.
 */

import { type Act, parseJwk, verifyAct } from "./act.ts";
import { members } from "./canonical.ts";
import { sameProceeding } from "./continuation.ts";
import type { Entry } from "./entry.ts";
import { Malformed, RecordUntrusted, Untrusted } from "./errors.ts";
import type { Record } from "./record.ts";

/** A question as the view names it: entries by their index. */
export interface Named {
  readonly id: string;
  readonly n: number;
  readonly bidder: string;
  readonly vouched: number | null;
  readonly closed: "answered" | "refused" | "lapsed" | null;
  readonly ended: number | null;
}

export interface Words {
  readonly text: string;
  readonly document: string;
  readonly page: number;
  /** Of a price that the order of the law corrects: what the bidder was asked to confirm. */
  readonly price?: string;
}

export interface Told {
  /** What was asked; null where the committee's motion holds it. */
  readonly asked: Words | null;
  /** The bidder's answer, or the supervisor's reason. */
  readonly text: string | null;
  /** Of an answer to a correction: the price that the bidder confirms, or null; undefined where none was asked for. */
  readonly price?: string | null;
  readonly at: string | null;
  /** Of an answer: the main centre named the bidder's key, and that key signed these words. */
  readonly signed: boolean | null;
}

type Shown = Pick<Record, "entry" | "pins">;

export async function readQuestion(record: Shown, question: Named): Promise<Told> {
  const first = await entryOf(record, question.n);
  const asked = first.act?.act === "clarification.ask" ? wordsOf(first.act) : null;
  if (question.ended === null) return { asked, text: null, at: null, signed: null };
  const last = await entryOf(record, question.ended);
  const body = last.act?.body ?? {};
  const text = question.closed === "answered" ? body["text"] : body["reason"];
  const price = body["price"];
  return {
    asked,
    text: typeof text === "string" ? text : null,
    ...(typeof price === "string" || price === null ? { price } : {}),
    at: last.at,
    signed: question.closed === "answered" ? await isSigned(record, question, last) : null,
  };
}

async function entryOf(record: Shown, n: number): Promise<Entry> {
  const found = await record.entry(n);
  if (found === null) throw new RecordUntrusted(`entry ${n} is named, and not shown`);
  return found;
}

function wordsOf({ body }: Act): Words {
  const form = { bidder: "string", kind: "string", text: "string", document: "string", page: "integer" } as const;
  return members(body, form, { price: "string" } as const);
}

async function isSigned(record: Shown, question: Named, answer: Entry): Promise<boolean> {
  try {
    if (answer.act === null) return false;
    await verifyAnswer(record, question, answer.act, answer.origin);
    return true;
  } catch (error) {
    if (error instanceof Untrusted || error instanceof Malformed) return false;
    throw error;
  }
}

/**
 * Return where the answer is the bidder's own, in the log `origin` or to be handed in there; else Untrusted:
 * (1) the main centre, which this seat pinned, named a key for this question;
 * (2) the act answers this question, in this log, for this bidder;
 * (3) it is signed by that key.
 */
export async function verifyAnswer(record: Shown, question: Named, act: Act, origin: string): Promise<void> {
  // (1)
  const { trust } = record.pins;
  const centre = trust.identities.get(trust.main);
  const vouch = question.vouched === null ? null : (await entryOf(record, question.vouched)).act;
  if (vouch?.act !== "bidder.vouch" || vouch.sub !== trust.main || !sameProceeding(vouch.aud, origin) || !centre) {
    throw new Untrusted("the main centre named no key for this question");
  }
  if (vouch.body["question"] !== question.id) throw new Untrusted("the key was named for another question");
  await verifyAct(vouch, centre);
  // (2)
  if (act.act !== "clarification.answer" || act.sub !== question.bidder || !sameProceeding(act.aud, origin)) {
    throw new Untrusted("not an answer of this bidder in this log");
  }
  if (act.body["question"] !== question.id) throw new Untrusted("the answer to another question");
  // (3)
  await verifyAct(act, parseJwk(vouch.body["jwk"]));
}
