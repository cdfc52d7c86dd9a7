/**
 * Going on in the log that continues this seat's: S1 to S3 of `continuation.ts`, from what the server shows. Nothing is
 * written before all of it holds.
 */

import { b64u, type Bytes, same, text } from "./bytes.ts";
import { isObject } from "./canonical.ts";
import type { Client } from "./client.ts";
import { judge, readContinuation } from "./continuation.ts";
import type { Device } from "./device.ts";
import { type Entry, parseEntry } from "./entry.ts";
import { NotConfirmed, RecordForked, RecordUntrusted, ServerRefused, Untrusted } from "./errors.ts";
import { parseCheckpoint, parseNote, type VerifierKey } from "./note.ts";
import { type Opened, readOpening } from "./opening.ts";
import { checkProof, parseProof } from "./proof.ts";
import { leavesOf, rootOf, tilePath, WIDTH } from "./tree.ts";
import type { Pins } from "./trust.ts";

/** What a role may not see does not exist for it. */
const HIDDEN = new Set([403, 404]);

export interface Source {
  readonly client: Client;
  readonly device: Device;
  readonly pins: Pins;
  /** A receipt of the newest tree, waited for. */
  receipt(n: number): Promise<Bytes>;
}

/** One log that continues another one: its opening, its first two entries. */
interface Link {
  readonly opened: Opened;
  readonly first: Entry;
  readonly second: Entry;
}

/** The name of the log that signed a note; nothing of it is proven. */
export const originOf = (note: Bytes): string => parseCheckpoint(parseNote(note).text).origin;

/** How many entries a note speaks of; nothing of it is proven. */
export const sizeOf = (note: Bytes): number => parseCheckpoint(parseNote(note).text).size;

/** Entry n, whatever log it says it is of; null where this role may not see it. */
export async function shownEntry(client: Client, n: number): Promise<Entry | null> {
  let data: Bytes;
  try {
    data = await client.entry(n);
  } catch (error) {
    if (error instanceof ServerRefused && HIDDEN.has(error.status)) return null;
    throw error;
  }
  const found = parseEntry(data);
  if (found.n !== n) throw new RecordUntrusted(`entry ${n} says it is ${found.n}`);
  return found;
}

/** The opening that the first entry of a log names, as the centre log has it. */
export async function openingOf(client: Client, pins: Pins, first: Entry): Promise<Opened> {
  const named = first.act?.body["opening"];
  const index = isObject(named) ? named["index"] : undefined;
  if (typeof index !== "number") throw new Untrusted("the log's first entry names no opening");
  return readOpening([await client.centreEntry(index), await client.centreReceipt(index)], pins, first.origin);
}

/** Follow to the newest log; its key. The device's journal says from then on where it acts, and what comes again. */
export async function follow(source: Source): Promise<VerifierKey> {
  const { client, device, pins } = source;
  const links = await linksFrom(source);
  const newest = links.at(-1);
  if (newest === undefined) throw new Untrusted("no log continues this one");
  const octets = await source.receipt(newest.second.n);
  const proof = parseProof(octets);
  const { key } = newest.opened;
  const tree = checkProof(proof, newest.second.leaf, pins.policy, key);
  if (tree.origin !== key.name || proof.index !== newest.second.n) throw new Untrusted("the receipt is another entry's");
  const paths = Array.from({ length: Math.ceil(tree.size / WIDTH) }, (_, i) => tilePath(i, tree.size));
  const leaves = leavesOf(await Promise.all(paths.map((path) => client.tile(path))), tree.size, tree.root);
  for (const { opened, first, second } of links) {
    for (const entry of [first, second]) {
      const leaf = leaves[entry.n];
      if (leaf === undefined || !same(leaf, entry.leaf)) throw new Untrusted(`entry ${entry.n} is not the log's`);
    }
    const found = await readContinuation(opened, first, second, pins);
    await withBoth(device, proof.note, async () => judge(found, leaves, device.seen, device.answered));
    const size = opened === newest.opened ? tree.size : second.n + 1;
    await device.continued(found.origin, found.prefix.size, [size, rootOf(leaves.slice(0, size))], proof.note);
  }
  return key;
}

/** Where two histories show themselves, both checkpoints go with the error: what was verified here, and what is shown. */
export async function withBoth<T>(device: Device, shown: Bytes, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof Untrusted)) throw error;
    const [mine, [size, root]] = [await device.checkpoint(), device.seen];
    const notes = { verified: mine && text(mine), shown: text(shown), seen: [size, b64u(root)] };
    throw new RecordForked(`the server shows another history: ${error.message}`, notes);
  }
}

/** From the log that continues the device's to the newest one. */
async function linksFrom({ client, device, pins }: Source): Promise<Link[]> {
  const links: Link[] = [];
  const start = await client.continued();
  if (start === null) throw new Untrusted("the log goes on, and the server does not say where");
  for (let n = start; n >= 0; n -= 1) {
    const first = await shownEntry(client, n);
    // Everybody may see where a log goes on; of one that was continued again only the newest is told.
    if (first?.type !== "LogContinued") continue;
    const second = await shownEntry(client, n + 1);
    if (second === null) throw new NotConfirmed("no other centre has confirmed yet that the log goes on here");
    const opened = await openingOf(client, pins, first);
    links.unshift({ opened, first, second });
    if (opened.continues?.origin === device.origin) return links;
  }
  throw new Untrusted("the log shown does not continue the one that this seat is in");
}
