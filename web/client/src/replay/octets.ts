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

// Whoever keeps the octets has them no more, or never had: asking again is of no use.
export class Missing extends Error {}

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
