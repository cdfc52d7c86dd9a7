/** What the rooms send, live: one connection of the page, for as long as its component stands. */
import { onBeforeUnmount, shallowReactive, watch } from "vue";
import { Watch, type WatchState } from "../call/watch.ts";
import type { Proceeding } from "./proceeding.ts";

export interface Watching {
  /** Sound and picture of each room that sends. */
  rooms: Record<string, MediaStream>;
  /** Each room's shared picture; it stands large where the page has place for it. */
  documents: Record<string, MediaStream>;
  state: WatchState;
}

/** It asks for the rooms before the page knows anything of the proceeding, unless or until they are not `wanted`. */
export function useWatching(proceeding: Proceeding, wanted: () => boolean = () => true): Watching {
  const watching = shallowReactive({ rooms: shallowReactive({}), documents: shallowReactive({}), state: "connecting" }) as Watching;
  const call = new Watch(proceeding.id, {
    room: (room, stream) => (watching.rooms[room] = stream),
    document: (room, stream) => (watching.documents[room] = stream),
    state: (state) => (watching.state = state),
  });
  watch(
    () => (!wanted() ? null : proceeding.media === null ? undefined : proceeding.media.engine),
    (engine) => {
      if (engine === null) call.stop();
      else call.by(engine ?? null);
    },
    { immediate: true },
  );
  onBeforeUnmount(() => call.stop());
  return watching;
}
