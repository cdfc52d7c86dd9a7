/** Names of the documents for pages that need nothing else of the definition; a room's machine is not told them. */
import { shallowRef, watch, type ShallowRef } from "vue";
import type { Proceeding } from "../../state/proceeding.ts";
import { documentNames, loadDefinition } from "./definition.ts";

export function useDocumentNames(proceeding: Proceeding): Readonly<ShallowRef<ReadonlyMap<string, string>>> {
  const names = shallowRef<ReadonlyMap<string, string>>(new Map());
  let named = "";
  async function name(): Promise<void> {
    const { definition = null, me } = proceeding.view ?? {};
    if (definition === null || definition === named || me?.role === "room") return;
    named = definition;
    try {
      names.value = documentNames(await loadDefinition(proceeding.id, definition));
    } catch {
      // No line, or not yet for this seat: the next entry is the next occasion, and until then the digest stands there.
      named = "";
    }
  }
  watch(() => [proceeding.view?.definition, proceeding.size], () => void name(), { immediate: true });
  return names;
}
