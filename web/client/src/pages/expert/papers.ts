/**
 * Bid documents as they come in, up to 300 MB each: piece by piece into a Blob, which lies outside of the page's memory
 * (and on the browser's disk where it has little), so that this page and the server need not hold one as a whole. A line
 * that breaks is taken up where it broke. Nothing of a document is shown before all of it has the hash in the log.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { hex } from "../../api/base64.ts";
import { pieces } from "../../api/call.ts";
import type { GetObjectData } from "../../api/generated/index.ts";
import { OFFLINE, Problem } from "../../api/problem.ts";
import { ObjectRefused } from "./definition.ts";

/** How far a document has come. */
export interface Progress {
  got: number;
  size: number;
  /** The line is away; it goes on by itself. */
  waiting: boolean;
}

/** Octets that are gathered before they leave the page's memory. */
const GATHERED = 4 << 20;
/** Between two tries; the network's own news shorten it. */
const AGAIN_MS = 3000;
/** Documents of this many octets together stay at hand while the seat is open; those looked at last stay. */
const AT_HAND = 1 << 30;

export class Papers {
  readonly #proceeding: string;
  readonly #kept = new Map<string, Blob>();

  constructor(proceeding: string) {
    this.#proceeding = proceeding;
  }

  /** The document, whole and checked. It goes on until it is there or `signal` says that nobody wants it any more. */
  async get(hash: string, told: (progress: Progress) => void, signal: AbortSignal): Promise<Blob> {
    const found = this.#kept.get(hash) ?? (await this.#load(hash, told, signal));
    this.#kept.delete(hash);
    this.#kept.set(hash, found);
    let octets = 0;
    for (const each of this.#kept.values()) octets += each.size;
    for (const [old, each] of this.#kept) {
      if (octets <= AT_HAND || old === hash) break;
      octets -= each.size;
      this.#kept.delete(old);
    }
    return found;
  }

  /** What cannot be read here any more comes anew. */
  drop(hash: string): void {
    this.#kept.delete(hash);
  }

  async #load(hash: string, told: (progress: Progress) => void, signal: AbortSignal): Promise<Blob> {
    const path = { id: this.#proceeding, sha256: hex(hash) };
    let [got, size, sum, blobs, fresh] = [0, 0, sha256.create(), [] as Blob[], [] as Uint8Array<ArrayBuffer>[]];
    let gathered = 0;
    for (;;) {
      try {
        for await (const piece of pieces<GetObjectData>("/v1/proceedings/{id}/objects/{sha256}", { path, signal }, got)) {
          // A server that knows no ranges begins anew.
          if (piece.from === 0 && got > 0) [got, sum, blobs, fresh, gathered] = [0, sha256.create(), [], [], 0];
          sum.update(piece.octets);
          fresh.push(piece.octets);
          got += piece.octets.length;
          gathered += piece.octets.length;
          size = piece.size;
          if (gathered >= GATHERED) [blobs, fresh, gathered] = [[...blobs, new Blob(fresh)], [], 0];
          told({ got, size, waiting: false });
        }
        break;
      } catch (error) {
        if (signal.aborted || !(error instanceof Problem && error.code === OFFLINE)) throw error;
        told({ got, size, waiting: true });
        await again(signal);
      }
    }
    const said = Array.from(sum.digest(), (octet) => octet.toString(16).padStart(2, "0")).join("");
    if (said !== path.sha256) throw new ObjectRefused(hash);
    return new Blob([...blobs, ...fresh]);
  }
}

/** A moment later, or at once when the network is back or nobody waits any more. */
function again(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(go, AGAIN_MS);
    function go(): void {
      clearTimeout(timer);
      removeEventListener("online", go);
      signal.removeEventListener("abort", go);
      resolve();
    }
    addEventListener("online", go);
    signal.addEventListener("abort", go);
  });
}
