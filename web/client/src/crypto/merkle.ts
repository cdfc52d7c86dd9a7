/** RFC 6962 Merkle trees: what a seat verifies of them. */

import { type Bytes, concat, same } from "./bytes.ts";
import { sha256 } from "./canonical.ts";
import { Untrusted } from "./errors.ts";

const HASH_OCTETS = 32;
/** A log index fits u64 (C2SP tlog-tiles), so no honest proof has more nodes. */
const MAX_PROOF = 64;

/** H(0x00 || data). */
export const leafHash = (data: Uint8Array): Bytes => sha256(concat(Uint8Array.of(0), data));
/** H(0x01 || left || right). */
export const nodeHash = (left: Uint8Array, right: Uint8Array): Bytes => sha256(concat(Uint8Array.of(1), left, right));

/** Check an audit path (RFC 9162 section 2.1.3.2); Untrusted if it does not lead to `root`. */
export function verifyInclusion(
  leaf: Bytes,
  index: number,
  size: number,
  proof: readonly Bytes[],
  root: Bytes,
): void {
  checkHashes(leaf, root, ...proof);
  if (!(index >= 0 && index < size)) throw new Untrusted("the index is outside the tree");
  let [node, last, value] = [BigInt(index), BigInt(size) - 1n, leaf];
  for (const step of proof) {
    if (last === 0n) throw new Untrusted("the proof is too long");
    if ((node & 1n) === 1n || node === last) {
      value = nodeHash(step, value);
      while ((node & 1n) === 0n && node !== 0n) [node, last] = [node >> 1n, last >> 1n];
    } else {
      value = nodeHash(value, step);
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  if (last !== 0n || !same(value, root)) throw new Untrusted("the leaf is not in the tree");
}

/** Check that the tree (old, oldRoot) is a prefix of (size, root) (RFC 9162 section 2.1.4.2). */
export function verifyConsistency(
  old: number,
  size: number,
  proof: readonly Bytes[],
  oldRoot: Bytes,
  root: Bytes,
): void {
  if (!(old > 0 && old <= size)) throw new Untrusted("the sizes are out of order");
  if (old === size) {
    if (proof.length > 0 || !same(oldRoot, root)) throw new Untrusted("two roots at one size");
    return;
  }
  checkHashes(oldRoot, root, ...proof);
  let [node, last] = [BigInt(old) - 1n, BigInt(size) - 1n];
  const path = (BigInt(old) & node) === 0n ? [oldRoot, ...proof] : [...proof];
  const start = path.shift();
  if (start === undefined || proof.length === 0) throw new Untrusted("the proof is empty");
  while ((node & 1n) === 1n) [node, last] = [node >> 1n, last >> 1n];
  let [first, second] = [start, start];
  for (const step of path) {
    if (last === 0n) throw new Untrusted("the proof is too long");
    if ((node & 1n) === 1n || node === last) {
      first = nodeHash(step, first);
      second = nodeHash(step, second);
      while ((node & 1n) === 0n && node !== 0n) [node, last] = [node >> 1n, last >> 1n];
    } else {
      second = nodeHash(second, step);
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  if (last !== 0n || !same(first, oldRoot) || !same(second, root)) throw new Untrusted("the trees are not consistent");
}

function checkHashes(...values: readonly Bytes[]): void {
  if (values.length > MAX_PROOF + 2 || values.some((value) => value.length !== HASH_OCTETS)) {
    throw new Untrusted("hashes have 32 octets, proofs at most 64 of them");
  }
}
