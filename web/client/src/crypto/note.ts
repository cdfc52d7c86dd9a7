/** C2SP signed notes, checkpoints and timestamped cosignatures (signed-note, tlog-checkpoint, tlog-cosignature v1). */

import { ed25519 } from "@noble/curves/ed25519.js";
import { b64, type Bytes, concat, decimal, hex, integer, same, text, unb64, utf8 } from "./bytes.ts";
import { sha256 } from "./canonical.ts";
import { Malformed, Untrusted } from "./errors.ts";

export const ED25519 = 0x01;
export const COSIGNATURE_V1 = 0x04;
/** A checkpoint with nine witnesses stays under 2 kB; more is not ours (C2SP leaves the limit to readers). */
const MAX_NOTE = 16_384;
const MAX_SIGNATURES = 64;

/** A vkey: `<name>+<hex key id>+<base64(type || public key)>`. */
export interface VerifierKey {
  readonly name: string;
  readonly type: number;
  readonly public: Bytes;
  /** The four octets that head each of the key's signatures. */
  readonly id: Bytes;
}

/** One line of a note: `blob` follows the key id. */
interface SignatureLine {
  readonly name: string;
  readonly keyId: Bytes;
  readonly blob: Bytes;
}

/** A signed note; `text` ends with a line feed. */
export interface Note {
  readonly text: Bytes;
  readonly signatures: readonly SignatureLine[];
}

/** A tree head. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Bytes;
}

/** Read a vkey; its key id must be the right one. */
export function parseKey(value: unknown): VerifierKey {
  const parts = typeof value === "string" ? value.split("+") : [];
  const [name, id, ...rest] = parts;
  if (name === undefined || id === undefined || rest.length === 0) throw new Malformed("a vkey is name+id+key");
  const data = unb64(rest.join("+"), 33);
  const type = data[0];
  if (type !== ED25519 && type !== COSIGNATURE_V1) throw new Malformed("unknown vkey type");
  const key = { name: checkedName(name), type, public: data.slice(1), id: keyId(name, data) };
  if (hex(key.id) !== id) throw new Malformed("the vkey's id is not that of its key");
  return key;
}

/** Read a note strictly. */
export function parseNote(data: Uint8Array): Note {
  if (data.length > MAX_NOTE) throw new Malformed("the note is too long");
  const whole = text(data);
  if ([...whole].some((c) => c < " " && c !== "\n")) throw new Malformed("control characters in the note");
  const end = whole.lastIndexOf("\n\n");
  const rest = whole.slice(end + 2);
  if (end < 1 || !rest.endsWith("\n")) throw new Malformed("a note is text, a blank line, signature lines");
  const lines = rest.slice(0, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) throw new Malformed("too many signatures");
  return { text: utf8(whole.slice(0, end + 1)), signatures: lines.map(parseSignature) };
}

/** null if `key` did not sign; else the cosignature's time (0 for a log). A bad signature is Untrusted. */
export function verifyNote(note: Note, key: VerifierKey): bigint | null {
  let newest: bigint | null = null;
  for (const line of note.signatures) {
    if (line.name !== key.name || !same(line.keyId, key.id)) continue;
    const time = verifyLine(note, line, key);
    if (newest === null || time > newest) newest = time;
  }
  return newest;
}

function verifyLine(note: Note, line: SignatureLine, key: VerifierKey): bigint {
  let [time, signature, signed] = [0n, line.blob, note.text];
  if (key.type === COSIGNATURE_V1) {
    if (line.blob.length !== 72) throw new Untrusted(`the cosignature of ${key.name} has a wrong length`);
    time = integer(line.blob.slice(0, 8));
    signature = line.blob.slice(8);
    signed = concat(utf8(`cosignature/v1\ntime ${time}\n`), note.text);
  }
  if (!verifiesEd25519(signature, signed, key.public)) {
    throw new Untrusted(`the signature of ${key.name} does not hold`);
  }
  return time;
}

function verifiesEd25519(signature: Bytes, message: Bytes, key: Bytes): boolean {
  try {
    // RFC 8032 as OpenSSL reads it, not the laxer ZIP 215: Python and browser must judge alike.
    return ed25519.verify(signature, message, key, { zip215: false });
  } catch {
    return false;
  }
}

/** Read the text of a checkpoint; extension lines are refused, as C2SP recommends against them. */
export function parseCheckpoint(data: Uint8Array): Checkpoint {
  const [origin, size, root, ...rest] = text(data).split("\n");
  if (!origin || size === undefined || root === undefined || rest.length !== 1 || rest[0] !== "") {
    throw new Malformed("a checkpoint is origin, size, root");
  }
  return { origin, size: decimal(size), root: unb64(root, 32) };
}

/** A checkpoint signed by its log; Untrusted if the log's signature is missing or bad. */
export function readCheckpoint(data: Uint8Array, logKey: VerifierKey): { checkpoint: Checkpoint; note: Note } {
  const note = parseNote(data);
  if (verifyNote(note, logKey) === null) throw new Untrusted("the log did not sign this checkpoint");
  return { checkpoint: parseCheckpoint(note.text), note };
}

/** A note's line as it stands in the note. */
export const lineText = (line: SignatureLine): string => `— ${line.name} ${b64(concat(line.keyId, line.blob))}\n`;

function parseSignature(line: string): SignatureLine {
  const [dash, name, blob, ...rest] = line.split(" ");
  if (dash !== "—" || name === undefined || blob === undefined || rest.length > 0) {
    throw new Malformed("a signature line is — name base64");
  }
  const data = unb64(blob);
  if (data.length < 5) throw new Malformed("the signature is too short");
  return { name: checkedName(name), keyId: data.slice(0, 4), blob: data.slice(4) };
}

/** `typed` = the type's octet and the public key. */
const keyId = (name: string, typed: Bytes): Bytes => sha256(concat(utf8(`${name}\n`), typed)).slice(0, 4);

function checkedName(name: string): string {
  if (!name || /[+\s]/u.test(name)) throw new Malformed("a key name has no spaces and no plus");
  return name;
}
