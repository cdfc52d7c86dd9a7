/** The tender's name in the top bar, and its bidders' names. Pages that have opened the definition say them. */
import { reactive, watch } from "vue";
import { hex } from "../api/base64.ts";
import { octets } from "../api/call.ts";
import type { GetObjectData } from "../api/generated/index.ts";
import type { Proceeding } from "./proceeding.ts";

export const tender = reactive({ title: "", rehearsal: false, bidders: {} as Readonly<Record<string, string>> });

/** For a page that needs nothing else of the definition: names tender and bidders once this seat may read it. */
export function useTitle(proceeding: Proceeding): void {
  let named = "";
  async function name(): Promise<void> {
    const definition = proceeding.view?.definition ?? "";
    if (definition === "" || definition === named) return;
    named = definition;
    try {
      const path = { id: proceeding.id, sha256: hex(definition) };
      const data = await octets<GetObjectData>("GET", "/v1/proceedings/{id}/objects/{sha256}", { path });
      const found = JSON.parse(new TextDecoder().decode(data)) as { title: string; bidders: { id: string; name: string }[] };
      tender.title = found.title;
      tender.bidders = Object.fromEntries(found.bidders.map(({ id, name: called }) => [id, called]));
    } catch {
      // Not yet for this seat, or no line: the next entry is the next occasion.
      named = "";
    }
  }
  watch(() => [proceeding.view?.definition, proceeding.size], () => void name(), { immediate: true });
}
