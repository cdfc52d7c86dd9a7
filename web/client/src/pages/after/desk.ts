/** What the page's parts share: the view, who sits here with which key, and words for ids and days. */
import { computed, inject, onBeforeUnmount, provide, ref, shallowRef, watch, type ComputedRef, type InjectionKey, type Ref } from "vue";
import { useI18n } from "vue-i18n";
import { call } from "../../api/call.ts";
import type { GetAfterData, GetAfterResponses } from "../../api/generated/index.ts";
import { codeOf, Problem } from "../../api/problem.ts";
import { hex } from "../../crypto/bytes.ts";
import type { Choice } from "../../parts/choice.ts";
import { useActing, type Acting } from "../../state/acting.ts";
import { toldNames, type Told } from "../../state/names.ts";
import { useProceeding, type Proceeding } from "../../state/proceeding.ts";
import { me } from "../../state/session.ts";
import { useVenues } from "../../state/venues.ts";
import type { Who } from "./deeds.ts";
import type { AfterView } from "./view.ts";

// Others act, too, and nothing tells of it: the page looks again while somebody sees it, and sooner while it has nothing.
const LOOK_MS = 20_000;
const SOON_MS = 3000;

/** Where the newest act of this page stands in the centre log. */
export interface Stated {
  index: number;
  digest: string;
}

/** A form that is open: the act, and what is said above it. */
export interface Asked {
  choice: Choice;
  text: string;
}

export interface Desk {
  proceeding: Proceeding;
  view: Readonly<Ref<AfterView | null>>;
  /** Why the view could not be had, or had anew: a code, or empty. */
  failed: Readonly<Ref<string>>;
  acting: Acting;
  /** This device's key is the one that signs for the seat. */
  ready: ComputedRef<boolean>;
  who: ComputedRef<Who>;
  stated: Readonly<Ref<Stated | null>>;
  asked: Ref<Asked | null>;
  load(): Promise<void>;
  /** A venue by its city and whose key signs there, a person by the name; what is neither, as it is. */
  called(id: string): string;
  day(text: string): string;
  /** The word of a list of this area, or what it stands for. */
  word(list: string, key: string): string;
}

const KEY: InjectionKey<Desk> = Symbol("what follows");

export function useDesk(): Desk {
  const desk = inject(KEY);
  if (!desk) throw new Error("outside the page of what follows");
  return desk;
}

export function provideDesk(): Desk {
  const { t, te, d } = useI18n();
  const proceeding = useProceeding();
  const { whose } = useVenues(() => proceeding.view);
  const path = { id: proceeding.id };
  const view = shallowRef<AfterView | null>(null);
  const failed = ref("");
  const stated = shallowRef<Stated | null>(null);
  const names = shallowRef<Told>({});
  let looks = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function load(): Promise<void> {
    clearTimeout(timer);
    looks += 1;
    const look = looks;
    try {
      const found = await call<GetAfterData, GetAfterResponses>("GET", "/v1/proceedings/{id}/after", { path });
      if (look !== looks) return;
      view.value = found as unknown as AfterView;
      failed.value = "";
    } catch (error) {
      if (look === looks) failed.value = codeOf(error);
    } finally {
      if (look === looks) again();
    }
  }

  function rest(): void {
    looks += 1;
    clearTimeout(timer);
  }

  function again(): void {
    timer = setTimeout(() => (document.hidden ? again() : void load()), view.value ? LOOK_MS : SOON_MS);
  }

  const acting = useActing(async (seat, name, body) => {
    const chain = view.value?.chain;
    if (!chain) throw new Problem(403, "unknown-key");
    try {
      const { index, leaf } = await seat.performAfter(name, body, chain);
      stated.value = { index, digest: hex(leaf) };
    } finally {
      // Whoever acted meanwhile: the newest view says where the chain is now.
      await load();
    }
  });

  // Before the end there is nothing to see, and everybody is named after it. While the meeting's own view has not come, the server is asked.
  watch(
    () => proceeding.view?.gate ?? "closed",
    async (gate) => {
      if (gate !== "closed") return rest();
      await load();
      names.value = await toldNames(proceeding.id).catch(() => names.value);
    },
    { immediate: true },
  );
  onBeforeUnmount(rest);

  const mine = computed(() => proceeding.view?.me ?? null);
  const desk: Desk = {
    proceeding,
    view,
    failed,
    acting,
    ready: computed(() => acting.state === "ready" && Boolean(view.value?.chain) && mine.value?.vouched === acting.thumbprint),
    who: computed(() => {
      const { seat, role } = { seat: me.value?.seat ?? "", role: me.value?.role ?? "" };
      return { seat, role, venue: mine.value?.venue ?? "", main: role === "operator" && view.value?.kinds !== undefined };
    }),
    stated,
    asked: shallowRef(null),
    load,
    called(id) {
      if (proceeding.view?.venues[id]) return whose(id);
      const name = names.value[id]?.[0];
      return name === undefined ? id : t("after.called", { name, id });
    },
    day: (text) => d(new Date(`${text}T00:00:00+08:00`), "day"),
    word: (list, key) => (te(`after.${list}.${key}`) ? t(`after.${list}.${key}`) : key),
  };
  provide(KEY, desk);
  return desk;
}
