/** What comparing the bids showed, once the server says that this seat may read it. */
import { ref, shallowRef, watch, type Ref, type ShallowRef } from "vue";
import { call } from "../api/call.ts";
import type { Advice, GetAdviceData, GetAdviceResponses } from "../api/generated/index.ts";
import { Problem } from "../api/problem.ts";
import type { Proceeding } from "../state/proceeding.ts";

/** How a document was read that was compared in full; every other word says what is missing. */
export const WHOLE = "whole";

export function useAdvice(proceeding: Proceeding): { advice: Readonly<ShallowRef<Advice | null>>; failed: Readonly<Ref<string>> } {
  const advice = shallowRef<Advice | null>(null);
  const failed = ref("");
  watch(
    () => proceeding.view?.advice?.sha256 ?? null,
    async (hash) => {
      advice.value = null;
      failed.value = "";
      if (hash === null) return;
      try {
        advice.value = await call<GetAdviceData, GetAdviceResponses>("GET", "/v1/proceedings/{id}/advice", { path: { id: proceeding.id } });
      } catch (error) {
        failed.value = error instanceof Problem ? error.code : "internal";
      }
    },
    { immediate: true },
  );
  return { advice, failed };
}
