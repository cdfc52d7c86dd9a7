/**
 * Questions to bidders as the main venue's operator carries them (docs/protocol.md 2.6): the file that a bidder gets,
 * and the answer that it gives back, looked at before it is handed in. The rules decide; here stands what a person can
 * mend.
 */
import { codeOf } from "../../api/problem.ts";
import { type Act, parseAct } from "../../crypto/act.ts";
import { type Json, decodeObject, encode, type JsonObject, MAX_OCTETS, members } from "../../crypto/canonical.ts";
import { sameProceeding } from "../../crypto/continuation.ts";
import { readQuestion, verifyAnswer, type Words } from "../../crypto/questions.ts";
import type { Record as Log } from "../../crypto/record.ts";
import type { Steps, View } from "../../live/view.ts";

/** Twice an act, as the commands that read one take it: an answer's file holds one act and little around it. */
export const MAX_ANSWER = 2 * MAX_OCTETS;
// evaluation/core/clarification.py.
const MAX_TEXT = 4000;
const STAGES: readonly string[] = ["compliance-review", "detailed-review"];

export type Question = Steps["questions"][number];

/** `code` is a key of this area's problems. */
export class AnswerRefused extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.name = "AnswerRefused";
    this.code = code;
  }
}

export interface Answer {
  readonly question: Question;
  readonly act: Act;
  readonly text: string;
  /** To a corrected price: the price that the bidder confirms, or null; undefined where none was asked about. */
  readonly price?: string | null;
  /** What `POST …/acts` takes. */
  readonly body: { act: string; disclosures: string[] };
}

/** The questions that the supervisor let out, newest first, while their answers can be handed in or were. */
export function letOut(view: View): Question[] {
  const main = view.venues[view.me.venue ?? ""]?.kind === "main";
  const live = (view.gate === "open" || view.gate === "paused") && STAGES.includes(view.stage);
  return main && live ? (view.steps?.questions ?? []).filter(({ until }) => until !== null).reverse() : [];
}

/** What was asked; the committee's motion holds it where its vote put the question. */
export async function wordsOf(record: Log, view: View, question: Question): Promise<Words | null> {
  const motion = view.steps?.motions.find(({ id }) => id === question.id);
  if (motion) return motion.about as unknown as Words;
  return (await readQuestion(record, { ...question, closed: null, ended: null })).asked;
}

/** The log now: another one than the first where the first could not go on. */
const logOf = ({ log, origin }: View): string => log ?? origin;

/** The question as `tongping bidder answer` takes it. */
export function questionFile(view: View, question: Question, { text, document, page }: Words): string {
  const { id, bidder, kind, until, key, price } = question;
  const asked: JsonObject = { v: 1, log: logOf(view), question: id, bidder, kind, text, document, page, until, key };
  return new TextDecoder().decode(encode(price ? { ...asked, price } : asked));
}

/** The answer in a bidder's file, which answers a question of this proceeding that is open, in the bidder's own hand. */
export async function readAnswer(octets: Uint8Array, view: View, record: Log, now: number): Promise<Answer> {
  const { act, file } = parsed(octets);
  const { question: id, text, price } = said(act);
  if (!sameProceeding(act.aud, logOf(view))) throw new AnswerRefused("answer-elsewhere");
  if (act.aud !== logOf(view)) throw new AnswerRefused("answer-older-log");
  const question = view.steps?.questions.find((each) => each.id === id);
  if (!question) throw new AnswerRefused("no-such-question");
  if (question.closed === "answered") throw new AnswerRefused(await isIn(record, question, act) ? "answer-repeated" : "answer-given");
  if (question.closed) throw new AnswerRefused("question-closed");
  if (question.until === null) throw new AnswerRefused("question-not-approved");
  if (question.key === null) throw new AnswerRefused("answer-no-key");
  if (question.key !== act.kid || question.bidder !== act.sub) throw new AnswerRefused("answer-other-key");
  if (now > Date.parse(question.until)) throw new AnswerRefused("answer-late");
  if (text.trim() === "" || [...text].length > MAX_TEXT) throw new AnswerRefused("answer-text");
  const wanted = question.price ?? undefined;
  if ((price !== undefined) !== (wanted !== undefined) || (typeof price === "string" && price !== wanted)) throw new AnswerRefused("answer-price");
  try {
    await verifyAnswer(record, question, act, logOf(view));
  } catch (error) {
    throw codeOf(error) === "untrusted" || codeOf(error) === "malformed" ? new AnswerRefused("answer-unsigned") : error;
  }
  return { question, act, text, ...(price === undefined ? {} : { price }), body: file };
}

function parsed(octets: Uint8Array): { act: Act; file: Answer["body"] } {
  try {
    const found = members(decodeObject(octets, MAX_ANSWER), { act: "string", disclosures: "array" });
    if (found.disclosures.length > 0) throw new AnswerRefused("answer-malformed");
    return { act: parseAct(found.act), file: { act: found.act, disclosures: [] } };
  } catch {
    throw new AnswerRefused(octets.length > MAX_ANSWER ? "answer-large" : "answer-malformed");
  }
}

function said(act: Act): { question: string; text: string; price?: string | null } {
  if (act.act !== "clarification.answer") throw new AnswerRefused("answer-malformed");
  let body: { question: string; text: string; price?: Json };
  try {
    body = members(act.body, { question: "string", text: "string" }, { price: "any" });
  } catch {
    throw new AnswerRefused("answer-malformed");
  }
  const { question, text, price } = body;
  if (price !== undefined && price !== null && typeof price !== "string") throw new AnswerRefused("answer-malformed");
  return price === undefined ? { question, text } : { question, text, price };
}

/** Whether this very answer is the one that the record has. */
async function isIn(record: Log, question: Question, act: Act): Promise<boolean> {
  return question.ended !== null && (await record.entry(question.ended))?.act?.jws === act.jws;
}
