/**
 * Watching the rooms: one peer connection that the server offers, with a slot for each room's microphone, camera and
 * document picture. It comes back by itself after a failure; `renew` is for a media engine that was started anew.
 */
import { call } from "../api/call.ts";
import type { AnswerWatchData, AnswerWatchResponses, WatchRoomsData, WatchRoomsResponses } from "../api/generated/index.ts";
import { codeOf } from "../api/problem.ts";

export type Kind = "mic" | "camera" | "document";

export interface Watched {
  /** Sound and picture of a room; another stream for each track that joins. */
  room(room: string, stream: MediaStream): void;
  /** The shared document picture of a room. */
  document(room: string, stream: MediaStream): void;
  state(state: "connecting" | "connected" | "broken", code: string | null): void;
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
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(proceeding: string, watched: Watched) {
    this.#proceeding = proceeding;
    this.#watched = watched;
  }

  get peer(): RTCPeerConnection | null {
    return this.#peer;
  }

  /** Begins, or begins anew. */
  renew(): void {
    this.#drop();
    this.#stopped = false;
    const peer = new RTCPeerConnection({ iceServers: [] });
    this.#peer = peer;
    this.#watched.state("connecting", null);
    this.#negotiate(peer).catch((error: unknown) => {
      this.#broken(peer, codeOf(error));
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#drop();
  }

  #drop(): void {
    clearTimeout(this.#timer);
    const peer = this.#peer;
    this.#peer = null;
    peer?.close();
  }

  #broken(peer: RTCPeerConnection, code: string | null): void {
    if (peer !== this.#peer || this.#stopped) return;
    this.#watched.state("broken", code);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.renew(), RETRY_MS);
  }

  async #negotiate(peer: RTCPeerConnection): Promise<void> {
    const path = { id: this.#proceeding };
    const offer = await call<WatchRoomsData, WatchRoomsResponses>("POST", "/v1/proceedings/{id}/watch", { path });
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
        this.#watched.state("connected", null);
      } else if (peer.connectionState === "failed" || peer.connectionState === "closed") {
        this.#broken(peer, null);
      }
    };
    await peer.setRemoteDescription({ type: "offer", sdp: offer.sdp });
    await peer.setLocalDescription(await peer.createAnswer());
    await gathered(peer);
    const body = new Blob([peer.localDescription?.sdp ?? ""], { type: "application/sdp" });
    const answered = { path: { ...path, subscription: offer.subscription }, body };
    await call<AnswerWatchData, AnswerWatchResponses>("PUT", "/v1/proceedings/{id}/watch/{subscription}", answered);
    if (peer === this.#peer && peer.connectionState !== "connected") {
      this.#timer = setTimeout(() => this.#broken(peer, null), PATIENCE_MS);
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
