/** Whom and what the log's ids stand for: the definition document says it, to those who may read it. */
import { hex } from "../../api/base64.ts";
import { octets } from "../../api/call.ts";
import type { GetObjectData } from "../../api/generated/index.ts";
import type { Row } from "../../replay/timeline.ts";
import { toldNames } from "../../state/names.ts";
import { tender } from "../../state/tender.ts";

export interface Names {
  title: string;
  bidders: Map<string, string>;
  members: Map<string, string>;
  documents: Map<string, string>;
}

export const NO_NAMES: Names = { title: "", bidders: new Map(), members: new Map(), documents: new Map() };

interface Definition {
  title?: string;
  bidders?: { id: string; name: string }[];
  documents?: { sha256: string; name: string }[];
}

/** From the definition document and the names that are told by now: the log itself holds ids only. */
export async function namesOf(id: string, rows: readonly Row[]): Promise<Names> {
  const fixed = rows.find((row) => row.type === "DefinitionFixed")?.said?.["sha256"];
  if (typeof fixed !== "string") throw new Error("no definition yet");
  const path = { id, sha256: hex(fixed) };
  const data = await octets<GetObjectData>("GET", "/v1/proceedings/{id}/objects/{sha256}", { path });
  const found = JSON.parse(new TextDecoder().decode(data)) as Definition;
  tender.title = found.title ?? "";
  return {
    title: found.title ?? "",
    bidders: new Map(found.bidders?.map(({ id: bidder, name }) => [bidder, name])),
    members: new Map(Object.entries(await toldNames(id)).map(([seat, [name]]) => [seat, name])),
    documents: new Map(found.documents?.map(({ sha256, name }) => [sha256, name])),
  };
}
