/** The definition document: the names behind the ids of the log. Its octets must have the hash that the log fixed. */
import { octets } from "../../api/call.ts";
import { hex } from "../../api/base64.ts";
import type { GetObjectData } from "../../api/generated/index.ts";
import { b64u } from "../../crypto/bytes.ts";
import type { Gate } from "../../crypto/gate.ts";

export interface Criterion {
  id: string;
  name: string;
  max?: string;
  objective?: boolean;
  children?: Criterion[];
}

export interface TenderDocument {
  sha256: string;
  name: string;
  bidder: string | null;
  pages: number;
}

export interface Definition {
  /** SHA-256 of the document's octets, in base64url. */
  hash: string;
  title: string;
  method: string;
  weights: { technical: string; price: string };
  bidders: { id: string; name: string; code: string; price: string }[];
  criteria: Criterion[];
  compliance: { id: string; name: string }[];
  documents: TenderDocument[];
}

/** A criterion that is scored, under the headings that it stands under. */
export interface Leaf {
  id: string;
  name: string;
  max: string;
  path: string[];
}

/** The octets are not those that the log names. */
export class ObjectRefused extends Error {
  readonly code = "object-mismatch";
}

export async function object(proceeding: string, hash: string): Promise<Uint8Array<ArrayBuffer>> {
  const path = { id: proceeding, sha256: hex(hash) };
  const data = await octets<GetObjectData>("GET", "/v1/proceedings/{id}/objects/{sha256}", { path });
  const found = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  const said = Array.from(found, (octet) => octet.toString(16).padStart(2, "0")).join("");
  if (said !== path.sha256) throw new ObjectRefused(hash);
  return data;
}

export async function loadDefinition(proceeding: string, hash: string): Promise<Definition> {
  const read = JSON.parse(new TextDecoder().decode(await object(proceeding, hash))) as Definition;
  return { ...read, hash };
}

/** The names on the page are not those of the definition that the seat has proven, and that its seals are bound to. */
export class DefinitionDiffers extends Error {
  readonly code = "definition-differs";
}

/** DefinitionDiffers where the server names another definition than the one that this seat has proven (gate G1). */
export function demandProven({ hash }: Definition, { definition }: Gate): void {
  if (hash !== b64u(definition)) throw new DefinitionDiffers(hash);
}

/** The leaves in the definition's order. */
export function leaves(criteria: readonly Criterion[], path: string[] = []): Leaf[] {
  return criteria.flatMap((each) =>
    each.children?.length
      ? leaves(each.children, [...path, each.name])
      : [{ id: each.id, name: each.name, max: each.max ?? "0.00", path }],
  );
}

/** A name for each document that no other has: bidders may give one name to different files. */
export function documentNames(definition: Definition): Map<string, string> {
  const bidders = new Map(definition.bidders.map((bidder) => [bidder.id, bidder.name]));
  const plain = definition.documents.map((each) => {
    const bidder = each.bidder === null ? null : bidders.get(each.bidder) ?? each.bidder;
    return bidder === null ? each.name : `${bidder} · ${each.name}`;
  });
  return new Map(
    definition.documents.map((each, i) => {
      const name = plain[i] ?? each.name;
      const twins = plain.filter((other) => other === name).length > 1;
      // The first octets of the hash tell twins apart, and stand on the check page, too.
      return [each.sha256, twins ? `${name}（${hex(each.sha256).slice(0, 8)}）` : name];
    }),
  );
}
