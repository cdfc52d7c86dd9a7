/** The log for whoever only looks: entries at their places of a tree that the pinned quorum cosigned. */

import { door } from "../api/door.ts";
import { type Bytes, same } from "./bytes.ts";
import { type Call, Client } from "./client.ts";
import { continues } from "./continuation.ts";
import type { Entry } from "./entry.ts";
import { RecordUntrusted, ServerRefused, Untrusted } from "./errors.ts";
import { openingOf, originOf, shownEntry } from "./following.ts";
import type { VerifierKey } from "./note.ts";
import { type Me, pinsOf } from "./open.ts";
import { readOpening } from "./opening.ts";
import { checkExactly } from "./policy.ts";
import { parseProof } from "./proof.ts";
import { trusting } from "./record.ts";
import { leavesOf, tilePath, WIDTH } from "./tree.ts";
import type { Pins } from "./trust.ts";

/** "unpinned": no link of this browser named an agreement; "not-witnessed-yet": no quorum has cosigned that far. */
export type Unproven = "unpinned" | "not-witnessed-yet";

export class Witnessed {
  readonly #client: Client;
  readonly #leaves: readonly Bytes[];
  readonly #entries = new Map<number, Promise<Entry>>();

  private constructor(client: Client, leaves: readonly Bytes[]) {
    this.#client = client;
    this.#leaves = leaves;
  }

  /** The newest tree that the quorum cosigned, if it holds entry n. RecordUntrusted, PinsRefused: not our log. */
  static async open(me: Me, n: number, call: Call = door): Promise<Witnessed | Unproven> {
    const pins = await trusting("the agreement is out of form", () => pinsOf(me, call));
    if (pins === null) return "unpinned";
    const client = new Client(call, me.proceeding);
    let receipt: Bytes;
    try {
      receipt = await client.receipt(n);
    } catch (error) {
      if (error instanceof ServerRefused && error.code === "not-witnessed-yet") return "not-witnessed-yet";
      throw error;
    }
    return trusting("the log shown is not the one that was opened", async () => {
      const { note } = parseProof(receipt);
      const key = await keyOf(originOf(note), me, client, pins);
      const { origin, size, root } = checkExactly(pins.policy, note, key);
      if (origin !== key.name) throw new Untrusted("the checkpoint is another log's");
      const paths = Array.from({ length: Math.ceil(size / WIDTH) }, (_, i) => tilePath(i, size));
      return new Witnessed(client, leavesOf(await Promise.all(paths.map((path) => client.tile(path))), size, root));
    });
  }

  /** How many entries the tree holds. */
  get size(): number {
    return this.#leaves.length;
  }

  /** Entry n of the tree, asked for once; RecordUntrusted where the server shows another one. */
  entry(n: number): Promise<Entry> {
    const known = this.#entries.get(n);
    if (known !== undefined) return known;
    const asked = trusting(`entry ${n} does not hold`, () => this.#ask(n));
    asked.catch((error: unknown) => error instanceof RecordUntrusted || this.#entries.delete(n));
    this.#entries.set(n, asked);
    return asked;
  }

  async #ask(n: number): Promise<Entry> {
    const [found, leaf] = [await shownEntry(this.#client, n), this.#leaves[n]];
    if (found === null || leaf === undefined || !same(found.leaf, leaf)) throw new Untrusted("it is not in the tree");
    return found;
  }
}

/** The key of the proceeding's log with this name, as the pinned and witnessed centre log opened it. */
async function keyOf(origin: string, me: Me, client: Client, pins: Pins): Promise<VerifierKey> {
  if (origin === me.origin) {
    const { opening } = await client.trust();
    const found = [await client.centreEntry(opening), await client.centreReceipt(opening)] as const;
    return (await readOpening(found, pins, origin)).key;
  }
  const start = await client.continued();
  const first = start === null ? null : await shownEntry(client, start);
  if (!continues(origin, me.origin) || first?.origin !== origin) throw new Untrusted("the receipt is another log's");
  return (await openingOf(client, pins, first)).key;
}
