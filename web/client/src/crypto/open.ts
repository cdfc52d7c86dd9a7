/**
 * Opening a seat in a page.
 *
 *   const { token, pins, node } = parseFragment(location.hash); // the one-time link
 *   … POST /v1/sign-in { token }, then GET /v1/me …
 *   if (pins !== null) await rememberPins(me.origin, me.seat, pins, node);
 *   const seat = await openSeat(me);                            // here, or later in another page of the same browser
 *
 * PinsRefused: the link named no agreement, or the server hands out another one (docs/adr/0006).
 */

import { door, nodeDoor } from "../api/door.ts";
import { serverClock } from "../live/clock.ts";
import { openBrowserStore } from "./browser_store.ts";
import { type Bytes, same } from "./bytes.ts";
import { type Call, Client, delay } from "./client.ts";
import { firstLog } from "./continuation.ts";
import { PinsRefused } from "./errors.ts";
import { openDatabase, run } from "./indexeddb.ts";
import { Seat, type SeatOptions } from "./seat.ts";
import type { OnFork } from "./record.ts";
import { parsePins, type Pins } from "./trust.ts";

export { parseFragment } from "./trust.ts";

/** What `GET /v1/me` says. */
export interface Me {
  readonly proceeding: string;
  readonly seat: string;
  readonly origin: string;
}

/** What the link said, and the agreement's files once they were found to be the right ones. */
interface Remembered {
  readonly digest: Bytes;
  readonly files?: { readonly policy: string; readonly trust: string };
  /** Where the node of the seat's city answers, where a link said so. */
  readonly node?: string;
}

/** Keep what the link named. A link of the same seat that names another agreement is refused; a node may move. */
export async function rememberPins(origin: string, seat: string, digest: Bytes, node: string | null): Promise<void> {
  await withPins(async (database) => {
    const known = await recalled(database, origin, seat);
    if (known !== null && !same(known.digest, digest)) throw new PinsRefused("an earlier link named another agreement");
    await store(database, origin, seat, { digest, ...known, ...(node === null ? {} : { node }) });
  });
}

/** Without a network a seat opens all the same, and hears what is new later. */
const NEWS_MS = 3000;

/** SeatInUse while another tab has it. Works without the network once the agreement's files were loaded. */
export async function openSeat(me: Me, onFork: OnFork = () => undefined, call: Call = door): Promise<Seat> {
  const { pins, node } = await agreed(me, call);
  const own = { call, pins, proceeding: me.proceeding, origin: me.origin, sub: me.seat, onFork, clock: serverClock };
  // Where the log lost the seat's own binding, the seat takes a new key, kept under the log that lost it.
  for (let kept = firstLog(me.origin); ; ) {
    const seat = await opened(kept, node === undefined ? own : { ...own, node: nodeDoor(node) });
    try {
      if (seat.device.unseated === null) await heard(seat);
      if (seat.device.unseated === null) return seat;
      kept = seat.device.unseated;
      seat.close();
    } catch (error) {
      seat.close();
      throw error;
    }
  }
}

/** What is new, where the server says it at once. */
async function heard(seat: Seat): Promise<void> {
  const news = seat.look();
  news.catch(() => undefined);
  await Promise.race([news, delay(NEWS_MS)]);
}

async function opened(kept: string, own: Omit<SeatOptions, "store">): Promise<Seat> {
  const store = await openBrowserStore(kept, own.sub);
  try {
    return await Seat.open({ ...own, store });
  } catch (error) {
    store.close();
    throw error;
  }
}

/** The agreement that the link of this seat named, for whoever only looks; null where no link named one. */
export async function pinsOf(me: Me, call: Call = door): Promise<Pins | null> {
  return (await remembered(me, call))?.pins ?? null;
}

async function agreed(me: Me, call: Call): Promise<{ pins: Pins; node: string | undefined }> {
  const found = await remembered(me, call);
  if (found === null) throw new PinsRefused("this browser was not signed in by a link that names the agreement");
  return found;
}

async function remembered(me: Me, call: Call): Promise<{ pins: Pins; node: string | undefined } | null> {
  return withPins(async (database) => {
    const known = await recalled(database, me.origin, me.seat);
    if (known === null) return null;
    const files = known.files ?? (await new Client(call, me.proceeding).trust());
    const pins = parsePins(files.policy, files.trust, known.digest);
    if (known.files === undefined) {
      const { policyText: policy, trustText: trust } = pins;
      await store(database, me.origin, me.seat, { ...known, files: { policy, trust } });
    }
    return { pins, node: known.node };
  });
}

async function withPins<T>(work: (database: IDBDatabase) => Promise<T>): Promise<T> {
  const database = await openDatabase("tongping-pins", { pins: {} });
  try {
    return await work(database);
  } finally {
    database.close();
  }
}

async function recalled(database: IDBDatabase, origin: string, seat: string): Promise<Remembered | null> {
  const found = await run<Remembered | undefined>(database, "pins", "readonly", (s) => s.get(`${firstLog(origin)}/${seat}`));
  return found ?? null;
}

async function store(database: IDBDatabase, origin: string, seat: string, value: Remembered): Promise<void> {
  await run(database, "pins", "readwrite", (s) => s.put(value, `${firstLog(origin)}/${seat}`));
}
