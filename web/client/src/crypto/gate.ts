/**
 * S1 of protocols.md section 3: gate G1 under the own pins. Receipts, each offer's signature, the set.
 */

import { verifyAct } from "./act.ts";
import { type Bytes, hex, same, unb64u } from "./bytes.ts";
import { isObject, type JsonObject, members } from "./canonical.ts";
import { sameProceeding } from "./continuation.ts";
import type { Entry } from "./entry.ts";
import { holderSet } from "./envelope.ts";
import { GateClosed, Untrusted } from "./errors.ts";
import { GATE_PATIENCE_MS, type Record, trusting } from "./record.ts";
import { areHolders, mayHold, type Pins } from "./trust.ts";

/** G1 as this seat proved it: to whom it seals, and what is being scored. */
export interface Gate {
  readonly holders: readonly Bytes[];
  readonly domains: readonly string[];
  readonly k: number;
  /** SHA-256 of the definition document. */
  readonly definition: Bytes;
  /** `scoring` of `DefinitionFixed`: ids, maxima and terms, no names. */
  readonly scoring: JsonObject;
  readonly index: number;
  /** Version of the holder set; another takes its place when holders are lost. */
  readonly version: number;
}

/** `size` entries of the log are looked through for the gate's, with holders of at least this version. GateClosed where
 * they are not there yet. */
export async function proveGate(
  record: Record,
  size: number,
  version = 1,
  patienceMs = GATE_PATIENCE_MS,
): Promise<Gate> {
  const offers = new Map<string, Entry>();
  let [frozen, fixed]: [Entry | null, Entry | null] = [null, null];
  for await (const entry of record.scan(0, size)) {
    if (entry.type === "HolderOffered") offers.set(hex(entry.leaf), entry);
    if (entry.type === "HoldersFrozen") frozen = entry;
    if (entry.type === "DefinitionFixed") fixed = entry;
    // The offers stand before `HoldersFrozen`: there is nothing more to look for.
    if (frozen !== null && fixed !== null && versionOf(frozen) >= version) break;
  }
  if (frozen === null || fixed === null || versionOf(frozen) < version) throw new GateClosed("holders or definition are not fixed yet");
  const [first, second] = [frozen, fixed];
  await record.prove(first.n, patienceMs);
  await record.prove(second.n, patienceMs);
  return trusting("gate G1 does not hold", async () => ({
    ...(await holdersOf(record.pins, first, offers)),
    ...(await definitionOf(record.pins, second)),
    index: Math.max(first.n, second.n),
    version: Math.max(version, versionOf(first)),
  }));
}

/** Each offer listed is an act of a centre that this seat pinned, and together they are the set. */
async function holdersOf(pins: Pins, frozen: Entry, offers: ReadonlyMap<string, Entry>) {
  const form = { version: "integer", k: "integer", offers: "array", set: "string" } as const;
  const body = members(frozen.body, form);
  const domains: string[] = [];
  const holders: Bytes[] = [];
  for (const leaf of body.offers) {
    const act = offers.get(hex(unb64u(leaf, 32)))?.act;
    if (act?.act !== "holder.offer") throw new Untrusted("a listed offer is not in the log");
    const identity = pins.trust.identities.get(act.sub);
    if (!sameProceeding(act.aud, frozen.origin) || identity === undefined) {
      throw new Untrusted("an offer by nobody of the agreement, or for another log");
    }
    await verifyAct(act, identity);
    domains.push(act.sub);
    holders.push(unb64u(members(act.body, { pk: "string" }).pk, 65));
  }
  const agreed = body.version === 1 ? areHolders : mayHold;
  if (new Set(domains).size !== domains.length || !agreed(pins, domains) || body.k !== pins.trust.holderK) {
    throw new Untrusted("the holders or k are not those of the agreement");
  }
  if (!same(holderSet(holders), unb64u(body.set, 32))) throw new Untrusted("the set is not that of the offers");
  return { domains, holders, k: body.k };
}

function versionOf(frozen: Entry): number {
  const { version } = frozen.body;
  return typeof version === "number" ? version : 0;
}

async function definitionOf(pins: Pins, fixed: Entry) {
  const { act } = fixed;
  const identity = pins.trust.identities.get(pins.trust.main);
  if (act?.act !== "definition.fix" || act.sub !== pins.trust.main || identity === undefined) {
    throw new Untrusted("the definition is not the main centre's act");
  }
  if (!sameProceeding(act.aud, fixed.origin)) throw new Untrusted("the definition is another log's");
  await verifyAct(act, identity);
  const { scoring } = members(fixed.body, { scoring: "object" }, { people: "array", notes: "string" });
  const { sha256 } = members(act.body, { sha256: "string", size: "integer" });
  if (!isObject(scoring)) throw new Untrusted("the definition has no scoring");
  return { definition: unb64u(sha256, 32), scoring };
}
