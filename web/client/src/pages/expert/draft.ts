/** A draft that follows what is typed: kept on this device, encrypted, a moment after the last key and when the page goes. */
import { onBeforeUnmount, ref, toRaw, watch, type Ref } from "vue";
import { useDesk } from "./desk.ts";

const SETTLE_MS = 250;

export function useDraft<T>(name: () => string | null, value: Ref<T>, read: (stored: unknown) => T | null): {
  /** When it was last kept, in ms; null: nothing is kept yet. */
  keptAt: Ref<number | null>;
  /** The stored draft has been looked for. */
  loaded: Ref<boolean>;
  /** What stands on the page was stored earlier. */
  restored: Ref<boolean>;
  drop(): Promise<void>;
} {
  const desk = useDesk();
  const keptAt = ref<number | null>(null);
  const loaded = ref(false);
  const restored = ref(false);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waiting = false;
  let touched = false;
  let known: string | null = null;

  async function keep(): Promise<void> {
    const where = name();
    if (!waiting || where === null || !desk.drafts.value) return;
    waiting = false;
    clearTimeout(timer);
    await desk.drafts.value.save(where, JSON.parse(JSON.stringify(toRaw(value.value))) as unknown);
    keptAt.value = Date.now();
  }

  watch(
    [name, desk.drafts],
    async ([where, drafts]) => {
      // What is on the screen is newer than what was stored of it: each draft is looked for once.
      if (where === null || drafts === null || where === known) return;
      [loaded.value, touched] = [false, false];
      const found = read(await drafts.load(where));
      if (name() !== where) return;
      known = where;
      restored.value = found !== null && !touched;
      if (found !== null && !touched) value.value = found;
      loaded.value = true;
    },
    { immediate: true },
  );
  watch(
    value,
    () => {
      touched = true;
      if (!loaded.value) return;
      waiting = true;
      clearTimeout(timer);
      timer = setTimeout(() => void keep(), SETTLE_MS);
    },
    { deep: true, flush: "sync" },
  );
  const now = () => void keep();
  addEventListener("pagehide", now);
  document.addEventListener("visibilitychange", now);
  onBeforeUnmount(() => {
    removeEventListener("pagehide", now);
    document.removeEventListener("visibilitychange", now);
    now();
  });
  return {
    keptAt,
    loaded,
    restored,
    async drop() {
      waiting = false;
      clearTimeout(timer);
      const where = name();
      if (where !== null) await desk.drafts.value?.drop(where);
      keptAt.value = null;
    },
  };
}
