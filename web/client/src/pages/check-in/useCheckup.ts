/** The course of a device check: which item stands where, and what is on. */
import { computed, onBeforeUnmount, reactive, shallowRef } from "vue";
import { faultOf, hasSpeaker, listDevices, preferred, remember, type Device } from "../../call/devices.ts";
import { brightness, checkBrowser, judgeClock, judgeLine, judgePicture, judgeVoice, type Found } from "../../call/checkup.ts";
import { checkLine, LoopbackFailed } from "../../call/loopback.ts";
import { Meter } from "../../call/meter.ts";
import type { Proceeding } from "../../state/proceeding.ts";
import { useQuestion } from "./question.ts";

export const ITEMS = ["browser", "socket", "clock", "picture", "voice", "speaker", "line"] as const;
export type Item = (typeof ITEMS)[number];
export interface Standing {
  state: "waiting" | "running" | "good" | "warn" | "bad";
  code: string;
  figures: Record<string, string | number>;
}

const SOCKET_MS = 10_000;
const PICTURE_MS = 1500;
const VOICE_MS = 5000;
const LINE_S = 6;
const QUIET = -100;
const UNANSWERED: Found = { verdict: "bad", code: "unanswered" };

// What a seat cannot do without; rooms need their picture and their line, too.
const NEEDED: Item[] = ["browser", "socket"];
const ROOM_NEEDS: Item[] = ["picture", "voice", "line"];

export function useCheckup(proceeding: Proceeding, room: boolean) {
  const items = reactive(Object.fromEntries(ITEMS.map((item) => [item, fresh()])) as Record<Item, Standing>);
  const devices = shallowRef<Device[]>([]);
  const camera = shallowRef<MediaStreamTrack | null>(null);
  const microphone = shallowRef<MediaStreamTrack | null>(null);
  const level = shallowRef(QUIET);
  const progress = shallowRef(0);
  const busy = shallowRef(false);
  const begun = shallowRef(false);
  const question = useQuestion();
  let meter: Meter | null = null;
  let loudest = QUIET;
  const needed = new Set<Item>(room ? [...NEEDED, ...ROOM_NEEDS] : NEEDED);

  const CHECKS: Record<Exclude<Item, "speaker">, () => Promise<Found>> = {
    browser: checkBrowser,
    socket: async () => {
      const open = await until(() => proceeding.status.phase === "open" && proceeding.status.rtt !== null, SOCKET_MS);
      return open ? good({ rtt: proceeding.status.rtt ?? 0 }) : { verdict: "bad", code: "bad" };
    },
    clock: async () => judgeClock(proceeding.status.offset),
    picture: () => useCamera(),
    voice: () => useMicrophone(),
    line: async () => {
      const tracks = { camera: camera.value, microphone: microphone.value };
      try {
        return judgeLine(await checkLine(proceeding.id, tracks, LINE_S, (part) => (progress.value = part)));
      } catch (error) {
        if (!(error instanceof LoopbackFailed)) throw error;
        return { verdict: "bad", code: error.stage, figures: { code: error.code ?? "" } };
      }
    },
  };

  async function useCamera(id?: string): Promise<Found> {
    camera.value?.stop();
    camera.value = null;
    const track = await question.ask("videoinput", id ?? preferred(devices.value, "videoinput")?.id);
    if (track === null) return UNANSWERED;
    camera.value = track;
    track.addEventListener("ended", () => gone("picture"));
    await refresh();
    const video = document.createElement("video");
    video.muted = true;
    video.srcObject = new MediaStream([track]);
    await video.play().catch(() => undefined);
    await wait(PICTURE_MS);
    const found = judgePicture(brightness(video), video.videoWidth, video.videoHeight);
    video.srcObject = null;
    return found;
  }

  async function useMicrophone(id?: string): Promise<Found> {
    meter?.stop();
    microphone.value?.stop();
    microphone.value = null;
    const track = await question.ask("audioinput", id ?? preferred(devices.value, "audioinput")?.id);
    if (track === null) return UNANSWERED;
    microphone.value = track;
    track.addEventListener("ended", () => gone("voice"));
    await refresh();
    loudest = QUIET;
    meter = new Meter(track, (db) => {
      level.value = db;
      loudest = Math.max(loudest, db);
    });
    await until(() => judgeVoice(loudest).verdict === "good", VOICE_MS);
    return judgeVoice(loudest);
  }

  async function refresh(): Promise<void> {
    devices.value = await listDevices();
    const silent = !(await hasSpeaker());
    if (silent && begun.value && items.speaker.state === "waiting") set("speaker", { verdict: "bad", code: "missing" });
    else if (!silent && items.speaker.code === "missing") items.speaker = fresh();
  }

  function gone(item: "picture" | "voice"): void {
    set(item, { verdict: "bad", code: "fault.unplugged" });
  }

  function set(item: Item, found: Found): void {
    // What only a room needs is a hint to everybody else.
    const verdict = found.verdict === "bad" && !needed.has(item) ? "warn" : found.verdict;
    items[item] = { state: verdict, code: found.code, figures: found.figures ?? {} };
  }

  async function run(item: Exclude<Item, "speaker">, check = CHECKS[item]): Promise<void> {
    items[item] = { ...fresh(), state: "running" };
    try {
      set(item, await check());
    } catch (error) {
      set(item, { verdict: "bad", code: `fault.${faultOf(error)}` });
    }
  }

  async function runAll(): Promise<void> {
    begun.value = true;
    busy.value = true;
    await refresh();
    for (const item of ITEMS) {
      if (item !== "speaker") await run(item);
    }
    busy.value = false;
  }

  async function choose(device: Device): Promise<void> {
    remember(device);
    if (device.kind === "videoinput") await run("picture", () => useCamera(device.id));
    else await run("voice", () => useMicrophone(device.id));
  }

  function heard(was: boolean): void {
    set("speaker", was ? good({}) : { verdict: "bad", code: "bad" });
  }

  function release(): void {
    meter?.stop();
    camera.value?.stop();
    microphone.value?.stop();
    camera.value = microphone.value = null;
  }

  const changed = (): void => void refresh();
  navigator.mediaDevices?.addEventListener("devicechange", changed);
  onBeforeUnmount(() => {
    navigator.mediaDevices?.removeEventListener("devicechange", changed);
    release();
  });

  const blocked = computed(() => [...needed].some((item) => items[item].state === "bad"));
  const doubtful = computed(() => ITEMS.filter((item) => ["warn", "bad"].includes(items[item].state)));
  const untried = computed(() => ITEMS.filter((item) => ["waiting", "running"].includes(items[item].state)));
  const done = computed(() => begun.value && !busy.value);
  return { items, devices, camera, microphone, level, progress, busy, begun, done, blocked, doubtful, untried, needed, question, run, runAll, choose, heard };
}

function fresh(): Standing {
  return { state: "waiting", code: "", figures: {} };
}

function good(figures: Record<string, number>): Found {
  return { verdict: "good", code: "good", figures };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(condition: () => boolean, ms: number): Promise<boolean> {
  const end = performance.now() + ms;
  while (!condition() && performance.now() < end) await wait(100);
  return condition();
}
