/** What the auditor's desk is made of: the timeline, the recording with its player, the names, and where it stands. */
import { onBeforeUnmount, shallowReactive } from "vue";
import { call, octets } from "../../api/call.ts";
import type {
  GetRecordedData,
  GetRecordingsData,
  GetRecordingsResponses,
  GetTimelineData,
  GetTimelineResponses,
} from "../../api/generated/index.ts";
import { codeOf } from "../../api/problem.ts";
import { Player, type Refusal } from "../../replay/player.ts";
import { read, type Manifest } from "../../replay/recording.ts";
import type { Row } from "../../replay/timeline.ts";
import { NO_NAMES, namesOf, type Names } from "./names.ts";

export interface Desk {
  id: string;
  state: "loading" | "ready" | "failed";
  code: string;
  rows: readonly Row[];
  player: Player | null;
  names: Names;
  /** Session time of the player, in ms since the epoch. */
  t: number;
  playing: boolean;
  waiting: boolean;
  rate: number;
  refusals: readonly Refusal[];
  load: () => Promise<void>;
  seek: (t: number) => void;
}

const PIECE = 500;

/** Loads once; the player lives as long as the component that called this. */
export function useDesk(id: string): Desk {
  const desk: Desk = shallowReactive({
    id,
    state: "loading",
    code: "",
    rows: [],
    player: null,
    names: NO_NAMES,
    t: 0,
    playing: false,
    waiting: false,
    rate: 1,
    refusals: [],
    load: () => load(desk),
    seek: (t: number) => desk.player?.seek(t),
  });
  onBeforeUnmount(() => desk.player?.close());
  void desk.load();
  return desk;
}

async function load(desk: Desk): Promise<void> {
  desk.state = "loading";
  const path = { id: desk.id };
  try {
    const rows: Row[] = [];
    for (let size = 1; rows.length < size; ) {
      const query = { start: rows.length, limit: PIECE };
      const found = await call<GetTimelineData, GetTimelineResponses>("GET", "/v1/proceedings/{id}/timeline", { path, query });
      const piece = found["rows"] as Row[];
      size = piece.length > 0 ? (found["size"] as number) : rows.length;
      rows.push(...piece);
    }
    desk.rows = rows;
    desk.names = await namesOf(desk.id, rows).catch(() => desk.names);
    const manifest = await call<GetRecordingsData, GetRecordingsResponses>("GET", "/v1/proceedings/{id}/recordings", { path });
    open(desk, manifest as unknown as Manifest);
    desk.state = "ready";
  } catch (error) {
    desk.code = codeOf(error);
    desk.state = "failed";
  }
}

function open(desk: Desk, manifest: Manifest): void {
  desk.player?.close();
  desk.player = null;
  if (manifest.tracks.length === 0) return;
  const player = new Player(read(manifest), async (sha256, signal) => {
    const path = { id: desk.id, sha256 };
    const data = await octets<GetRecordedData>("GET", "/v1/proceedings/{id}/recordings/{sha256}", { path, signal });
    return data.buffer;
  });
  player.onLook(() => {
    Object.assign(desk, { t: player.t, playing: player.playing, waiting: player.waiting, rate: player.rate });
    const refusals = player.refusals();
    if (refusals.length !== desk.refusals.length) desk.refusals = refusals;
  });
  desk.player = player;
  desk.t = player.t;
}
