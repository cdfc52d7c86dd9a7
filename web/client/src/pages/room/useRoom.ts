/** A room device at work: its tracks, its publication, and what to do when a device is pulled out. */
import { computed, onBeforeUnmount, reactive, shallowRef, watch } from "vue";
import { capture, captureScreen, faultOf, listDevices, preferred, remember } from "../../call/devices.ts";
import type { Device, DeviceFault, DeviceState } from "../../call/devices.ts";
import { Meter } from "../../call/meter.ts";
import { Publish } from "../../call/publish.ts";
import type { Proceeding } from "../../state/proceeding.ts";

const QUIET = -100;
// A device that another program holds is free again without a word.
const AGAIN_MS = 5000;
type Source = "camera" | "microphone";
const SOURCES = ["camera", "microphone"] as const;
const KINDS = { camera: "videoinput", microphone: "audioinput" } as const;

export function useRoom(proceeding: Proceeding, room: string) {
  const devices = shallowRef<Device[]>([]);
  const tracks = reactive<Record<Source | "document", MediaStreamTrack | null>>({ camera: null, microphone: null, document: null });
  const faults = reactive<Record<Source, DeviceFault | null>>({ camera: null, microphone: null });
  /** Tracks that the system or a switch on the device keeps silent or dark. */
  const muted = reactive<Record<Source, boolean>>({ camera: false, microphone: false });
  const line = shallowRef<"idle" | "connecting" | "connected" | "broken">("idle");
  /** Why the server did not take the line; it stands until a line is there, also while the next try is under way. */
  const code = shallowRef<string | null>(null);
  const switched = shallowRef("");
  /** What was chosen and cannot be used; the one before goes on. */
  const refused = shallowRef<{ name: string; source: Source; fault: DeviceFault } | null>(null);
  const level = shallowRef(QUIET);
  let meter: Meter | null = null;
  let left = false;

  const publish = new Publish(proceeding.id, room, {
    state: (state, why) => {
      line.value = state;
      if (state !== "connecting") code.value = why;
    },
  });

  const own = computed(() => proceeding.view?.rooms[room] ?? null);
  const running = computed(() => proceeding.view?.gate === "open" || proceeding.view?.gate === "paused");
  const engine = computed(() => proceeding.media?.engine ?? null);

  watch(
    [() => own.value?.admitted === true, running, engine],
    ([admitted, on, found]) => {
      if (admitted && on && found) publish.renew();
      else {
        publish.stop();
        line.value = "idle";
        code.value = null;
      }
    },
    { immediate: true },
  );

  /** One thing at a time with a source: devices come and go faster than they are opened. */
  const turns: Record<Source, Promise<void>> = { camera: Promise.resolve(), microphone: Promise.resolve() };
  function inTurn(source: Source, work: () => Promise<void>): Promise<void> {
    turns[source] = turns[source].catch(() => undefined).then(() => (left ? undefined : work()));
    return turns[source];
  }

  /** This device from now on; throws, and leaves everything as it was, where it gives nothing. */
  async function use(source: Source, id?: string): Promise<void> {
    const track = await capture(KINDS[source], id);
    if (left) return track.stop();
    const before = tracks[source];
    tracks[source] = track;
    faults[source] = null;
    refused.value = null;
    const heard = (): void => void (tracks[source] === track && (muted[source] = track.muted));
    heard();
    track.addEventListener("mute", heard);
    track.addEventListener("unmute", heard);
    track.addEventListener("ended", () => void inTurn(source, () => pulledOut(source, track)), { once: true });
    // The new one is sent before the old one ends: others see no gap.
    await publish.put(source, track);
    before?.stop();
    if (source === "microphone") listen(track);
    devices.value = await listDevices();
  }

  /** The remembered device of a kind, else any that works; null: none does, and `faults` says why. */
  async function useAny(source: Source, none: DeviceFault): Promise<Device | null> {
    devices.value = await listDevices();
    const first = preferred(devices.value, KINDS[source]);
    const others = devices.value.filter((device) => device.kind === KINDS[source] && device !== first);
    let fault = none;
    for (const device of first ? [first, ...others] : []) {
      try {
        await use(source, device.id);
        return device;
      } catch (error) {
        if (fault !== "busy") fault = faultOf(error);
      }
    }
    faults[source] = fault;
    return null;
  }

  /** Another device of its kind takes its place at once; where none does, the next one that is plugged in. */
  async function pulledOut(source: Source, track: MediaStreamTrack): Promise<void> {
    if (tracks[source] !== track) return;
    const other = await useAny(source, "unplugged");
    if (other) return void (switched.value = other.label);
    tracks[source] = null;
    await publish.put(source, null);
  }

  /** A source that gives nothing tries what is there by now. */
  async function restore(source: Source): Promise<void> {
    if (tracks[source] !== null) return;
    const none = faults[source] === "unplugged" ? "unplugged" : "missing";
    if ((await useAny(source, none)) || devices.value.some(({ kind }) => kind === KINDS[source])) return;
    // Without a permission nothing is listed; asking for it is the way to learn what is wrong.
    await use(source).catch((error: unknown) => {
      const fault = faultOf(error);
      faults[source] = fault === "missing" ? none : fault;
    });
  }

  function listen(track: MediaStreamTrack): void {
    meter?.stop();
    meter = new Meter(track, (db) => (level.value = db));
  }

  async function choose(device: Device): Promise<void> {
    const source = device.kind === "videoinput" ? "camera" : "microphone";
    switched.value = "";
    await inTurn(source, async () => {
      try {
        await use(source, device.id);
        remember(device);
      } catch (error) {
        if (tracks[source] === null) faults[source] = faultOf(error);
        else refused.value = { name: device.label, source, fault: faultOf(error) };
      }
    });
  }

  async function share(): Promise<void> {
    const track = await captureScreen();
    tracks.document = track;
    track.addEventListener("ended", () => void unshare(), { once: true });
    await publish.put("document", track);
  }

  async function unshare(): Promise<void> {
    tracks.document?.stop();
    tracks.document = null;
    await publish.put("document", null);
  }

  async function changed(): Promise<void> {
    devices.value = await listDevices();
    await Promise.all(SOURCES.map((source) => inTurn(source, () => restore(source))));
  }

  function stateOf(source: Source): DeviceState | null {
    return tracks[source] === null ? faults[source] : muted[source] ? "muted" : "on";
  }

  /** The operators' boards tell what is wrong here; a new line knows nothing of what the old one was told. */
  watch([() => stateOf("camera"), () => stateOf("microphone"), () => proceeding.status.phase], ([camera, microphone, phase]) => {
    if (camera && microphone && phase === "open") proceeding.live.send({ type: "devices", camera, microphone });
  });

  const onChange = (): void => void changed();
  navigator.mediaDevices?.addEventListener("devicechange", onChange);
  void changed();
  const again = setInterval(() => SOURCES.forEach((source) => faults[source] === "busy" && void inTurn(source, () => restore(source))), AGAIN_MS);
  onBeforeUnmount(() => {
    left = true;
    clearInterval(again);
    navigator.mediaDevices?.removeEventListener("devicechange", onChange);
    publish.stop();
    meter?.stop();
    for (const track of Object.values(tracks)) track?.stop();
  });

  return { devices, tracks, faults, muted, line, code, switched, refused, level, own, choose, share, unshare };
}
