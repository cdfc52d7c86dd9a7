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
import { codeOf, Problem } from "../../api/problem.ts";
import { Missing } from "../../replay/octets.ts";
import { Player, type Refusal } from "../../replay/player.ts";
import { read, type Manifest } from "../../replay/recording.ts";
import type { Row } from "../../replay/timeline.ts";
import { me } from "../../state/session.ts";
import { NO_NAMES, namesOf, type Names } from "./names.ts";
import { Stated, type Standing } from "./stated.ts";

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
  /** What the hashes of the recordings rest on. */
  standing: Standing;
  load: () => Promise<void>;
  seek: (t: number) => void;
}

const PIECE = 500;
/** Never there, or deleted after its time: the server knows, and asking again is of no use. */
const GONE = new Set([404, 410]);

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
    standing: "asking",
    load: () => {
      turn += 1;
      const mine = turn;
      return load(desk, () => mine !== turn);
    },
    seek: (t: number) => desk.player?.seek(t),
  });
  let turn = 0;
  onBeforeUnmount(() => {
    turn += 1;
    desk.player?.close();
  });
  void desk.load();
  return desk;
}

/** What was loaded before stays on the page until the new is whole. `over`: the page was left, or asked again. */
async function load(desk: Desk, over: () => boolean): Promise<void> {
  desk.state = "loading";
  const path = { id: desk.id };
  try {
    const rows: Row[] = [];
    for (let size = 1; rows.length < size; ) {
      const query = { start: rows.length, limit: PIECE };
      const found = await call<GetTimelineData, GetTimelineResponses>("GET", "/v1/proceedings/{id}/timeline", { path, query });
      if (over()) return;
      const piece = found["rows"] as Row[];
      size = piece.length > 0 ? (found["size"] as number) : rows.length;
      rows.push(...piece);
    }
    const names = await namesOf(desk.id, rows).catch(() => desk.names);
    const manifest = await call<GetRecordingsData, GetRecordingsResponses>("GET", "/v1/proceedings/{id}/recordings", { path });
    if (over()) return;
    Object.assign(desk, { rows, names });
    open(desk, manifest as unknown as Manifest);
    desk.state = "ready";
  } catch (error) {
    if (over()) return;
    desk.code = codeOf(error);
    desk.state = "failed";
  }
}

/** A player of what is recorded now, at the place and in the motion of the one before. */
function open(desk: Desk, manifest: Manifest): void {
  const before = desk.player;
  before?.close();
  desk.player = null;
  if (manifest.tracks.length === 0 || !me.value) return;
  desk.standing = "asking";
  const stated = new Stated(me.value, manifest, (standing) => (desk.standing = standing));
  const player = new Player(read(manifest), async (sha256, signal) => {
    await stated.check(sha256);
    const path = { id: desk.id, sha256 };
    try {
      const data = await octets<GetRecordedData>("GET", "/v1/proceedings/{id}/recordings/{sha256}", { path, signal });
      return data.buffer;
    } catch (error) {
      throw error instanceof Problem && GONE.has(error.status) ? new Missing(sha256) : error;
    }
  });
  if (before) {
    player.seek(before.t);
    player.rate = before.rate;
    if (before.playing) player.play();
  }
  player.onLook(() => {
    Object.assign(desk, { t: player.t, playing: player.playing, waiting: player.waiting, rate: player.rate });
    const refusals = player.refusals();
    if (refusals.length !== desk.refusals.length) desk.refusals = refusals;
  });
  desk.player = player;
  desk.t = player.t;
}
