/** A seat's store in this browser: IndexedDB, one tab at a time by the Web Locks API. */

import { newKey } from "./act.ts";
import type { Bytes } from "./bytes.ts";
import type { JsonObject } from "./canonical.ts";
import { SeatInUse } from "./errors.ts";
import { lock, madeOnce, newBox, openDatabase, run, type Sealed, unlock } from "./indexeddb.ts";
import type { OpenStore, Store } from "./store.ts";

const STORES = { keys: {}, journal: { autoIncrement: true }, kept: {} } as const;

/** SeatInUse while another tab has it; the lock ends with its tab, however that ends. */
export const openBrowserStore: OpenStore = async (origin, sub) => {
  const name = `tongping-seat/${origin}/${sub}`;
  const release = await held(name);
  try {
    // Best effort: browsers that know the site well keep its data anyway.
    await navigator.storage?.persist?.().catch(() => false);
    return new BrowserStore(await openDatabase(name, STORES), release);
  } catch (error) {
    release();
    throw error;
  }
};

class BrowserStore implements Store {
  readonly #database: IDBDatabase;
  readonly #release: () => void;

  constructor(database: IDBDatabase, release: () => void) {
    this.#database = database;
    this.#release = release;
  }

  async key(): Promise<CryptoKeyPair> {
    return madeOnce(this.#database, "keys", "seat", newKey);
  }

  async lines(): Promise<JsonObject[]> {
    return run<JsonObject[]>(this.#database, "journal", "readonly", (store) => store.getAll());
  }

  async append(line: JsonObject): Promise<void> {
    await run(this.#database, "journal", "readwrite", (store) => store.add(line));
  }

  async keep(name: string, data: Bytes): Promise<void> {
    const sealed = await lock(await this.#box(), name, data);
    await run(this.#database, "kept", "readwrite", (store) => store.put(sealed, name));
  }

  async kept(name: string): Promise<Bytes | null> {
    const sealed = await run<Sealed | undefined>(this.#database, "kept", "readonly", (store) => store.get(name));
    return sealed === undefined ? null : unlock(await this.#box(), name, sealed);
  }

  close(): void {
    this.#database.close();
    this.#release();
  }

  async #box(): Promise<CryptoKey> {
    return madeOnce(this.#database, "keys", "box", newBox);
  }
}

/** Hold a lock until the function that comes back is called. */
function held(name: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, { ifAvailable: true }, (granted) => {
        if (granted === null) throw new SeatInUse("another tab has this seat");
        return new Promise<void>((release) => resolve(release));
      })
      .catch(reject);
  });
}
