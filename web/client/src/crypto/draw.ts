/** The verifiable draw, recomputed (protocols.md section 4, step 6): seed, stream, order. */

import { ascii, type Bytes, concat, integer, u64 } from "./bytes.ts";
import { sha256, tagged } from "./canonical.ts";

/** T("draw-seed", leaf hash of `DrawFrozen` || u8 count || s_1 || …), secrets in frozen order. */
export function seedOf(freeze: Bytes, secrets: readonly Bytes[]): Bytes {
  return tagged("draw-seed", concat(freeze, Uint8Array.of(secrets.length), ...secrets));
}

/** The order of m candidates under this label: the first are drawn, all others are the ordered reserves. */
export function order(seed: Bytes, label: string, m: number): number[] {
  const next = stream(tagged("draw-stream", concat(seed, ascii(label))));
  const found = Array.from({ length: m }, (_, i) => i);
  for (let i = m - 1; i >= 1; i -= 1) {
    const r = next(i + 1);
    [found[i], found[r]] = [found[r] ?? 0, found[i] ?? 0];
  }
  return found;
}

/** Uniform below n from the blocks H(sub || u64 j), each read as four u64. */
function stream(sub: Bytes): (n: number) => number {
  const words: bigint[] = [];
  let j = 0;
  return (n) => {
    const limit = 2n ** 64n - (2n ** 64n % BigInt(n));
    for (;;) {
      if (words.length === 0) {
        const block = sha256(concat(sub, u64(j)));
        words.push(...[0, 8, 16, 24].map((at) => integer(block.slice(at, at + 8))));
        j += 1;
      }
      const x = words.shift() ?? limit;
      if (x < limit) return Number(x % BigInt(n));
    }
  };
}
