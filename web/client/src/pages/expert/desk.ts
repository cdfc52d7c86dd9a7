/** What the expert's pages share: the seat with its key, drafts, the definition and its names. */
import { computed, inject, onBeforeUnmount, provide, ref, shallowRef, watch, type InjectionKey, type Ref } from "vue";
import { useI18n } from "vue-i18n";
import type { Drafts } from "../../crypto/drafts.ts";
import type { Answered } from "../../crypto/device.ts";
import type { Seat } from "../../crypto/seat.ts";
import type { Proceeding } from "../../state/proceeding.ts";
import { useProceeding } from "../../state/proceeding.ts";
import { me } from "../../state/session.ts";
import { tender } from "../../state/tender.ts";
import { documentNames, loadDefinition, type Definition } from "./definition.ts";

/** Another tab that is just giving the seat up needs a moment to close its store. */
const HAND_OVER_MS = 5000;
const AGAIN_MS = 250;

export interface Desk {
  proceeding: Proceeding;
  seat: Readonly<Ref<Seat | null>>;
  drafts: Readonly<Ref<Drafts | null>>;
  definition: Readonly<Ref<Definition | null>>;
  /** Why there is no seat: a code, or "" while it opens or once it stands. */
  problem: Readonly<Ref<string>>;
  /** The key of this device is the one that acts for the seat. */
  ready: Readonly<Ref<boolean>>;
  documents: Readonly<Ref<Map<string, string>>>;
  bidder(id: string): string;
  member(seat: string): string;
  /** This device's newest accepted act of a name, for the confirmation after a reload. */
  done(act: string, fits?: (body: Record<string, unknown>) => boolean): Answered | null;
  retry(): void;
}

/** Counts what was done, because the seat's journal is no reactive thing. */
const beat = ref(0);
const KEY: InjectionKey<Desk> = Symbol("desk");

export function useDesk(): Desk {
  const desk = inject(KEY);
  if (!desk) throw new Error("outside the expert's seat");
  return desk;
}

export function provideDesk(): Desk {
  const { t } = useI18n();
  const proceeding = useProceeding();
  const seat = shallowRef<Seat | null>(null);
  const drafts = shallowRef<Drafts | null>(null);
  const definition = shallowRef<Definition | null>(null);
  const problem = ref("");
  let left = false;

  async function open(): Promise<void> {
    const who = me.value;
    if (!who) return;
    problem.value = "";
    try {
      const [{ openSeat }, { openDrafts }] = await Promise.all([
        import("../../crypto/open.ts"),
        import("../../crypto/drafts.ts"),
      ]);
      drafts.value ??= await openDrafts(who.origin, who.seat);
      const until = Date.now() + HAND_OVER_MS;
      for (;;) {
        try {
          seat.value = await openSeat(who);
          break;
        } catch (error) {
          if (code(error) !== "seat-in-use" || Date.now() > until || left) throw error;
          await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
        }
      }
      if (left) return close();
      await seat.value.resubmit();
      beat.value += 1;
    } catch (error) {
      problem.value = code(error);
    }
  }

  function close(): void {
    left = true;
    seat.value?.close();
    seat.value = null;
    drafts.value?.close();
  }

  const view = computed(() => proceeding.view);
  // The seat's own centre vouched for this very key: then it says so in the log by itself.
  watch([seat, () => view.value?.me.vouched, () => view.value?.me.bound], ([mine, vouched, bound]) => {
    if (mine && vouched === mine.device.thumbprint && bound === false) {
      mine.bind().catch((error: unknown) => (problem.value = code(error)));
    }
  });
  watch(
    () => view.value?.definition ?? null,
    async (hash) => {
      if (hash === null) return;
      try {
        definition.value = await loadDefinition(proceeding.id, hash);
        tender.title = definition.value.title;
      } catch (error) {
        problem.value = code(error);
      }
    },
    { immediate: true },
  );
  onBeforeUnmount(close);
  void open();

  const bidders = computed(() => new Map(definition.value?.bidders.map(({ id, name }) => [id, name])));
  const members = computed(() => new Map(definition.value?.members.map((each) => [each.seat, each.name])));
  const desk: Desk = {
    proceeding,
    seat,
    drafts,
    definition,
    problem,
    ready: computed(() => seat.value !== null && view.value?.me.bound === true && view.value.me.vouched === seat.value.device.thumbprint),
    documents: computed(() => (definition.value ? documentNames(definition.value) : new Map<string, string>())),
    bidder: (id) => bidders.value.get(id) ?? id,
    member(id) {
      const role = view.value?.seats?.[id]?.role;
      return members.value.get(id) ?? (role === undefined ? id : `${t(`roles.${role}`)} ${id}`);
    },
    done(act, fits = () => true) {
      void beat.value;
      const found = seat.value?.device.answered.filter((each) => each.act.act === act && fits(each.act.body));
      return found?.at(-1) ?? null;
    },
    retry: () => void open(),
  };
  provide(KEY, desk);
  return desk;
}

/** The stable code of whatever was thrown. */
export function code(error: unknown): string {
  if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "string") return error.code;

  return "internal";
}

/** One irreversible thing at a time: busy, and the code of what went wrong. */
export function useDoing(): {
  busy: Ref<boolean>;
  failed: Ref<string>;
  run: <T>(work: () => Promise<T>) => Promise<T | null>;
} {
  const busy = ref(false);
  const failed = ref("");
  return {
    busy,
    failed,
    async run(work) {
      if (busy.value) return null;
      busy.value = true;
      failed.value = "";
      try {
        return await work();
      } catch (error) {
        failed.value = code(error);
        return null;
      } finally {
        busy.value = false;
        beat.value += 1;
      }
    },
  };
}
