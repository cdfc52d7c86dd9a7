/**
 * A custodian's files, read before anything is handed in (docs/protocol.md 2.5): a prepared draw with its facts, and acts
 * that its own node signed. What holds is the rules' to say; here stands what a person has to see before.
 */
import { parseAct } from "../../crypto/act.ts";
import { b64u, type Bytes, unb64u } from "../../crypto/bytes.ts";
import { decodeObject, type Json, type JsonObject, members, sha256 } from "../../crypto/canonical.ts";
import type { Pool, View } from "../../live/view.ts";

/** As `evaluation.core.conflicts.MAX_BYTES`, the most that the server's door takes. */
export const MAX_FACTS = 4 * 1024 * 1024;
/** The acts of a custodian that a person hands in (sessions/node.py); in this order in a draw. */
export const CUSTODY = ["pool.freeze", "draw.answer", "member.seat"] as const;
export type Custody = (typeof CUSTODY)[number];

/** `code` is a key of this area's words. */
export class FileRefused extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.name = "FileRefused";
    this.code = code;
  }
}

export interface Prepared {
  name: string;
  attempt: number;
  strata: { label: string; quota: number; count: number }[];
  pool: Pool;
  /** How many of the pool are in, and out on which ground. */
  inside: number;
  out: [ground: string, count: number][];
  day: string;
  bidders: number;
  facts: Bytes;
  /** Of `draw.open`. */
  body: JsonObject;
}

export interface Statement {
  act: Custody;
  centre: string;
  /** What the act says, as words of this area are filled with it. */
  count: number;
  seat: string;
  /** What `POST …/acts` takes. */
  body: { act: string; disclosures: string[] };
}

/** Two files, in any order: the draw and its facts. */
export function prepare(files: readonly Uint8Array[], { pools = [], draws = [] }: Pick<View, "pools" | "draws">): Prepared {
  if (files.length !== 2) throw new FileRefused("two-files");
  const read = files.map((octets) => ({ octets, value: parsed(octets) }));
  const plan = read.find(({ value }) => "strata" in value)?.value;
  const told = read.find(({ value }) => "candidates" in value);
  if (!plan || !told) throw new FileRefused("two-files");
  return form(() => {
    const found = members(plan, { v: "integer", draw: "string", strata: "array", pool: "object", partition: "string", filter: "string", facts: "string" });
    const frozen = members(found.pool, { count: "integer", root: "string" });
    if (found.v !== 1 || b64u(sha256(told.octets)) !== found.facts) throw new FileRefused("other-facts");
    const pool = pools.find(({ count, root }) => count === frozen.count && root === frozen.root);
    if (!pool) throw new FileRefused("no-pool");
    const earlier = draws.filter(({ draw }) => draw === found.draw);
    if (earlier.some(({ annulled }) => !annulled)) throw new FileRefused("draw-stands");
    const { v: _, pool: __, ...rest } = found;
    return {
      name: found.draw,
      attempt: earlier.length + 1,
      strata: found.strata.map(stratum),
      pool,
      ...counted(told.value),
      facts: new Uint8Array(told.octets),
      body: { ...rest, attempt: earlier.length + 1, pool: pool.leaf },
    };
  });
}

/** A file that the custodian's own node signed. */
export function statement(octets: Uint8Array): Statement {
  return form(() => {
    const found = members(parsed(octets), { act: "string", disclosures: "array" });
    const { act, sub, body } = parseAct(found.act);
    const known = CUSTODY.find((name) => name === act);
    const disclosures = found.disclosures.filter((each) => typeof each === "string");
    if (!known || disclosures.length !== found.disclosures.length) throw new FileRefused("no-statement");
    const { count, answers, seat } = body;
    return {
      act: known,
      centre: sub,
      count: typeof count === "number" ? count : Array.isArray(answers) ? answers.length : 0,
      seat: typeof seat === "string" ? seat : "",
      body: { act: found.act, disclosures },
    };
  });
}

function stratum(value: Json): Prepared["strata"][number] {
  const { label, quota, leaves } = members(value, { label: "string", quota: "integer", leaves: "array" });
  for (const leaf of leaves) unb64u(leaf, 32);
  return { label, quota, count: leaves.length };
}

function counted(value: JsonObject): Pick<Prepared, "inside" | "out" | "day" | "bidders"> {
  const { filter, partition } = members(value, { v: "integer", filter: "object", candidates: "array", partition: "array" });
  const { day, bidders } = filter;
  if (typeof day !== "string" || !Array.isArray(bidders)) throw new FileRefused("not-a-draw");
  const grounds = new Map<string, number>();
  let inside = 0;
  for (const line of partition) {
    const [, , side, ground] = Array.isArray(line) ? (line as readonly Json[]) : [];
    if (side === "in") inside += 1;
    else if (side === "out" && typeof ground === "string") grounds.set(ground, (grounds.get(ground) ?? 0) + 1);
    else throw new FileRefused("not-a-draw");
  }
  return { inside, out: [...grounds].sort(([one], [other]) => (one < other ? -1 : 1)), day, bidders: bidders.length };
}

function parsed(octets: Uint8Array): JsonObject {
  return form(() => decodeObject(octets, MAX_FACTS));
}

/** Whatever is out of form is no file of a draw. */
function form<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof FileRefused ? error : new FileRefused("not-a-draw");
  }
}
