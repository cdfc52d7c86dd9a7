/** What the operator's parts share: the seat with its key, and one way to act with words for every refusal. */
import { computed, inject, onBeforeUnmount, provide, reactive, ref, shallowReactive, shallowRef, watch, type InjectionKey, type Ref, type ShallowRef } from "vue";
import { call } from "../../api/call.ts";
import type { VouchForBidderData, VouchForBidderResponses } from "../../api/generated/index.ts";
import { codeOf, Problem } from "../../api/problem.ts";
import type { JsonObject } from "../../crypto/canonical.ts";
import type { Seat } from "../../crypto/seat.ts";
import type { Performing } from "../../parts/choice.ts";
import { useProceeding, type Proceeding } from "../../state/proceeding.ts";
import { type Returning, useReturning } from "../../state/returning.ts";
import { openOwnSeat } from "../../state/seat.ts";
import { useVenues } from "../../state/venues.ts";
import { BIDDER_KEY } from "./initiatives.ts";

export interface Desk {
  proceeding: Proceeding;
  /** The seat itself, once its key is open. */
  seat: Readonly<ShallowRef<Seat | null>>;
  /** Why the seat cannot be opened: a code, or empty. */
  problem: Readonly<Ref<string>>;
  /** This device's key acts for the seat. */
  ready: Readonly<Ref<boolean>>;
  main: Readonly<Ref<boolean>>;
  /** Names of acts that are under way. */
  busy: Set<string>;
  /** The newest refusal: which act, and its code. */
  refused: Readonly<Ref<{ act: string; code: string } | null>>;
  clear(): void;
  /** Sign and hand in; true once the log holds it. */
  act(name: string, body: JsonObject): Promise<boolean>;
  /** The same for a form, which tells a refusal itself. */
  acting: Performing;
  /** A seat, room, venue or city as people call it. */
  name(id: string): string;
  /** The same for a part of the page that has its own words for a refusal, which is thrown. */
  perform(name: string, body: JsonObject): Promise<void>;
  /** Coming back after a cut. */
  returning: Returning;
  /** Open the seat's key, when this device has been vouched for. */
  open(): Promise<void>;
}

const KEY: InjectionKey<Desk> = Symbol("operator's desk");

export function useDesk(): Desk {
  const desk = inject(KEY);
  if (!desk) throw new Error("outside the operator's page");
  return desk;
}

export function provideDesk(): Desk {
  const proceeding = useProceeding();
  const seat = shallowRef<Seat | null>(null);
  const problem = ref("");
  const refused = ref<{ act: string; code: string } | null>(null);
  const busy = reactive(new Set<string>());
  let left = false;
  let opening: Promise<void> | null = null;

  async function openNow(): Promise<void> {
    if (seat.value) return;
    problem.value = "";
    try {
      const opened = await openOwnSeat(() => left);
      seat.value = opened;
      await opened?.resubmit().catch(() => undefined);
    } catch (error) {
      problem.value = codeOf(error);
    }
  }

  function open(): Promise<void> {
    opening ??= openNow().finally(() => (opening = null));
    return opening;
  }

  async function act(name: string, body: JsonObject): Promise<boolean> {
    if (busy.has(name) || !seat.value) return false;
    busy.add(name);
    refused.value = null;
    try {
      await seat.value.perform(name, body);
      return true;
    } catch (error) {
      refused.value = { act: name, code: codeOf(error) };
      return false;
    } finally {
      busy.delete(name);
    }
  }

  const acting: Performing & { busy: boolean; code: string } = shallowReactive({ busy: false, code: "", perform: submit });

  async function submit(name: string, body: JsonObject): Promise<boolean> {
    if (acting.busy || !seat.value) return false;
    Object.assign(acting, { busy: true, code: "" });
    try {
      if (name === BIDDER_KEY) await nameBidderKey(body);
      else await seat.value.perform(name, body);
      return true;
    } catch (error) {
      acting.code = codeOf(error);
      return false;
    } finally {
      acting.busy = false;
    }
  }

  async function nameBidderKey(body: JsonObject): Promise<void> {
    const { question, jwk } = body as unknown as { question: string; jwk: VouchForBidderData["body"]["jwk"] };
    const path = { id: proceeding.id, question };
    await call<VouchForBidderData, VouchForBidderResponses>("POST", "/v1/proceedings/{id}/questions/{question}/vouch", { path, body: { jwk } });
  }

  async function perform(name: string, body: JsonObject): Promise<void> {
    if (!seat.value) throw new Problem(0, problem.value || "unknown-key");
    await seat.value.perform(name, body);
  }

  const view = computed(() => proceeding.view);
  const venues = useVenues(() => view.value);

  function name(id: string): string {
    if (view.value?.rooms[id]) return venues.room(id);
    return view.value?.venues[id] ? venues.venue(id) : venues.party(id);
  }
  watch(
    () => view.value?.me.bound === true,
    (bound) => bound && void open(),
    { immediate: true },
  );
  onBeforeUnmount(() => {
    left = true;
    seat.value?.close();
  });
  const desk: Desk = {
    proceeding,
    seat,
    problem,
    ready: computed(() => seat.value !== null && view.value?.me.bound === true && view.value.me.vouched === seat.value.device.thumbprint),
    main: computed(() => view.value?.venues[view.value.me.venue ?? ""]?.kind === "main"),
    busy,
    refused,
    clear: () => (refused.value = null),
    act,
    acting,
    name,
    perform,
    returning: useReturning(seat, () => proceeding.view),
    open,
  };
  provide(KEY, desk);
  return desk;
}
