// What tests in Python may ask of the client's src/crypto, under Node (work.ts) and in a browser (page.ts). Octets are
// hex.
import { codeOf } from "../../web/client/src/api/problem.ts";
import * as acts from "../../web/client/src/crypto/act.ts";
import { b64u, type Bytes, hex, octets, unb64u } from "../../web/client/src/crypto/bytes.ts";
import { decode, decodeObject, encode } from "../../web/client/src/crypto/canonical.ts";
import { type Call, delay } from "../../web/client/src/crypto/client.ts";
import * as draws from "../../web/client/src/crypto/draw.ts";
import { parseEntry } from "../../web/client/src/crypto/entry.ts";
import * as envelopes from "../../web/client/src/crypto/envelope.ts";
import { verifyConsistency, verifyInclusion } from "../../web/client/src/crypto/merkle.ts";
import { parseCheckpoint, parseKey, parseNote, verifyNote } from "../../web/client/src/crypto/note.ts";
import * as plain from "../../web/client/src/crypto/plaintext.ts";
import { checkExactly, parsePolicy } from "../../web/client/src/crypto/policy.ts";
import { parseProof } from "../../web/client/src/crypto/proof.ts";
import type { Ranked } from "../../web/client/src/crypto/report.ts";
import { Seat } from "../../web/client/src/crypto/seat.ts";
import type { Store } from "../../web/client/src/crypto/store.ts";
import { parseFragment, parsePins } from "../../web/client/src/crypto/trust.ts";
import { checkedSheet } from "../../web/client/src/pages/expert/checking.ts";
import { signReport } from "../../web/client/src/pages/expert/signing.ts";

type Asked = { readonly [name: string]: any };

const bytes = (text: string): Bytes =>
  Uint8Array.from(text.match(/../g) ?? [], (pair: string) => Number.parseInt(pair, 16));
const scalar = (text: string): bigint => BigInt(`0x${text}`);
const place = ({ aud, seat, round, definition }: Asked): plain.Place => ({
  aud,
  seat,
  round,
  definition: bytes(definition),
});

/** What a parsed act or entry says, so that both languages can be held against each other. */
const told = (act: acts.Act) => ({
  ...act,
  id: hex(act.id),
  prev: hex(act.prev),
  seen: [act.seen[0], hex(act.seen[1])],
});

const FORMS: Record<string, (data: Bytes) => unknown> = {
  json: (data) => hex(encode(decode(data))),
  object: (data) => hex(encode(decodeObject(data))),
  act: (data) => told(acts.parseAct(new TextDecoder().decode(data))),
  entry: (data) => {
    const { leaf, n, origin, at, type, v, body, act } = parseEntry(data);
    return { leaf: hex(leaf), n, origin, at, type, v, body, act: act && told(act) };
  },
  note: (data) => {
    const note = parseNote(data);
    return { text: hex(note.text), signatures: note.signatures.map((s) => [s.name, hex(s.keyId), hex(s.blob)]) };
  },
  checkpoint: (data) => {
    const { origin, size, root } = parseCheckpoint(data);
    return { origin, size, root: hex(root) };
  },
  proof: (data) => {
    const { index, hashes, note } = parseProof(data);
    return { index, hashes: hashes.map(hex), note: hex(note) };
  },
  policy: (data) => {
    const { log, witnesses, quorum } = parsePolicy(new TextDecoder().decode(data));
    return { log: log.name, witnesses: witnesses.map((key) => key.name), quorum };
  },
  key: (data) => {
    const key = parseKey(new TextDecoder().decode(data));
    return { name: key.name, type: key.type, public: hex(key.public) };
  },
  b64u: (data) => hex(unb64u(new TextDecoder().decode(data))),
};

/** Where the verbs run: how a page calls its server, and where it keeps a seat; `fresh` is a new device. */
export interface Surroundings {
  call(url: string, cookie: string): Call;
  store(origin: string, sub: string, fresh: boolean): Promise<Store>;
}

let seat: Seat | null = null;
let ranked: Ranked | null = null;
const mine = (): Seat => {
  if (seat === null) throw new Error("no seat is open");
  return seat;
};

const done = (answered: { act: acts.Act; index: number; leaf: Bytes }) => ({
  id: hex(answered.act.id),
  ctr: answered.act.ctr,
  index: answered.index,
  leaf: hex(answered.leaf),
});

const VERBS: Record<string, (asked: Asked, around: Surroundings) => unknown> = {
  parse: ({ form, data }) => FORMS[form]?.(bytes(data)),
  verifyAct: async ({ jws, jwk }) => acts.verifyAct(acts.parseAct(jws), acts.parseJwk(jwk)),
  thumbprint: ({ jwk }) => acts.thumbprint(acts.parseJwk(jwk)),
  challenge: ({ name, act }) => b64u(acts.challenge(name, bytes(act))),
  actId: ({ signed }) => hex(acts.actId(signed)),
  makeAct: async ({ form }) => {
    const key = await acts.newKey();
    const [size, root] = form.seen;
    const made = await acts.makeAct(key, { ...form, prev: bytes(form.prev), seen: [size, bytes(root)] } as acts.ActForm);
    return { jws: made.jws, jwk: await acts.jwkOf(key.publicKey) };
  },
  inclusion: ({ leaf, index, size, proof, root }) =>
    verifyInclusion(bytes(leaf), index, size, proof.map(bytes), bytes(root)),
  consistency: ({ old, size, proof, oldRoot, root }) =>
    verifyConsistency(old, size, proof.map(bytes), bytes(oldRoot), bytes(root)),
  checkNote: ({ policy, note, key }) => {
    const { origin, size, root } = checkExactly(parsePolicy(policy), bytes(note), parseKey(key));
    return { origin, size, root: hex(root) };
  },
  noteTime: ({ note, key }) => String(verifyNote(parseNote(bytes(note)), parseKey(key))),
  pins: ({ policy, trust, digest }) => parsePins(policy, trust, bytes(digest)).trust.main,
  fragment: ({ fragment }) => {
    const { token, pins, node } = parseFragment(fragment);
    return { token, pins: pins && hex(pins), node };
  },
  deal: ({ coefficients, n }) => envelopes.deal(coefficients.map(scalar), n).map((y) => hex(octets(y, 32))),
  commitment: ({ scalar: s }) => hex(envelopes.commitment(scalar(s))),
  context: ({ context }) => {
    const whole = { ...context, subject: bytes(context.subject), holders: context.holders.map(bytes) };
    return { set: hex(envelopes.holderSet(whole.holders)), ctx: hex(envelopes.contextDigest(whole)) };
  },
  sheetCommitment: ({ plaintext }) => hex(envelopes.sheetCommitment(bytes(plaintext))),
  encrypt: async ({ ctx, secret, payload }) => {
    const { ct } = await envelopes.encrypt(bytes(ctx), bytes(secret), bytes(payload));
    return { key: hex(envelopes.payloadKey(bytes(ctx), bytes(secret))), ct: hex(ct) };
  },
  seal: async ({ context, payload }) => {
    const whole = { ...context, subject: bytes(context.subject), holders: context.holders.map(bytes) };
    const random = (n: number) => crypto.getRandomValues(new Uint8Array(n));
    const { envelope, ct, secret } = await envelopes.seal(whole, bytes(payload), random);
    return { envelope, ct: hex(ct), secret: hex(secret) };
  },
  draw: ({ freeze, secrets, label, m }) => {
    const found = draws.seedOf(bytes(freeze), secrets.map(bytes));
    return { seed: hex(found), order: draws.order(found, label, m) };
  },
  buildSheet: (asked) => hex(plain.buildSheet(place(asked["place"]), asked["scores"], asked["asked"], bytes(asked["salt"]))),
  parseSheet: (asked) => plain.parseSheet(bytes(asked["data"]), place(asked["place"]), asked["asked"]),
  buildBallot: (asked) => hex(plain.buildBallot(place(asked["place"]), asked["choice"], asked["choices"], bytes(asked["salt"]))),
  parseBallot: (asked) => plain.parseBallot(bytes(asked["data"]), place(asked["place"]), asked["choices"]),
  sum: ({ points }) => plain.sum(points),

  open: async ({ url, cookie, proceeding, origin, sub, policy, trust, digest, patience, fresh, node }, around) => {
    seat?.close();
    const pins = parsePins(policy, trust, bytes(digest));
    const store = await around.store(origin, sub, fresh);
    const call = around.call(url, cookie);
    const own = node ? { node: around.call(node, "") } : {};
    seat = await Seat.open({ call, store, pins, proceeding, origin, sub, patienceMs: patience, ...own });
    return { thumbprint: seat.device.thumbprint, jwk: seat.device.jwk };
  },
  confirmRanking: async () => {
    const { mine: own, stated, outcome } = await mine().confirmRanking();
    return { mine: own, stated, ranking: outcome.ranking };
  },
  proveReport: async ({ shown }) => {
    ranked = await mine().proveReport(shown);
    return { document: hex(ranked.frozen.document), candidates: ranked.outcome.ranking.candidates };
  },
  signReport: async () => {
    if (ranked === null) throw new Error("nothing was proven");
    return done(await signReport(mine(), ranked));
  },
  state: () => {
    const { pending, offline, answered, seen, ctr, origin, verdicts } = mine().device;
    return {
      origin,
      verdicts: verdicts.map(({ act, code }) => [hex(act.id), code]),
      pending: pending && hex(pending.id),
      offline: offline.map((act) => hex(act.id)),
      answered: answered.length,
      seen: [seen[0], hex(seen[1])],
      ctr,
    };
  },
  patience: ({ ms }) => {
    mine().client.patienceMs = ms;
  },
  bind: async () => done(await mine().bind()),
  perform: async ({ act, body }) => done(await mine().perform(act, body)),
  resubmit: async () => {
    const found = await mine().resubmit();
    return found && done(found);
  },
  gate: async () => {
    const gate = await mine().gate();
    return { domains: gate.domains, k: gate.k, definition: hex(gate.definition), holders: gate.holders.map(hex) };
  },
  asked: async ({ valid }) => plain.askedOf((await mine().gate()).scoring, valid),
  advance: async () => mine().record.advance(),
  sealBallot: async ({ choice, number, choices }) => {
    const steps: string[] = [];
    const sealed = await mine().sealBallot(choice, { number, choices, onStep: (step) => steps.push(step) });
    return { act: hex(sealed.act), index: sealed.index, acks: sealed.acks, steps, proven: sealed.receipt.index };
  },
  sealSheet: async ({ scores, number, asked }) => {
    const sealed = await mine().sealSheet(scores, { number, asked });
    return { act: hex(sealed.act), index: sealed.index, acks: sealed.acks };
  },
  openOwn: async ({ number }) => done(await mine().openOwn("sheet", number)),
  checkSheet: async ({ scores, number, asked }) => mine().checkSheet(scores, { number, asked }),
  checkedSheet: async ({ definition, number, valid, points }) => {
    const { asked, ...shown } = await checkedSheet(mine(), definition, { number, valid, of: (_bidder, criterion) => points[criterion] });
    return { ...shown, asked: asked.length };
  },
  kept: async ({ name }) => {
    const data = await mine().device.kept(name);
    return data && hex(data);
  },
  signOffline: async ({ act, body }) => hex((await mine().signOffline(act, body)).id),
  sealSheetOffline: async ({ scores, number, asked }) => hex((await mine().sealSheetOffline(scores, { number, asked })).id),
  left: async ({ least }) => {
    const { leaving } = mine();
    while (leaving !== null && leaving.answers.size < least) await delay(20);
    return Object.fromEntries(leaving?.answers ?? []);
  },
  look: async () => mine().look(),
  receipt: async ({ act }) => {
    for (;;) {
      const data = await mine().device.kept(`proof-${act}`);
      if (data !== null) return new TextDecoder().decode(data);
      await delay(20);
    }
  },
  handIn: async () => mine().handIn(),
  resume: async ({ ctr, confirmed }) => done(await mine().resume(ctr, confirmed.map(bytes))),
};

/** The answer, or the stable code of what went wrong. */
export async function answered(asked: Asked, around: Surroundings): Promise<object> {
  try {
    const verb = VERBS[asked["verb"]];
    if (verb === undefined) throw new Error(`no verb ${asked["verb"]}`);
    return { answer: (await verb(asked, around)) ?? null };
  } catch (error) {
    const code = codeOf(error);
    return { code, detail: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
