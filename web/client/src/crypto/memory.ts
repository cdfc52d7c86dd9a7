/** A store in memory: for tests, and for programs that need no restart. `again` is the same device after a crash. */

import { newKey } from "./act.ts";
import type { Bytes } from "./bytes.ts";
import { decodeObject, encode, type JsonObject } from "./canonical.ts";
import { SeatInUse } from "./errors.ts";
import type { Store } from "./store.ts";

export class MemoryStore implements Store {
  readonly #lines: Bytes[] = [];
  readonly #kept = new Map<string, Bytes>();
  #key: Promise<CryptoKeyPair> | null = null;
  #open = false;

  /** Only one at a time, as with Web Locks. */
  again(): this {
    if (this.#open) throw new SeatInUse("the store is open");
    this.#open = true;
    return this;
  }

  async key(): Promise<CryptoKeyPair> {
    this.#key ??= newKey();
    return this.#key;
  }

  async lines(): Promise<JsonObject[]> {
    return this.#lines.map((line) => decodeObject(line));
  }

  async append(line: JsonObject): Promise<void> {
    this.#lines.push(encode(line));
  }

  async keep(name: string, data: Bytes): Promise<void> {
    this.#kept.set(name, data.slice());
  }

  async kept(name: string): Promise<Bytes | null> {
    return this.#kept.get(name)?.slice() ?? null;
  }

  close(): void {
    this.#open = false;
  }
}
