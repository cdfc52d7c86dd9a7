// A segment is one WebM cluster (media/core/webm.py; RFC 9559 section 10).

const CLUSTER = 0x1f43b675;
const TIMECODE = 0xe788;
const SIZE_AT = 4;
const BODY_AT = 12;
const BLOCKS_AT = BODY_AT + 10;
const SIMPLE_BLOCK = 0xa3;
const KEYFRAME = 0x80;
const [BLOCK_GROUP, BLOCK, BLOCK_DURATION, REFERENCE_BLOCK] = [0xa0, 0xa1, 0x9b, 0xfb];
// The block before it, whichever that was: RFC 9559 asks for some number, and a player for its presence.
const BEFORE_IT = [REFERENCE_BLOCK, 0x81, 0xff];

// A cluster's own time in milliseconds since the beginning of its take (media/core/webm.py writes it in eight bytes).
export function timecode(cluster: ArrayBuffer): number {
  const view = new DataView(cluster);
  if (view.byteLength < BLOCKS_AT || view.getUint32(0) !== CLUSTER || view.getUint16(BODY_AT) !== TIMECODE) {
    throw new Error("not a segment of ours");
  }
  // A browser would take what comes next for the rest of it.
  if (view.getBigUint64(SIZE_AT) !== sizeOf(view.byteLength)) {
    throw new Error("a segment of another length");
  }
  return Number(view.getBigUint64(BODY_AT + 2));
}

// The same cluster, whose last picture lasts for so many milliseconds: until the next segment's first one. A recording
// does not say how long its last picture stood, and a browser guesses, too little where a camera is slow.
export function lasting(cluster: ArrayBuffer, ms: number): ArrayBuffer {
  const octets = new Uint8Array(cluster);
  const last = lastBlock(octets);
  if (last === null) {
    return cluster;
  }
  const block = octets.slice(last.body, last.end);
  const keyframe = ((block[3] ?? 0) & KEYFRAME) !== 0;
  // What stands in a simple block for a keyframe is said in a group by the absence of a reference.
  block[3] = (block[3] ?? 0) & ~KEYFRAME;
  const duration = [BLOCK_DURATION, 0x84, ...numbered(ms, 4)];
  const group = [BLOCK, ...sized(block.length), ...block, ...duration, ...(keyframe ? [] : BEFORE_IT)];
  const found = new Uint8Array([...octets.subarray(0, last.at), BLOCK_GROUP, ...sized(group.length), ...group]);
  new DataView(found.buffer).setBigUint64(SIZE_AT, sizeOf(found.length));
  return found.buffer;
}

function sizeOf(bytes: number): bigint {
  return (1n << 56n) | BigInt(bytes - BODY_AT);
}

// Where the last block begins, its body begins, and it ends; null where the octets are no blocks to their end.
function lastBlock(octets: Uint8Array): { at: number; body: number; end: number } | null {
  let last = null;
  for (let at = BLOCKS_AT; at < octets.length; at = last.end) {
    const length = Math.clz32(octets[at + 1] ?? 0) - 23;
    let size = (octets[at + 1] ?? 0) & (0xff >> length);
    for (const octet of octets.subarray(at + 2, at + 1 + length)) {
      size = size * 256 + octet;
    }
    const body = at + 1 + length;
    last = { at, body, end: body + size };
    if (octets[at] !== SIMPLE_BLOCK || length > 8 || size < 4 || last.end > octets.length) {
      return null;
    }
  }
  return last;
}

// An EBML size in four bytes (RFC 8794 section 4).
function sized(length: number): number[] {
  return numbered(length | 0x10000000, 4);
}

function numbered(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, index) => (value >>> (8 * (bytes - 1 - index))) & 0xff);
}
