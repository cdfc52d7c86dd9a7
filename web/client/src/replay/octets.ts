// Octets of recordings: fetched, hashed, and only then given to a player.

export type Load = (sha256: string, signal: AbortSignal) => Promise<ArrayBuffer>;

// The octets are not those that the log names: nobody plays them.
export class Altered extends Error {
  readonly sha256: string;

  constructor(sha256: string) {
    super(`the octets of ${sha256} are others than the log names`);
    this.sha256 = sha256;
  }
}

// `load` whose answer is what was asked for, or Altered.
export function checked(load: Load): Load {
  return async (sha256, signal) => {
    const data = await load(sha256, signal);
    const found = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
    if (Array.from(found, (octet) => octet.toString(16).padStart(2, "0")).join("") !== sha256) {
      throw new Altered(sha256);
    }
    return data;
  };
}

const CLUSTER = 0x1f43b675;
const TIMECODE = 0xe788;
const TIMECODE_AT = 12;

// A cluster's own time in milliseconds since the beginning of its take (media/core/webm.py writes it in eight bytes).
export function timecode(cluster: ArrayBuffer): number {
  const view = new DataView(cluster);
  if (view.byteLength < TIMECODE_AT + 10 || view.getUint32(0) !== CLUSTER || view.getUint16(TIMECODE_AT) !== TIMECODE) {
    throw new Error("not a segment of ours");
  }
  return Number(view.getBigUint64(TIMECODE_AT + 2));
}
