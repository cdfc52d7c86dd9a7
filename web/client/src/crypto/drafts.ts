/**
 * Drafts: what a person has typed and not sealed. They survive a crash of the page and never leave this device: on
 * disk they are encrypted under an AES-GCM key that cannot be exported.
 *
 *   const drafts = await openDrafts(me.origin, me.seat);
 *   await drafts.save("sheet-1", { "bidder-1": { plan: "37.00" } });
 *   await drafts.load("sheet-1");   // null where there is none, or none that this device can read
 */

import { text, utf8 } from "./bytes.ts";
import { firstLog } from "./continuation.ts";
import { lock, madeOnce, newBox, openDatabase, run, type Sealed, unlock } from "./indexeddb.ts";

const DATABASE = "tongping-drafts";
const BOX = "box";

export interface Drafts {
  /** On disk when it resolves. `value` is whatever JSON can hold. */
  save(name: string, value: unknown): Promise<void>;
  load(name: string): Promise<unknown>;
  drop(name: string): Promise<void>;
  close(): void;
}

export async function openDrafts(origin: string, seat: string): Promise<Drafts> {
  const database = await openDatabase(DATABASE, { keys: {}, drafts: {} });
  const box = await madeOnce(database, "keys", BOX, newBox);
  const full = (name: string) => `${firstLog(origin)}/${seat}/${name}`;
  return {
    async save(name, value) {
      const sealed = await lock(box, full(name), utf8(JSON.stringify(value)));
      await run(database, "drafts", "readwrite", (store) => store.put(sealed, full(name)));
    },
    async load(name) {
      const sealed = await run<Sealed | undefined>(database, "drafts", "readonly", (store) => store.get(full(name)));
      if (sealed === undefined) return null;
      try {
        return JSON.parse(text(await unlock(box, full(name), sealed))) as unknown;
      } catch {
        // A damaged profile must not keep a person from starting over.
        return null;
      }
    },
    async drop(name) {
      await run(database, "drafts", "readwrite", (store) => store.delete(full(name)));
    },
    close() {
      database.close();
    },
  };
}
