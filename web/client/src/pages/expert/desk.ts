/** What the expert's pages share: the seat with its key, drafts, the definition and its names. */
import { computed, inject, onBeforeUnmount, provide, ref, shallowRef, watch, type InjectionKey, type Ref } from "vue";
import { useI18n } from "vue-i18n";
import type { Drafts } from "../../crypto/drafts.ts";
import type { Act } from "../../crypto/act.ts";
import type { Answered } from "../../crypto/device.ts";
import type { Seat } from "../../crypto/seat.ts";
import type { Proceeding } from "../../state/proceeding.ts";
import { useProceeding } from "../../state/proceeding.ts";
import { openOwnSeat } from "../../state/seat.ts";
import { me } from "../../state/session.ts";
import { toldNames, type Told } from "../../state/names.ts";
import { tender } from "../../state/tender.ts";
import { useVenues } from "../../state/venues.ts";
import { demandProven, documentNames, loadDefinition, type Definition } from "./definition.ts";
import { Papers } from "./papers.ts";

/** protocols.md section 6: a line that is away for this long is said to be cut, and the seat goes on by itself. */
const CUT_MS = 5000;
/** How long a request is tried again while the seat has a line; without one nobody waits for it. */
const PATIENCE_MS = 120_000;

/** What stops the seat at once; a gate that is not proven yet, or a server that is away, does not: what needs the proof
 * asks again. */
const LIES = new Set(["definition-differs", "record-untrusted"]);

export interface Desk {
  proceeding: Proceeding;
  seat: Readonly<Ref<Seat | null>>;
  drafts: Readonly<Ref<Drafts | null>>;
  definition: Readonly<Ref<Definition | null>>;
  /** Why there is no seat, or no definition: a code, or "" while they come and once they stand. */
  problem: Readonly<Ref<string>>;
  /** The key of this device is the one that acts for the seat. */
  ready: Readonly<Ref<boolean>>;
  documents: Readonly<Ref<Map<string, string>>>;
  papers: Papers;
  bidder(id: string): string;
  /** The name where this seat is told it, else the role and the seat. */
  member(seat: string): string;
  /** Organisation, where it is told, and venue. */
  about(seat: string): string;
  /** This device's newest accepted act of a name, for the confirmation after a reload. */
  done(act: string, fits?: (body: Record<string, unknown>) => boolean): Answered | null;
  /** What this device has signed and the record does not hold yet: while cut off, or when the line broke. */
  away(act: string, fits?: (body: Record<string, unknown>) => boolean): Act | null;
  /** The line has been away for so long that the seat goes on by itself. */
  cut: Readonly<Ref<boolean>>;
  /** Once more what failed: the definition where there is none, the seat where it is closed, what it has to post. */
  retry(): void;
}

/** Counts what was done, because the seat's journal is no reactive thing. */
const beat = ref(0);
export const changed = (): void => void (beat.value += 1);
const KEY: InjectionKey<Desk> = Symbol("desk");

export function useDesk(): Desk {
  const desk = inject(KEY);
  if (!desk) throw new Error("outside the expert's seat");
  return desk;
}

export function provideDesk(): Desk {
  const { t } = useI18n();
  const proceeding = useProceeding();
  const venues = useVenues(() => proceeding.view);
  const seat = shallowRef<Seat | null>(null);
  const drafts = shallowRef<Drafts | null>(null);
  const definition = shallowRef<Definition | null>(null);
  const problem = ref("");
  /** Why there is no definition: a code of its own, since it is asked for again without the seat. */
  const unread = ref("");
  let left = false;
  let opening = false;

  /** Opens the seat where it is closed, posts what has no answer yet, and binds a key that was vouched for. */
  async function open(): Promise<void> {
    const who = me.value;
    if (!who || opening) return;
    opening = true;
    problem.value = "";
    try {
      const [{ openDrafts }] = await Promise.all([import("../../crypto/drafts.ts"), import("../../crypto/open.ts")]);
      drafts.value ??= await openDrafts(who.origin, who.seat);
      // Open already, it would be in the way of itself.
      seat.value ??= await openOwnSeat(() => left);
      if (left || seat.value === null) return close();
      await seat.value.resubmit();
      beat.value += 1;
      await bind();
    } catch (error) {
      problem.value = code(error);
    } finally {
      opening = false;
    }
  }

  async function load(): Promise<void> {
    const hash = view.value?.definition ?? null;
    if (hash === null || definition.value !== null) return;
    unread.value = "";
    try {
      definition.value = await loadDefinition(proceeding.id, hash);
      tender.title = definition.value.title;
    } catch (error) {
      if (definition.value === null) unread.value = code(error);
    }
  }

  function close(): void {
    left = true;
    seat.value?.close();
    seat.value = null;
    drafts.value?.close();
  }

  const view = computed(() => proceeding.view);
  /** The seat's own centre vouched for this very key: then it says so in the log by itself. */
  async function bind(): Promise<void> {
    const { vouched = null, bound = true } = view.value?.me ?? {};
    if (vouched === seat.value?.device.thumbprint && !bound) await seat.value?.bind();
  }
  watch([seat, () => view.value?.me.vouched, () => view.value?.me.bound], () => void bind().catch((error: unknown) => (problem.value = code(error))));
  watch(
    () => view.value?.definition ?? null,
    () => {
      definition.value = null;
      void load();
    },
    { immediate: true },
  );
  // Names come from the definition that the server names, until the seat has proven which one it is; then another one's
  // are taken away. Proven early also because without a network the seat seals to holders that it has proven.
  watch([definition, seat, () => view.value?.todo.join(" ")], async ([named, mine]) => {
    if (!named || !mine) return;
    try {
      demandProven(named, await mine.gate());
    } catch (error) {
      if (!LIES.has(code(error))) return;
      definition.value = null;
      problem.value = code(error);
    }
  });
  const cut = ref(false);
  let cutting: ReturnType<typeof setTimeout> | undefined;
  watch(
    () => proceeding.status.phase,
    (phase) => {
      clearTimeout(cutting);
      if (phase === "open") {
        cut.value = false;
        if (unread.value !== "") void load();
      } else cutting = setTimeout(() => (cut.value = true), CUT_MS);
    },
    { immediate: true },
  );
  // Another centre has looked: the log goes on, and so does this seat.
  watch(() => view.value?.continued?.confirmed, (is) => is && problem.value === "not-confirmed" && void open());
  watch([seat, cut], ([mine, is]) => mine && (mine.client.patienceMs = is ? 0 : PATIENCE_MS));
  // What only this device can do, and asks nobody: the same sheet to other holders, or opened where holders cannot.
  watch([seat, () => view.value?.todo.join(" ")], async ([mine]) => {
    const [todo, round, version] = [view.value?.todo ?? [], view.value?.round, view.value?.holders];
    if (!mine || !round) return;
    try {
      if (todo.includes("sheet.reseal")) await mine.resealSheet({ number: round.round, version: version ?? 1 });
      if (todo.includes("sheet.author_open")) await mine.openOwn(round.purpose, round.round);
    } catch (error) {
      problem.value = code(error);
    }
  });
  onBeforeUnmount(() => {
    clearTimeout(cutting);
    close();
  });
  void open();

  const bidders = computed(() => new Map(definition.value?.bidders.map(({ id, name }) => [id, name])));
  // More of them are told when check-in ends, when somebody joins later, and in the end.
  const names = shallowRef<Told>({});
  watch(
    [() => view.value?.stage, () => view.value?.gate, () => Object.keys(view.value?.seats ?? {}).length],
    async () => {
      names.value = await toldNames(proceeding.id).catch(() => names.value);
    },
    { immediate: true },
  );
  const desk: Desk = {
    proceeding,
    seat,
    drafts,
    definition,
    problem: computed(() => problem.value || unread.value),
    ready: computed(() => seat.value !== null && view.value?.me.bound === true && view.value.me.vouched === seat.value.device.thumbprint),
    papers: new Papers(proceeding.id),
    documents: computed(() => (definition.value ? documentNames(definition.value) : new Map<string, string>())),
    bidder: (id) => bidders.value.get(id) ?? id,
    member(id) {
      const role = view.value?.seats?.[id]?.role;
      return names.value[id]?.[0] ?? (role === undefined ? id : `${t(`roles.${role}`)} ${id}`);
    },
    about(id) {
      const place = venues.venue(view.value?.seats?.[id]?.venue ?? "");
      return [names.value[id]?.[1] ?? "", place].filter(Boolean).join(" · ");
    },
    cut,
    away(act, fits = () => true) {
      void beat.value;
      const { offline, pending } = seat.value?.device ?? { offline: [], pending: null };
      return [...offline, ...(pending ? [pending] : [])].find((each) => each.act === act && fits(each.body)) ?? null;
    },
    done(act, fits = () => true) {
      void beat.value;
      const found = seat.value?.device.answered.filter((each) => each.act.act === act && fits(each.act.body));
      return found?.at(-1) ?? null;
    },
    retry() {
      void load();
      void open();
    },
  };
  provide(KEY, desk);
  return desk;
}

/** The stable code of whatever was thrown. */
export function code(error: unknown): string {
  if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "string") return error.code;

  return "internal";
}

/** The seat once its key is open, also for who presses at once; what keeps it closed is thrown. */
export function opened({ seat, problem }: Desk): Promise<Seat> {
  return new Promise((resolve, reject) => {
    const look = (): boolean => {
      if (seat.value) resolve(seat.value);
      else if (problem.value) reject(Object.assign(new Error(problem.value), { code: problem.value }));
      return seat.value !== null || problem.value !== "";
    };
    if (look()) return;
    const stop = watch([seat, problem], () => look() && stop());
  });
}

/** One irreversible thing at a time, by this seat: busy, and the code of what went wrong. */
export function useDoing(): {
  busy: Ref<boolean>;
  failed: Ref<string>;
  run: <T>(work: (seat: Seat) => Promise<T>) => Promise<T | null>;
} {
  const desk = useDesk();
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
        return await work(await opened(desk));
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
