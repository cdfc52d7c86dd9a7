/**
 * A room's publication: microphone, camera and the shared document picture, always three sections in this order, so
 * that a device can be swapped (`replaceTrack`) without a new connection. It comes back by itself after a failure.
 */
import { call } from "../api/call.ts";
import type { PublishRoomData, PublishRoomResponses } from "../api/generated/index.ts";
import { codeOf } from "../api/problem.ts";
import { gathered } from "./watch.ts";

export type Slot = "microphone" | "camera" | "document";

export interface Published {
  state(state: "connecting" | "connected" | "broken", code: string | null): void;
}

const PATIENCE_MS = 8000;
// Longer waits where the server refuses: an admission by the operator takes its time.
const RETRY_MS = 1000;
const REFUSED_MS = 3000;
// Caps of a room (media study, section 1.4): what twelve venues on one core can carry.
const RATES: Record<Slot, number> = { microphone: 48_000, camera: 1_200_000, document: 1_500_000 };

export class Publish {
  #proceeding: string;
  #room: string;
  #published: Published;
  #tracks: Record<Slot, MediaStreamTrack | null> = { microphone: null, camera: null, document: null };
  #senders: Partial<Record<Slot, RTCRtpSender>> = {};
  #peer: RTCPeerConnection | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = true;

  constructor(proceeding: string, room: string, published: Published) {
    this.#proceeding = proceeding;
    this.#room = room;
    this.#published = published;
  }

  get peer(): RTCPeerConnection | null {
    return this.#peer;
  }

  /** What a slot sends from now on; null: nothing. The connection stays. */
  async put(slot: Slot, track: MediaStreamTrack | null): Promise<void> {
    this.#tracks[slot] = track;
    await this.#senders[slot]?.replaceTrack(track);
  }

  renew(): void {
    this.#drop();
    this.#stopped = false;
    const peer = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
    this.#peer = peer;
    this.#published.state("connecting", null);
    this.#negotiate(peer).catch((error: unknown) => this.#broken(peer, codeOf(error), REFUSED_MS));
  }

  stop(): void {
    this.#stopped = true;
    this.#drop();
  }

  #drop(): void {
    clearTimeout(this.#timer);
    const peer = this.#peer;
    this.#peer = null;
    this.#senders = {};
    peer?.close();
  }

  #broken(peer: RTCPeerConnection, code: string | null, wait: number): void {
    if (peer !== this.#peer || this.#stopped) return;
    this.#published.state("broken", code);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.renew(), wait);
  }

  async #negotiate(peer: RTCPeerConnection): Promise<void> {
    for (const slot of ["microphone", "camera", "document"] as const) {
      const kind = slot === "microphone" ? "audio" : "video";
      const options: RTCRtpTransceiverInit = { direction: "sendonly", sendEncodings: [{ maxBitrate: RATES[slot] }] };
      const { sender } = peer.addTransceiver(this.#tracks[slot] ?? kind, options);
      this.#senders[slot] = sender;
    }
    peer.onconnectionstatechange = () => {
      if (peer.connectionState === "connected") {
        clearTimeout(this.#timer);
        this.#published.state("connected", null);
      } else if (peer.connectionState === "failed" || peer.connectionState === "closed") {
        this.#broken(peer, null, RETRY_MS);
      }
    };
    await peer.setLocalDescription(await peer.createOffer());
    await gathered(peer);
    const body = new Blob([peer.localDescription?.sdp ?? ""], { type: "application/sdp" });
    const path = { id: this.#proceeding, room: this.#room };
    const url = "/v1/proceedings/{id}/rooms/{room}/publish";
    const sdp = await call<PublishRoomData, PublishRoomResponses>("POST", url, { path, body });
    await peer.setRemoteDescription({ type: "answer", sdp: String(sdp) });
    if (peer === this.#peer && peer.connectionState !== "connected") {
      this.#timer = setTimeout(() => this.#broken(peer, null, RETRY_MS), PATIENCE_MS);
    }
  }
}
