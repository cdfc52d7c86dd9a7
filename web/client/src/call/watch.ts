/**
 * Watching the rooms: one peer connection that the server offers, with a slot for each room's microphone, camera and
 * document picture. It comes back by itself after a failure, and anew with another media engine.
 */
import { call } from "../api/call.ts";
import type { AnswerWatchData, AnswerWatchResponses, WatchRoomsData, WatchRoomsResponses } from "../api/generated/index.ts";

export type Kind = "mic" | "camera" | "document";

export type WatchState = "connecting" | "connected" | "broken";

export interface Watched {
  /** Sound and picture of a room; another stream for each track that joins. */
  room(room: string, stream: MediaStream): void;
  /** The shared document picture of a room. */
  document(room: string, stream: MediaStream): void;
  state(state: WatchState): void;
}

// ICE over a working line takes well under a second; after eight without a connection another attempt is cheaper.
const PATIENCE_MS = 8000;
const RETRY_MS = 1000;
// All candidates of an address without STUN are there within milliseconds; the bound is for a stuck interface.
const GATHER_MS = 2000;

export class Watch {
  #proceeding: string;
  #watched: Watched;
  #peer: RTCPeerConnection | null = null;
  /** The media engine that the proceeding has, and the one that has offered; null while nobody has told it. */
  #engine: string | null = null;
  #offered: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(proceeding: string, watched: Watched) {
    this.#proceeding = proceeding;
    this.#watched = watched;
  }

  /**
   * Watches by this media engine. A page does not wait until it is told which one: null asks whatever engine there is,
   * once, and what it offers stands if the page is told the same one afterwards.
   */
  by(engine: string | null): void {
    this.#engine = engine;
    if (this.#peer === null || (this.#offered ?? engine) !== engine) this.#begin();
  }

  #begin(): void {
    this.stop();
    const peer = new RTCPeerConnection({ iceServers: [] });
    this.#peer = peer;
    this.#watched.state("connecting");
    this.#negotiate(peer).catch(() => this.#broken(peer));
  }

  stop(): void {
    clearTimeout(this.#timer);
    const peer = this.#peer;
    this.#peer = this.#offered = null;
    peer?.close();
  }

  #broken(peer: RTCPeerConnection): void {
    if (peer !== this.#peer) return;
    // Nobody has said that there is an engine at all.
    if (this.#engine === null) return this.stop();
    this.#watched.state("broken");
    this.#later(() => this.#begin(), RETRY_MS);
  }

  #later(what: () => void, after: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(what, after);
  }

  async #negotiate(peer: RTCPeerConnection): Promise<void> {
    const [path, told] = [{ id: this.#proceeding }, this.#engine];
    const offer = await call<WatchRoomsData, WatchRoomsResponses>("POST", "/v1/proceedings/{id}/watch", { path });
    if (peer !== this.#peer) return;
    this.#offered = offer.engine;
    // Told of another one meanwhile: this offer is older. What was told before the question may be older than the offer.
    if (this.#engine !== told && this.#engine !== offer.engine) return this.#broken(peer);
    const slots = new Map(offer.slots.map((slot) => [slot.mid, slot]));
    const streams = new Map<string, MediaStream>();
    peer.ontrack = ({ track, transceiver }) => {
      const slot = slots.get(transceiver.mid ?? "");
      if (slot === undefined) return;
      const document = slot.kind === "document";
      const key = `${slot.room} ${document ? "document" : "room"}`;
      const stream = new MediaStream([...(streams.get(key)?.getTracks() ?? []), track]);
      streams.set(key, stream);
      if (document) this.#watched.document(slot.room, stream);
      else this.#watched.room(slot.room, stream);
    };
    peer.onconnectionstatechange = () => {
      if (peer.connectionState === "connected") {
        clearTimeout(this.#timer);
        this.#watched.state("connected");
      } else if (peer.connectionState === "failed" || peer.connectionState === "closed") {
        this.#broken(peer);
      }
    };
    await peer.setRemoteDescription({ type: "offer", sdp: offer.sdp });
    await peer.setLocalDescription(await peer.createAnswer());
    await gathered(peer);
    if (peer !== this.#peer) return;
    const body = new Blob([peer.localDescription?.sdp ?? ""], { type: "application/sdp" });
    const answered = { path: { ...path, subscription: offer.subscription }, body };
    await call<AnswerWatchData, AnswerWatchResponses>("PUT", "/v1/proceedings/{id}/watch/{subscription}", answered);
    if (peer === this.#peer && (peer.connectionState === "new" || peer.connectionState === "connecting")) {
      this.#later(() => this.#broken(peer), PATIENCE_MS);
    }
  }
}

/** All candidates are in the description: the server takes no trickle. */
export function gathered(peer: RTCPeerConnection): Promise<void> {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    peer.addEventListener("icegatheringstatechange", () => peer.iceGatheringState === "complete" && resolve());
    setTimeout(resolve, GATHER_MS);
  });
}
