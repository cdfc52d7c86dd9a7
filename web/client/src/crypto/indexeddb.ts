/** IndexedDB as promises, with strict durability, and octets that are encrypted at rest. */

import { type Bytes, utf8 } from "./bytes.ts";

export type Mode = "readonly" | "readwrite";
interface Sealed {
  readonly iv: Bytes;
  readonly ct: ArrayBuffer;
}

/** Open a database; `stores` are made at its first opening. */
export async function openDatabase(name: string, stores: Readonly<Record<string, IDBObjectStoreParameters>>): Promise<IDBDatabase> {
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => {
    for (const [store, how] of Object.entries(stores)) opening.result.createObjectStore(store, how);
  };
  const database = await answered(opening);
  // Another tab that deletes the database must not wait for this one for ever.
  database.onversionchange = () => database.close();
  return database;
}

/** One request in one transaction; resolves when the transaction is on disk. */
export async function run<T>(
  database: IDBDatabase,
  store: string,
  mode: Mode,
  request: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const transaction = database.transaction(store, mode, { durability: "strict" });
  const done = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new DOMException("the transaction was aborted"));
  });
  const [found] = await Promise.all([answered(request(transaction.objectStore(store))), done]);
  return found;
}

/** The value under `key`, made by `make` where there is none; of two that make it at once, one wins for both. */
export async function madeOnce<T>(database: IDBDatabase, store: string, key: string, make: () => Promise<T>): Promise<T> {
  const found = await run<T | undefined>(database, store, "readonly", (s) => s.get(key));
  if (found !== undefined) return found;
  const made = await make();
  try {
    await run(database, store, "readwrite", (s) => s.add(made, key));
    return made;
  } catch (error) {
    const first = await run<T | undefined>(database, store, "readonly", (s) => s.get(key));
    if (first === undefined) throw error;
    return first;
  }
}

/** A new AES-GCM key that never leaves this browser. */
export async function newBox(): Promise<CryptoKey> {
  return crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

/** Encrypt under `box`, bound to the name under which it is kept. */
export async function lock(box: CryptoKey, name: string, data: Bytes): Promise<Sealed> {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  return { iv, ct: await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: utf8(name) }, box, data) };
}

export async function unlock(box: CryptoKey, name: string, { iv, ct }: Sealed): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: utf8(name) }, box, ct));
}

export type { Sealed };

function answered<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new DOMException("the request failed"));
  });
}
