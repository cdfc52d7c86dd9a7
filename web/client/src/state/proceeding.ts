/**
 * The running proceeding as Vue sees it: the newest view, media, presence and the line's state.
 *
 * `useProceeding()` in a component connects while at least one component uses it; all share one socket. Entries are
 * heard with `live.on("entry", …)`; `from` of the first user decides whether the past is told, too.
 */
import { getCurrentInstance, onBeforeUnmount, shallowReactive, shallowRef, type ShallowRef } from "vue";
import { call } from "../api/call.ts";
import type { IssueSocketTicketData, IssueSocketTicketResponses } from "../api/generated/index.ts";
import { attend } from "../live/attention.ts";
import { measured } from "../live/clock.ts";
import { Live, type Status } from "../live/live.ts";
import type { Media, Presence, Screen } from "../live/messages.ts";
import type { View } from "../live/view.ts";
import { me } from "./session.ts";

export interface Proceeding {
  id: string;
  view: View | null;
  size: number;
  checkpoint: string | null;
  media: Media | null;
  presence: Presence;
  /** What the presenter looked at last. */
  screen: Screen | null;
  status: Status;
  /** Entries that this page has shown are gone, or the log goes on in another one: the page is about to begin anew. */
  renewing: boolean;
  live: Live;
}

/** Drafts are kept a quarter of a second after the last key (`pages/expert/draft.ts`), and no key is taken any more. */
const SETTLE_MS = 1500;

interface Shared {
  proceeding: Proceeding;
  users: number;
}

let shared: Shared | null = null;
const current = shallowRef<Proceeding | null>(null);

export function useProceeding(from: number | null = null): Proceeding {
  const id = me.value?.proceeding;
  if (!id) throw new Error("nobody is signed in");
  if (shared === null || shared.proceeding.id !== id) {
    shared?.proceeding.live.stop();
    shared = { proceeding: connect(id, from), users: 0 };
    current.value = shared.proceeding;
  }
  const used = shared;
  used.users += 1;
  if (getCurrentInstance()) onBeforeUnmount(() => leave(used));
  return used.proceeding;
}

/** The current one for parts that only show it; null before a page uses one. */
export function currentProceeding(): Readonly<ShallowRef<Proceeding | null>> {
  return current;
}

function leave(used: Shared): void {
  used.users -= 1;
  // The next page's component may take it over in the same turn.
  setTimeout(() => {
    if (used.users > 0) return;
    used.proceeding.live.stop();
    if (shared !== used) return;
    shared = null;
    current.value = null;
  });
}

function connect(id: string, from: number | null): Proceeding {
  const live = new Live({
    proceeding: id,
    resume: from,
    ticket: async () => {
      const path = { id };
      const url = "/v1/proceedings/{id}/socket-tickets";
      return (await call<IssueSocketTicketData, IssueSocketTicketResponses>("POST", url, { path })).ticket;
    },
  });
  const proceeding: Proceeding = shallowReactive({
    id,
    view: null,
    size: 0,
    checkpoint: null,
    media: null,
    presence: { venues: {}, devices: {}, lines: {}, losses: {} },
    screen: null,
    status: live.status,
    renewing: false,
    live,
  });
  /** What pages gathered of the log does not hold any more. */
  const renewed = (size: number, view: View | undefined): boolean => {
    const before = proceeding.view;
    if (before === null || proceeding.renewing) return proceeding.renewing;
    if (size >= proceeding.size && (view?.log ?? before.log) === before.log) return false;
    proceeding.renewing = document.body.inert = true;
    setTimeout(() => location.reload(), SETTLE_MS);
    return true;
  };
  live.watch((status) => {
    proceeding.status = status;
    measured(status.offset);
  });
  live.on("snapshot", ({ view, size, checkpoint, media, screen }) => {
    if (renewed(size, view)) return;
    Object.assign(proceeding, { view: merged(proceeding.view, view), size, checkpoint, media, screen });
  });
  live.on("entry", ({ n, view }) => {
    // A resumed past is told in order; the newest view comes with its last entry.
    if (renewed(Math.max(proceeding.size, n + 1), view)) return;
    proceeding.size = Math.max(proceeding.size, n + 1);
    if (view) proceeding.view = merged(proceeding.view, view);
  });
  live.on("checkpoint", ({ note }) => (proceeding.checkpoint = note));
  live.on("media", (media) => (proceeding.media = media));
  live.on("screen", (screen) => (proceeding.screen = screen));
  live.on("presence", (presence) => (proceeding.presence = presence));
  const silent = attend(live, () => proceeding.view?.me.role);
  live.watch((status) => {
    if (status.phase === "ended") silent();
  });
  live.start();
  return proceeding;
}

/** The new view in the place of the old one: what did not change is not shown anew, so that a page turns at once. */
function merged(before: View | null, view: View): View {
  if (before === null) return shallowReactive(view);
  const [old, fresh] = [before as unknown as Record<string, unknown>, view as unknown as Record<string, unknown>];
  for (const part of new Set([...Object.keys(old), ...Object.keys(fresh)])) {
    if (!(part in fresh)) delete old[part];
    else if (JSON.stringify(old[part]) !== JSON.stringify(fresh[part])) old[part] = fresh[part];
  }
  return before;
}

// The network's own news shorten the wait.
addEventListener("online", () => shared?.proceeding.live.retryNow());
