/** Pins: policy and trust as this seat's own centre handed them out (docs/protocol.md 9, ADR 6). */

import { type Jwk, parseJwk } from "./act.ts";
import { type Bytes, concat, same, text, unb64, unb64u, utf8 } from "./bytes.ts";
import { decodeObject, members, sha256, tagged } from "./canonical.ts";
import { Malformed, PinsRefused } from "./errors.ts";
import { parsePolicy, type Policy } from "./policy.ts";

/** Nine holders, some witnesses and a root or two: far below this. */
const MAX_TRUST = 60_000;

/** The parsed `trust.json`. */
export interface Trust {
  readonly main: string;
  /** The identity key of each centre, by its domain. */
  readonly identities: ReadonlyMap<string, Jwk>;
  readonly holderK: number;
}

/** Both files, with the hashes that acts and foundings state. */
export interface Pins {
  readonly policy: Policy;
  readonly trust: Trust;
  readonly policyText: string;
  readonly trustText: string;
  readonly policyHash: Bytes;
  readonly trustHash: Bytes;
}

/** T("pins", H(policy) || H(trust)): what a one-time link carries behind its token. */
export function pinsDigest(policyText: string, trustText: string): Bytes {
  return tagged("pins", concat(sha256(utf8(policyText)), sha256(utf8(trustText))));
}

/** What stands behind the # of a one-time link. */
export interface Fragment {
  readonly token: string;
  readonly pins: Bytes | null;
  /** Where the node of the seat's city answers: an origin. */
  readonly node: string | null;
}

/** The parts of a link's fragment, `<token>.<pins>.<node>`. Without pins one may look on, and sign nothing. */
export function parseFragment(fragment: string): Fragment {
  const [token, pins, node, ...rest] = fragment.replace(/^#/, "").split(".");
  if (!token || rest.length > 0) throw new PinsRefused("not a one-time link");
  try {
    return { token, pins: pins === undefined ? null : unb64u(pins, 32), node: node === undefined ? null : parseNode(node) };
  } catch {
    throw new PinsRefused("the link's pins or node are out of form");
  }
}

function parseNode(part: string): string {
  const node = text(unb64u(part));
  const { origin, protocol } = new URL(node);
  if (origin !== node || !["https:", "http:"].includes(protocol)) throw new Malformed("a node answers at an origin");
  return node;
}

/** Read both files; PinsRefused unless they are the ones that `digest` names. */
export function parsePins(policyText: string, trustText: string, digest: Bytes): Pins {
  if (!same(pinsDigest(policyText, trustText), digest)) {
    throw new PinsRefused("the server hands out another policy or trust than this seat's centre did");
  }
  const [policy, trust] = [parsePolicy(policyText), parseTrust(trustText)];
  if (policy.log.name !== `${trust.main}/centre`) {
    throw new Malformed("the policy pins another centre log than that of trust.json's main centre");
  }
  const [policyHash, trustHash] = [sha256(utf8(policyText)), sha256(utf8(trustText))];
  return { policy, trust, policyText, trustText, policyHash, trustHash };
}

/** Exactly the agreement's nodes (a witness `<domain>/witness` is also holder); the main centre may be one more
 * (protocols.md 2 and 3). */
export function areHolders(pins: Pins, domains: readonly string[]): boolean {
  const nodes = nodesOf(pins);
  const given = new Set(domains.filter((domain) => domain !== pins.trust.main));
  return given.size === nodes.size && [...given].every((domain) => nodes.has(domain));
}

const nodesOf = ({ policy }: Pins): ReadonlySet<string> =>
  new Set(policy.witnesses.map((key) => key.name.split("/", 1)[0] ?? ""));

/** As many of the agreement's nodes, where the main centre may have succeeded one that was lost for good. */
export function mayHold(pins: Pins, domains: readonly string[]): boolean {
  const nodes = nodesOf(pins);
  const others = domains.filter((domain) => domain !== pins.trust.main);
  return others.every((domain) => nodes.has(domain)) && [nodes.size, nodes.size + 1].includes(domains.length);
}

function parseTrust(file: string): Trust {
  const value = members(decodeObject(utf8(file), MAX_TRUST), {
    v: "integer",
    main: "string",
    centres: "array",
    ca_roots: "array",
    holder_k: "integer",
    f: "integer",
  });
  const identities = new Map<string, Jwk>();
  for (const item of value.centres) {
    const centre = members(item, { domain: "string", operator: "string", jwk: "object" }, { name: "object" });
    if (identities.has(centre.domain)) throw new Malformed("a centre stands twice in trust.json");
    identities.set(centre.domain, parseJwk(centre.jwk));
  }
  for (const root of value.ca_roots) unb64(root);
  if (value.v !== 1 || !identities.has(value.main) || value.holder_k < 1 || value.f < 0) {
    throw new Malformed("trust.json is out of form");
  }
  return { main: value.main, identities, holderK: value.holder_k };
}
