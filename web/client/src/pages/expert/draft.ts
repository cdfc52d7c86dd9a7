/** A draft that follows what is typed: kept on this device, encrypted, a moment after the last key and when the page goes. */
import { onBeforeUnmount, ref, toRaw, watch, type Ref } from "vue";
import { useDesk } from "./desk.ts";

const SETTLE_MS = 250;
/** A disk that did not take the draft is tried again, also where nobody types. */
const AGAIN_MS = 5000;

export interface Draft {
  /** When it was last kept, in ms; null: nothing is kept yet. */
  keptAt: Ref<number | null>;
  /** The stored draft has been looked for. */
  loaded: Ref<boolean>;
  /** What stands on the page was stored earlier. */
  restored: Ref<boolean>;
  /** What was typed last is not on disk: the disk refused it. */
  unsaved: Ref<boolean>;
  /** The stored draft could not be read; nothing is kept until it is. */
  unread: Ref<boolean>;
  /** Looks for the stored draft once more. */
  reload(): void;
  drop(): Promise<void>;
}

export function useDraft<T>(name: () => string | null, value: Ref<T>, read: (stored: unknown) => T | null): Draft {
  const desk = useDesk();
  const keptAt = ref<number | null>(null);
  const loaded = ref(false);
  const restored = ref(false);
  const unsaved = ref(false);
  const unread = ref(false);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waiting = false;
  let touched = false;
  let gone = false;
  let known: string | null = null;

  async function keep(): Promise<void> {
    const where = name();
    if (!waiting || where === null || !desk.drafts.value) return;
    waiting = false;
    clearTimeout(timer);
    try {
      await desk.drafts.value.save(where, JSON.parse(JSON.stringify(toRaw(value.value))) as unknown);
      keptAt.value = Date.now();
      unsaved.value = false;
    } catch {
      unsaved.value = true;
      // What was typed meanwhile is newer, and has its own timer.
      if (!waiting && !gone && name() === where) later(AGAIN_MS);
    }
  }

  function later(ms: number): void {
    waiting = true;
    clearTimeout(timer);
    timer = setTimeout(() => void keep(), ms);
  }

  async function load(): Promise<void> {
    const [where, drafts] = [name(), desk.drafts.value];
    // What is on the screen is newer than what was stored of it: each draft is looked for once.
    if (where === null || drafts === null || where === known) return;
    [loaded.value, unread.value] = [false, false];
    try {
      const found = read(await drafts.load(where));
      if (name() !== where) return;
      known = where;
      restored.value = found !== null && !touched;
      if (touched) later(SETTLE_MS);
      else if (found !== null) value.value = found;
      loaded.value = true;
    } catch {
      if (name() === where) unread.value = true;
    }
  }

  watch(
    [name, desk.drafts],
    ([where], [before]) => {
      if (where !== before) touched = false;
      void load();
    },
    { immediate: true },
  );
  watch(
    value,
    () => {
      touched = true;
      if (loaded.value) later(SETTLE_MS);
    },
    { deep: true, flush: "sync" },
  );
  const now = () => void keep();
  addEventListener("pagehide", now);
  document.addEventListener("visibilitychange", now);
  onBeforeUnmount(() => {
    gone = true;
    removeEventListener("pagehide", now);
    document.removeEventListener("visibilitychange", now);
    now();
  });
  return {
    keptAt,
    loaded,
    restored,
    unsaved,
    unread,
    reload: () => void load(),
    async drop() {
      waiting = false;
      clearTimeout(timer);
      unsaved.value = false;
      const where = name();
      if (where !== null) await desk.drafts.value?.drop(where);
      keptAt.value = null;
    },
  };
}
