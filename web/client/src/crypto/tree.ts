/** The leaves of a log from its level-0 hash tiles (C2SP tlog-tiles), held against a root that was verified. */

import { type Bytes, same } from "./bytes.ts";
import { Untrusted } from "./errors.ts";
import { nodeHash } from "./merkle.ts";

/** Hashes in a full tile. */
export const WIDTH = 256;

/** The path after `<prefix>/tile/` of the level-0 tile with this index, of a log of `size` entries. */
export function tilePath(index: number, size: number): string {
  let [path, rest] = [String(index % 1000).padStart(3, "0"), Math.floor(index / 1000)];
  for (; rest > 0; rest = Math.floor(rest / 1000)) path = `x${String(rest % 1000).padStart(3, "0")}/${path}`;
  const width = Math.min(WIDTH, size - index * WIDTH);
  return `0/${path}${width === WIDTH ? "" : `.p/${width}`}`;
}

/** The leaf hashes of all tiles in their order; Untrusted unless they are the leaves of the tree with this root. */
export function leavesOf(tiles: readonly Bytes[], size: number, root: Bytes): Bytes[] {
  const leaves = tiles.flatMap((tile) =>
    Array.from({ length: tile.length / 32 }, (_, i) => tile.slice(32 * i, 32 * i + 32)),
  );
  if (leaves.length !== size || tiles.some((tile) => tile.length % 32 !== 0)) {
    throw new Untrusted("the tiles do not hold as many leaves as the tree");
  }
  if (size === 0 || !same(rootOf(leaves), root)) throw new Untrusted("the tiles are not those of the tree");
  return leaves;
}

/** RFC 6962 section 2.1. */
export function rootOf(leaves: readonly Bytes[]): Bytes {
  const [only] = leaves;
  if (only === undefined) throw new Untrusted("no leaves");
  if (leaves.length === 1) return only;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return nodeHash(rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split)));
}
