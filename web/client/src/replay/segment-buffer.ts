// One track's buffer in a media element: takes checked segments one after another, and says what became of each.
//
// A buffer to which something went wrong inside the browser is dead for good (W3C Media Source Extensions, append error
// algorithm). It says so once, and whoever holds it makes a new one for the same element.

import { lasting, timecode } from "./cluster.ts";
import type { Kind, Segment } from "./recording.ts";

const VIDEO = 'video/webm; codecs="vp8"';
const TYPES = { mic: 'audio/webm; codecs="opus"', camera: VIDEO, document: VIDEO };

// The browser plays nothing of this kind.
const NONE_PLAYS = -1;

// A segment with the octets of its take's head and its own.
export interface Piece {
  readonly index: number;
  readonly segment: Segment;
  readonly head: ArrayBuffer;
  readonly data: ArrayBuffer;
}

// The browser has no room for more: later it may.
export class Full extends Error {}

// The octets are no segment that a browser could play.
export class Unplayable extends Error {
  readonly index: number;

  constructor(index: number, detail: unknown) {
    super(`segment ${index}: ${String(detail)}`);
    this.index = index;
  }
}

export class SegmentBuffer {
  // The segment that was appended last; -1 before the first. One without a keyframe has to follow its predecessor.
  tail = -1;
  private readonly element: HTMLMediaElement;
  private readonly kind: Kind;
  private readonly origin: number;
  private readonly broken: (index: number | null) => void;
  private readonly source = new MediaSource();
  private readonly url = URL.createObjectURL(this.source);
  private readonly ending = new AbortController();
  private buffer: SourceBuffer | null = null;
  private appending: number | null = null;
  private head = "";
  private work: Promise<unknown> = Promise.resolve();

  // Media time 0 is session time `origin`. `broken` is told the segment at fault: null where it is not known, -1 where
  // all are.
  constructor(element: HTMLMediaElement, kind: Kind, origin: number, end: number, broken: SegmentBuffer["broken"]) {
    [this.element, this.kind, this.origin, this.broken] = [element, kind, origin, broken];
    const { signal } = this.ending;
    this.source.addEventListener("sourceopen", () => this.opened(end), { once: true, signal });
    element.addEventListener("error", () => this.break(this.appending), { signal });
    element.src = this.url;
  }

  get open(): boolean {
    return this.buffer !== null && this.source.readyState === "open";
  }

  // Appends these in their order; whether it did: not where they need the one `after` which they follow to be the last.
  // Full, Unplayable.
  append(pieces: readonly Piece[], after: number | null, signal: AbortSignal): Promise<boolean> {
    return this.queue(async (buffer) => {
      if (signal.aborted || (after !== null && this.tail !== after)) {
        return false;
      }
      for (const piece of pieces) {
        await this.put(buffer, piece);
      }
      return true;
    });
  }

  // Forgets the media between these session times.
  remove(from: number, to: number): void {
    void this.queue(async (buffer) => {
      const [start, end] = [Math.max(0, (from - this.origin) / 1000), (to - this.origin) / 1000];
      if (end > start) {
        await done(buffer, () => buffer.remove(start, end));
      }
    }).catch(() => undefined);
  }

  // From when to when there is media, in seconds of media time.
  ranges(): [number, number][] {
    const buffered = this.buffer ? this.element.buffered : null;
    const length = buffered?.length ?? 0;
    return Array.from({ length }, (_, index) => [buffered?.start(index) ?? 0, buffered?.end(index) ?? 0]);
  }

  close(): void {
    this.ending.abort();
    this.buffer = null;
    URL.revokeObjectURL(this.url);
  }

  private opened(end: number): void {
    try {
      this.source.duration = Math.max(1, (end - this.origin) / 1000 + 1);
      this.buffer = this.source.addSourceBuffer(TYPES[this.kind]);
      this.buffer.mode = "segments";
    } catch {
      this.break(NONE_PLAYS);
    }
  }

  private async put(buffer: SourceBuffer, { index, segment, head, data }: Piece): Promise<void> {
    let at: number;
    try {
      at = timecode(data);
    } catch (error) {
      throw new Unplayable(index, error);
    }
    const stands = this.kind === "mic" ? 0 : segment.end - segment.t1;
    this.appending = index;
    try {
      if (this.head !== segment.init) {
        await done(buffer, () => buffer.appendBuffer(head));
        this.head = segment.init;
      }
      // The media's own times count from the beginning of its take; the log says when that was.
      buffer.timestampOffset = (segment.t0 - this.origin - at) / 1000;
      await done(buffer, () => buffer.appendBuffer(stands > 0 ? lasting(data, stands) : data));
      this.tail = index;
    } catch (error) {
      if (error instanceof DOMException && error.name === "QuotaExceededError") {
        throw new Full(error.message);
      }
      this.break(index);
      throw new Unplayable(index, error);
    } finally {
      this.appending = null;
    }
  }

  private break(index: number | null): void {
    if (!this.ending.signal.aborted) {
      this.close();
      this.broken(index);
    }
  }

  // One change of the buffer at a time, in their order; a change that fails spoils no other.
  private queue<T>(change: (buffer: SourceBuffer) => Promise<T>): Promise<T> {
    const result = this.work.then(() => {
      if (!this.buffer || !this.open) {
        throw new Error("the buffer is closed");
      }
      return change(this.buffer);
    });
    this.work = result.catch(() => undefined);
    return result;
  }
}

function done(buffer: SourceBuffer, change: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const { signal } = over;
    const end = (error?: Error): void => {
      over.abort();
      if (error) reject(error);
      else resolve();
    };
    buffer.addEventListener("error", () => end(new Error("the browser refused the octets")), { signal });
    buffer.addEventListener("updateend", () => end(), { signal });
    try {
      change();
    } catch (error) {
      over.abort();
      reject(error instanceof Error ? error : new Error(String(error)));
    }
  });
}
