/** Who sits in the committee: seats and names that the server tells this seat by now (docs/protocol.md 2.8). */
import { call } from "../api/call.ts";
import type { GetNamesData, GetNamesResponses, Names } from "../api/generated/index.ts";

export type Told = Names["names"];

export async function toldNames(id: string): Promise<Told> {
  const found = await call<GetNamesData, GetNamesResponses>("GET", "/v1/proceedings/{id}/names", { path: { id } });
  return found.names;
}
