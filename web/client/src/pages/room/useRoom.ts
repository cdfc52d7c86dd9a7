/** A room device at work: its tracks, its publication, and what to do when a device is pulled out. */
import { computed, onBeforeUnmount, reactive, shallowRef, watch } from "vue";
import { capture, captureScreen, faultOf, listDevices, preferred, remember } from "../../call/devices.ts";
import type { Device, DeviceFault, DeviceState } from "../../call/devices.ts";
import { Meter } from "../../call/meter.ts";
import { Publish } from "../../call/publish.ts";
import type { Proceeding } from "../../state/proceeding.ts";

const QUIET = -100;
type Source = "camera" | "microphone";
const KINDS = { camera: "videoinput", microphone: "audioinput" } as const;

export function useRoom(proceeding: Proceeding, room: string) {
  const devices = shallowRef<Device[]>([]);
  const tracks = reactive<Record<Source | "document", MediaStreamTrack | null>>({ camera: null, microphone: null, document: null });
  const faults = reactive<Record<Source, DeviceFault | null>>({ camera: null, microphone: null });
  /** Tracks that the system or a switch on the device keeps silent or dark. */
  const muted = reactive<Record<Source, boolean>>({ camera: false, microphone: false });
  const line = shallowRef<"idle" | "connecting" | "connected" | "broken">("idle");
  const code = shallowRef<string | null>(null);
  const switched = shallowRef("");
  const level = shallowRef(QUIET);
  let meter: Meter | null = null;
  let left = false;

  const publish = new Publish(proceeding.id, room, {
    state: (state, why) => {
      line.value = state;
      code.value = why;
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
      }
    },
    { immediate: true },
  );

  async function use(source: Source, id?: string): Promise<void> {
    try {
      const track = await capture(KINDS[source], id ?? preferred(devices.value, KINDS[source])?.id);
      if (left) return track.stop();
      tracks[source]?.stop();
      tracks[source] = track;
      faults[source] = null;
      const heard = (): void => void (tracks[source] === track && (muted[source] = track.muted));
      heard();
      track.addEventListener("mute", heard);
      track.addEventListener("unmute", heard);
      track.addEventListener("ended", () => void pulledOut(source, track), { once: true });
      await publish.put(source, track);
      if (source === "microphone") listen(track);
      devices.value = await listDevices();
    } catch (error) {
      faults[source] = faultOf(error);
    }
  }

  /** Another device of its kind takes its place at once; where there is none, the next one that is plugged in does. */
  async function pulledOut(source: Source, track: MediaStreamTrack): Promise<void> {
    if (tracks[source] !== track || left) return;
    devices.value = await listDevices();
    const [other] = devices.value.filter((device) => device.kind === KINDS[source]);
    if (other === undefined) {
      tracks[source] = null;
      faults[source] = "unplugged";
      await publish.put(source, null);
      return;
    }
    await use(source, other.id);
    if (faults[source] === null) switched.value = other.label;
  }

  function listen(track: MediaStreamTrack): void {
    meter?.stop();
    meter = new Meter(track, (db) => (level.value = db));
  }

  async function choose(device: Device): Promise<void> {
    remember(device);
    switched.value = "";
    await use(device.kind === "videoinput" ? "camera" : "microphone", device.id);
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
    for (const source of ["camera", "microphone"] as const) {
      if (tracks[source] === null) await use(source);
    }
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
  onBeforeUnmount(() => {
    left = true;
    navigator.mediaDevices?.removeEventListener("devicechange", onChange);
    publish.stop();
    meter?.stop();
    for (const track of Object.values(tracks)) track?.stop();
  });

  return { devices, tracks, faults, muted, line, code, switched, level, own, choose, share, unshare };
}
