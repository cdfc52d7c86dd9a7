/**
 * A real publish to the server and back: what the line of this place is worth, before anybody depends on it.
 *
 * (1) camera and microphone, or stand-ins for those that are missing, are offered to the device-check door;
 * (2) the media worker sends each packet back; for `seconds` both ways are measured with getStats;
 * (3) the figures are the round trip of ICE, the loss on the way there (the worker's reports) and on the way back.
 */
import { call } from "../api/call.ts";
import type { CheckDeviceData, CheckDeviceResponses } from "../api/generated/index.ts";
import { codeOf } from "../api/problem.ts";
import { DeviceProblem } from "./devices.ts";
import { gathered } from "./watch.ts";

export interface LineQuality {
  /** Round trip in ms, the median of the measurements. */
  rtt: number;
  /** Loss in percent, there and both ways. */
  lossUp: number;
  lossBoth: number;
  /** Sent, in kbit/s. */
  rate: number;
  /** The picture that came back. */
  pictures: number;
}

export class LoopbackFailed extends Error {
  readonly stage: "refused" | "unreachable" | "silent";
  readonly code: string | null;
  constructor(stage: "refused" | "unreachable" | "silent", code: string | null = null) {
    super(stage);
    this.name = "LoopbackFailed";
    this.stage = stage;
    this.code = code;
  }
}

// UDP that does not connect in this time is blocked on the way.
const CONNECT_MS = 8000;
const SAMPLE_MS = 500;

export async function checkLine(
  proceeding: string,
  tracks: { camera: MediaStreamTrack | null; microphone: MediaStreamTrack | null },
  seconds: number,
  progress: (part: number) => void = () => undefined,
): Promise<LineQuality> {
  if (!("RTCPeerConnection" in globalThis)) throw new DeviceProblem("unsupported");
  const peer = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
  const standIns: (() => void)[] = [];
  try {
    const audio = tracks.microphone ?? standIn(standIns, tone());
    const video = tracks.camera ?? standIn(standIns, picture());
    peer.addTransceiver(audio, { direction: "sendrecv" });
    const camera = peer.addTransceiver(video, { direction: "sendrecv" });
    limit(camera.sender, 1_200_000);
    await peer.setLocalDescription(await peer.createOffer());
    await gathered(peer);
    const body = new Blob([peer.localDescription?.sdp ?? ""], { type: "application/sdp" });
    let sdp: string;
    try {
      const url = "/v1/proceedings/{id}/device-check";
      sdp = String(await call<CheckDeviceData, CheckDeviceResponses>("POST", url, { path: { id: proceeding }, body }));
    } catch (error) {
      throw new LoopbackFailed("refused", codeOf(error));
    }
    await peer.setRemoteDescription({ type: "answer", sdp });
    // A receiver whose track nobody plays decodes nothing, so the picture is played out of sight.
    const sink = document.createElement("video");
    sink.muted = true;
    sink.srcObject = new MediaStream(peer.getReceivers().map((receiver) => receiver.track));
    void sink.play().catch(() => undefined);
    await connected(peer);
    return await measure(peer, seconds, progress);
  } finally {
    peer.close();
    for (const end of standIns) end();
  }
}

function limit(sender: RTCRtpSender, bits: number): void {
  const parameters = sender.getParameters();
  for (const encoding of parameters.encodings) encoding.maxBitrate = bits;
  void sender.setParameters(parameters).catch(() => undefined);
}

function connected(peer: RTCPeerConnection): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new LoopbackFailed("unreachable")), CONNECT_MS);
    const look = (): void => {
      if (peer.connectionState === "connected") {
        clearTimeout(timer);
        resolve();
      } else if (peer.connectionState === "failed") {
        clearTimeout(timer);
        reject(new LoopbackFailed("unreachable"));
      }
    };
    peer.onconnectionstatechange = look;
    look();
  });
}

async function measure(peer: RTCPeerConnection, seconds: number, progress: (part: number) => void): Promise<LineQuality> {
  const trips: number[] = [];
  const begun = performance.now();
  let last = await totals(peer);
  for (let part = 0; part < 1; part = (performance.now() - begun) / (seconds * 1000)) {
    progress(Math.min(1, part));
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    last = await totals(peer);
    if (last.rtt !== null) trips.push(last.rtt);
  }
  progress(1);
  if (last.received === 0) throw new LoopbackFailed("silent");
  trips.sort((a, b) => a - b);
  const median = trips[Math.floor(trips.length / 2)] ?? 0;
  const missing = Math.max(0, last.sent - last.received - last.underWay);
  return {
    rtt: Math.round(median * 1000),
    lossUp: percent(last.lostUp, last.sent),
    lossBoth: percent(Math.max(missing, last.lostBoth), last.sent),
    rate: Math.round((last.octets * 8) / (performance.now() - begun)),
    pictures: last.pictures,
  };
}

function percent(part: number, whole: number): number {
  return whole > 0 ? Math.round((1000 * part) / whole) / 10 : 0;
}

interface Totals {
  rtt: number | null;
  sent: number;
  octets: number;
  received: number;
  lostUp: number;
  lostBoth: number;
  pictures: number;
  /** What was sent within the last round trip cannot be back yet. */
  underWay: number;
}

async function totals(peer: RTCPeerConnection): Promise<Totals> {
  const found: Totals = { rtt: null, sent: 0, octets: 0, received: 0, lostUp: 0, lostBoth: 0, pictures: 0, underWay: 50 };
  const report: { forEach(each: (one: Record<string, unknown>) => void): void } = await peer.getStats();
  report.forEach((one) => {
    const number = (name: string): number => (typeof one[name] === "number" ? one[name] : 0);
    if (one["type"] === "candidate-pair" && one["nominated"] === true && "currentRoundTripTime" in one) {
      found.rtt = number("currentRoundTripTime");
    } else if (one["type"] === "outbound-rtp") {
      found.sent += number("packetsSent") - number("retransmittedPacketsSent");
      found.octets += number("bytesSent");
    } else if (one["type"] === "inbound-rtp") {
      found.received += number("packetsReceived");
      found.lostBoth += Math.max(0, number("packetsLost"));
      found.pictures += number("framesDecoded");
    } else if (one["type"] === "remote-inbound-rtp") {
      found.lostUp += Math.max(0, number("packetsLost"));
    }
  });
  return found;
}

function standIn(ends: (() => void)[], made: { track: MediaStreamTrack; end: () => void }): MediaStreamTrack {
  ends.push(made.end);
  return made.track;
}

/** A quiet tone in the place of a microphone that is not there. */
function tone(): { track: MediaStreamTrack; end: () => void } {
  const context = new AudioContext();
  const note = context.createOscillator();
  const out = context.createMediaStreamDestination();
  note.connect(out);
  note.start();
  void context.resume().catch(() => undefined);
  const [track] = out.stream.getAudioTracks();
  if (track === undefined) throw new LoopbackFailed("silent");
  return { track, end: () => void context.close().catch(() => undefined) };
}

/** A moving picture in the place of a camera that is not there. */
export function picture(): { track: MediaStreamTrack; end: () => void } {
  const canvas = document.createElement("canvas");
  canvas.width = 640;
  canvas.height = 360;
  const pen = canvas.getContext("2d");
  let hue = 0;
  const timer = setInterval(() => {
    if (pen === null) return;
    hue = (hue + 7) % 360;
    pen.fillStyle = `hsl(${hue} 70% 50%)`;
    pen.fillRect((hue * 3) % 640, (hue * 2) % 360, 160, 120);
  }, 50);
  const [track] = canvas.captureStream(20).getVideoTracks();
  if (track === undefined) throw new LoopbackFailed("silent");
  return {
    track,
    end: () => {
      clearInterval(timer);
      track.stop();
    },
  };
}
