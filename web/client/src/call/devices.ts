/**
 * Cameras, microphones and loudspeakers of this machine: list, choose, remember, and what to say when one fails.
 *
 * The choice is kept under the device's label too, since ids change when a browser forgets its permissions.
 */
export type DeviceKind = "audioinput" | "videoinput" | "audiooutput";

export interface Device {
  id: string;
  label: string;
  kind: DeviceKind;
}

/** Why a device cannot be used; the page has words and a way out for each. */
export type DeviceFault = "denied" | "missing" | "busy" | "unplugged" | "insecure" | "unsupported" | "unknown";

/** What a room's device says of a camera or microphone; muted: it is there and gives nothing. */
export type DeviceState = "on" | "muted" | DeviceFault;

const KEY = "tongping/devices";
// What the rules of rooms ask for: a panorama that shows who is there (media study, section 5).
const CAMERA: MediaTrackConstraints = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 25 } };
const MICROPHONE: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  channelCount: 1,
};

type Remembered = Partial<Record<DeviceKind, { id: string; label: string }>>;

function remembered(): Remembered {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Remembered;
  } catch {
    return {};
  }
}

export function remember(device: Device): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...remembered(), [device.kind]: device }));
  } catch {
    // Then it is asked for again next time.
  }
}

/** The devices of this machine. Without a permission browsers tell neither label nor id. */
export async function listDevices(): Promise<Device[]> {
  const found = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return found
    .filter(({ deviceId }) => deviceId !== "")
    .map(({ deviceId, label, kind }) => ({ id: deviceId, label, kind: kind as DeviceKind }));
}

/** Whether there is anything to hear with; Chromium says so without any permission. */
export async function hasSpeaker(): Promise<boolean> {
  const found = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return found.some(({ kind }) => kind === "audiooutput");
}

/** The one chosen last time, if it is there; else the first. */
export function preferred(devices: Device[], kind: DeviceKind): Device | null {
  const ours = devices.filter((device) => device.kind === kind);
  const last = remembered()[kind];
  const same = ours.find(({ id }) => id === last?.id) ?? ours.find(({ label }) => label !== "" && label === last?.label);
  return same ?? ours[0] ?? null;
}

/** Camera or microphone as a track; DeviceProblem says what is wrong. */
export async function capture(kind: "audioinput" | "videoinput", id?: string): Promise<MediaStreamTrack> {
  if (!navigator.mediaDevices) throw new DeviceProblem(isSecureContext ? "unsupported" : "insecure");
  const wanted = id === undefined ? {} : { deviceId: { exact: id } };
  const constraints =
    kind === "videoinput" ? { video: { ...CAMERA, ...wanted } } : { audio: { ...MICROPHONE, ...wanted } };
  try {
    const stream = await navigator.mediaDevices.getUserMedia(constraints);
    const [track] = stream.getTracks();
    if (track === undefined) throw new DeviceProblem("missing");
    track.contentHint = kind === "videoinput" ? "motion" : "speech";
    return track;
  } catch (error) {
    throw error instanceof DeviceProblem ? error : new DeviceProblem(faultOf(error));
  }
}

/** The chosen screen or window as the shared document picture. */
export async function captureScreen(): Promise<MediaStreamTrack> {
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({
      video: { frameRate: { ideal: 10, max: 15 }, width: { max: 1920 }, height: { max: 1080 } },
      audio: false,
    });
    const [track] = stream.getVideoTracks();
    if (track === undefined) throw new DeviceProblem("missing");
    // Letters must stay sharp: fewer pictures rather than coarser ones.
    track.contentHint = "detail";
    return track;
  } catch (error) {
    throw error instanceof DeviceProblem ? error : new DeviceProblem(faultOf(error));
  }
}

export class DeviceProblem extends Error {
  readonly fault: DeviceFault;
  constructor(fault: DeviceFault) {
    super(fault);
    this.name = "DeviceProblem";
    this.fault = fault;
  }
}

export function faultOf(error: unknown): DeviceFault {
  if (error instanceof DeviceProblem) return error.fault;
  switch (error instanceof Error ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return "denied";
    case "NotFoundError":
    case "OverconstrainedError":
      return "missing";
    case "NotReadableError":
    case "AbortError":
      return "busy";
    default:
      return "unknown";
  }
}
