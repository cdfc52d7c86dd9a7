/** (V2) Where a log began: its opening in the pinned and witnessed centre log (protocols.md sections 2 and 8). */

import { verifyAct } from "./act.ts";
import { type Bytes, unb64u } from "./bytes.ts";
import { members } from "./canonical.ts";
import { parseEntry } from "./entry.ts";
import { Untrusted } from "./errors.ts";
import { ED25519, parseKey, type VerifierKey } from "./note.ts";
import { checkProof, parseProof } from "./proof.ts";
import type { Pins } from "./trust.ts";

/** The `ProceedingOpened` entry of the centre log and its tlog-proof. */
export type Opening = readonly [entry: Bytes, proof: Bytes];

/** How much of an earlier log a log goes on from (docs/protocol.md 11.2). */
export interface Prefix {
  readonly origin: string;
  readonly size: number;
  readonly root: Bytes;
  /** The largest tree of the earlier log that anybody cosigned: what lies between is missing. */
  readonly witnessed: number;
}

/** A log as the centre log opened it. */
export interface Opened {
  readonly key: VerifierKey;
  readonly continues: Prefix | null;
  /** Where the opening stands in the centre log. */
  readonly index: number;
  readonly leaf: Bytes;
}

/** The opening of the log `origin`. It may come from anywhere, since it is checked. */
export async function readOpening([data, octets]: Opening, pins: Pins, origin: string): Promise<Opened> {
  const [entry, proof] = [parseEntry(data), parseProof(octets)];
  const checkpoint = checkProof(proof, entry.leaf, pins.policy, pins.policy.log);
  const { act } = entry;
  const centre = pins.policy.log.name;
  if (entry.origin !== centre || checkpoint.origin !== centre || entry.n !== proof.index || entry.type !== "ProceedingOpened") {
    throw new Untrusted("not the centre log's entry at that index");
  }
  if (act === null || act.act !== "proceeding.open" || act.aud !== entry.origin || act.body["origin"] !== origin) {
    throw new Untrusted("the opening is another proceeding's");
  }
  const identity = pins.trust.identities.get(pins.trust.main);
  if (identity === undefined) throw new Untrusted("the main centre has no identity");
  await verifyAct(act, identity);
  const key = parseKey(act.body["vkey"]);
  if (key.name !== origin || key.type !== ED25519) throw new Untrusted("the log's key is another log's");
  const { continues } = act.body;
  return { key, continues: continues === undefined ? null : readPrefix(continues), index: entry.n, leaf: entry.leaf };
}

/** `continues` of an opening, and of the entry that goes on from there. */
export function readPrefix(value: unknown): Prefix {
  const { root, ...said } = members(value, { origin: "string", size: "integer", root: "string", witnessed: "integer" });
  return { ...said, root: unb64u(root, 32) };
}
