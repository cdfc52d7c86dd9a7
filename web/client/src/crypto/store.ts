/**
 * What a seat keeps on its device.
 *
 * A store MUST be durable before a promise resolves, MUST keep the journal's order, and MUST NOT let octets of `keep`
 * or the private key leave the device. It MAY be lost as a whole with the device: then the seat is bound anew.
 */

import type { Bytes } from "./bytes.ts";
import type { JsonObject } from "./canonical.ts";

export interface Store {
  /** The seat's key, made once. */
  key(): Promise<CryptoKeyPair>;
  /** The journal's lines in the order in which they were appended. */
  lines(): Promise<JsonObject[]>;
  append(line: JsonObject): Promise<void>;
  keep(name: string, data: Bytes): Promise<void>;
  kept(name: string): Promise<Bytes | null>;
  /** Let another tab have the seat. */
  close(): void;
}

/** One store for one seat of one log. */
export type OpenStore = (origin: string, sub: string) => Promise<Store>;
