/** Whom a verifier trusts: a C2SP tlog-policy with one flat quorum, and the pinned centre log. */

import { b64, type Bytes, decimal, same, text, utf8 } from "./bytes.ts";
import { Malformed, NoQuorum, Untrusted } from "./errors.ts";
import {
  type Checkpoint,
  COSIGNATURE_V1,
  ED25519,
  lineText,
  type Note,
  parseKey,
  readCheckpoint,
  type VerifierKey,
  verifyNote,
} from "./note.ts";

/** `quorum` of `witnesses` must have cosigned; `log` is the pinned centre log. A proceeding's log key is not pinned
 * here: it comes from `ProceedingOpened` in the centre log (protocols.md 2). */
export interface Policy {
  readonly log: VerifierKey;
  readonly witnesses: readonly VerifierKey[];
  readonly quorum: number;
}

/** Read `log <vkey>`, `witness <alias> <vkey>`, `group <name> <k> <aliases>`, `quorum <name>`. */
export function parsePolicy(value: string): Policy {
  let log: VerifierKey | null = null;
  let chosen: string | null = null;
  const witnesses = new Map<string, VerifierKey>();
  const groups = new Map<string, readonly [number, readonly string[]]>();
  for (const raw of value.split(/\r\n|[\n\r\v\f]/)) {
    const [verb, first, second, ...rest] = words(raw);
    if (verb === undefined) continue;
    if (verb === "log" && first && !second && log === null) log = parseKey(first);
    else if (verb === "witness" && first && second && rest.length === 0 && !witnesses.has(first)) {
      witnesses.set(first, parseKey(second));
    } else if (verb === "group" && first && second && !groups.has(first)) groups.set(first, [decimal(second), rest]);
    else if (verb === "quorum" && first && !second && chosen === null) chosen = first;
    else throw new Malformed(`policy line not understood: ${raw.slice(0, 80)}`);
  }
  const group = chosen === null ? undefined : groups.get(chosen);
  if (log === null || log.type !== ED25519 || group === undefined) {
    throw new Malformed("a policy names one log, its witnesses, a group and the quorum");
  }
  const [quorum, aliases] = group;
  const keys = aliases.flatMap((alias) => witnesses.get(alias) ?? []);
  if (keys.length !== aliases.length || new Set(aliases).size !== aliases.length) {
    throw new Malformed("the quorum's group names unknown or repeated witnesses");
  }
  if (!(quorum >= 1 && quorum <= keys.length) || keys.some((key) => key.type !== COSIGNATURE_V1)) {
    throw new Malformed("the quorum cannot be met");
  }
  // One operator under two aliases would count twice, and a log never counts as its own witness.
  const publics = new Set([log, ...keys].map((key) => b64(key.public)));
  if (publics.size <= keys.length || new Set(keys.map((key) => key.name)).size < keys.length) {
    throw new Malformed("two of the policy's keys are one");
  }
  return { log, witnesses: keys, quorum };
}

const words = (line: string): string[] => (line.split("#", 1)[0] ?? "").split(/\s+/u).filter((word) => word !== "");

/** The checkpoint, if its log signed it, the quorum cosigned it, and the note is in its one form: so that a stored
 * note has no octet without a meaning. */
export function checkExactly(policy: Policy, data: Uint8Array, logKey: VerifierKey): Checkpoint {
  const { checkpoint, note } = readCheckpoint(data, logKey);
  const got = policy.witnesses.filter((key) => verifyNote(note, key) !== null).length;
  if (got < policy.quorum) {
    throw new NoQuorum(`${got} of ${policy.quorum} witnesses cosigned ${checkpoint.origin} at ${checkpoint.size}`);
  }
  if (!same(data, arranged(policy, note, logKey))) {
    throw new Untrusted("the note carries signatures that the policy does not name, twice, or out of order");
  }
  return checkpoint;
}

/** The log's line, then each witness's, as the policy orders them. */
function arranged(policy: Policy, note: Note, logKey: VerifierKey): Bytes {
  let lines = "";
  for (const key of [logKey, ...policy.witnesses]) {
    const mine = note.signatures.find((line) => line.name === key.name && same(line.keyId, key.id));
    if (mine !== undefined) lines += lineText(mine);
  }
  return utf8(`${text(note.text)}\n${lines}`);
}
