/** C2SP tlog-proof files: the receipt that is handed out for one entry. */

import { type Bytes, decimal, text, unb64 } from "./bytes.ts";
import { Malformed } from "./errors.ts";
import { verifyInclusion } from "./merkle.ts";
import type { Checkpoint, VerifierKey } from "./note.ts";
import { checkExactly, type Policy } from "./policy.ts";

const MAGIC = "c2sp.org/tlog-proof@v1";
const LINE_FEED = 0x0a;
/** 64 hashes and a note of at most 16 KiB stay far below this. */
const MAX_PROOF_OCTETS = 32_768;

/** Inclusion of leaf `index` in the tree of the cosigned checkpoint `note`. */
export interface Proof {
  readonly index: number;
  readonly hashes: readonly Bytes[];
  readonly note: Bytes;
}

/** Read a tlog-proof without an `extra` line. */
export function parseProof(data: Uint8Array): Proof {
  if (data.length > MAX_PROOF_OCTETS) throw new Malformed("the proof is too long");
  // The note keeps its own octets: whether they are text is for the note's reader to say.
  const end = data.findIndex((octet, i) => octet === LINE_FEED && data[i + 1] === LINE_FEED);
  const [magic, index, ...hashes] = text(data.slice(0, Math.max(end, 0))).split("\n");
  if (end < 0 || magic !== MAGIC || !index?.startsWith("index ")) throw new Malformed("not a tlog-proof");
  return {
    index: decimal(index.slice("index ".length)),
    hashes: hashes.map((line) => unb64(line, 32)),
    note: new Uint8Array(data.slice(end + 2)),
  };
}

/** The entry with this leaf hash stands at `index` of a tree that the quorum cosigned. */
export function checkProof(proof: Proof, leaf: Bytes, policy: Policy, logKey: VerifierKey): Checkpoint {
  const checkpoint = checkExactly(policy, proof.note, logKey);
  verifyInclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root);
  return checkpoint;
}
