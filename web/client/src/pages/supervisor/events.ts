/** The log's events for the wall: read once, then as the log grows. */
import { onBeforeUnmount, shallowRef, watch, type ShallowRef } from "vue";
import { call } from "../../api/call.ts";
import type { GetTimelineData, GetTimelineResponses } from "../../api/generated/index.ts";
import type { Row } from "../../replay/timeline.ts";
import type { Proceeding } from "../../state/proceeding.ts";

// Entries come in handfuls: one question for all of them.
const GATHER_MS = 400;
const RETRY_MS = 3_000;

export function useEvents(proceeding: Proceeding): ShallowRef<readonly Row[]> {
  const rows = shallowRef<readonly Row[]>([]);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking = false;

  async function more(): Promise<void> {
    asking = true;
    let wait = GATHER_MS;
    try {
      const query = { start: rows.value.length, limit: 500 };
      const path = { id: proceeding.id };
      const found = await call<GetTimelineData, GetTimelineResponses>("GET", "/v1/proceedings/{id}/timeline", { path, query });
      rows.value = [...rows.value, ...(found["rows"] as Row[])];
    } catch {
      wait = RETRY_MS;
    }
    asking = false;
    if (rows.value.length < proceeding.size) later(wait);
  }

  function later(wait: number): void {
    clearTimeout(timer);
    timer = setTimeout(() => void more(), wait);
  }

  watch(
    () => proceeding.size,
    () => !asking && rows.value.length < proceeding.size && later(GATHER_MS),
    { immediate: true },
  );
  onBeforeUnmount(() => clearTimeout(timer));
  return rows;
}
