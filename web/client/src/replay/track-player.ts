// One track on one media element: keeps a window of checked segments in the element's buffer, and the element's
// position at the virtual clock.
//
// Sound and picture have an element each: one element would stall both where one of them has a gap.

import { Altered, timecode, type Load } from "./octets.ts";
import { endOf, holeAt, indexAt, type Segment, type Track } from "./recording.ts";

// Media time around the clock that is kept: enough to ride out a slow second, little enough for a dozen rooms.
const AHEAD_MS = 20_000;
const BEHIND_MS = 15_000;
// At another speed the same seconds of network are more seconds of media.
const FARTHEST_MS = 40_000;
const AT_ONCE = 2;
// Drift, in seconds (media.md section 4): below the first nothing is done, above the second the element seeks; in
// between its rate bends, sound so little that nobody hears it, and always until nothing is left.
const STILL_S = 0.012;
const SEEK_S = 0.4;
const BEND_SOUND = 0.08;
const BEND_PICTURE = 0.5;
const SETTLE_S = 0.2;
// A paused element further away than half a frame is put in its place.
const PLACE_S = 0.02;
// Less than this before a hole is not waited for: a decoder begins only when it has a few frames ahead.
const TAIL_MS = 800;
// A failed fetch is tried again after this time.
const RETRY_MS = 1_000;

export type TrackState = "shown" | "waiting" | "gap" | "refused" | "outside";

const TYPES = { mic: 'audio/webm; codecs="opus"', camera: 'video/webm; codecs="vp8"', document: 'video/webm; codecs="vp8"' };

export class TrackPlayer {
  readonly track: Track;
  readonly element: HTMLMediaElement;
  readonly refused = new Set<number>();
  private readonly load: Load;
  private readonly origin: number;
  private readonly source = new MediaSource();
  private readonly url: string;
  private readonly ending = new AbortController();
  private buffer: SourceBuffer | null = null;
  private held = new Set<number>();
  private loading = new Map<number, AbortController>();
  private blocked = new Map<number, number>();
  private heads = new Map<string, Promise<ArrayBuffer>>();
  private head = "";
  private began = 0;
  private work: Promise<void> = Promise.resolve();

  constructor(track: Track, element: HTMLMediaElement, load: Load, origin: number, end: number) {
    this.track = track;
    this.element = element;
    this.load = load;
    this.origin = origin;
    this.url = URL.createObjectURL(this.source);
    this.source.addEventListener("sourceopen", () => this.open(end), { once: true });
    element.src = this.url;
  }

  // How far the element is behind the clock, in seconds; null while it does not play.
  drift(t: number): number | null {
    return this.element.paused || this.element.seeking ? null : this.at(t) - this.element.currentTime;
  }

  state(t: number): TrackState {
    const index = indexAt(this.track, t);
    const hole = holeAt(this.track, t);
    if (hole) {
      return hole[0] === -Infinity || hole[1] === Infinity ? "outside" : "gap";
    }
    if (this.refused.has(index)) {
      return "refused";
    }
    if (this.ready(t)) {
      return "shown";
    }
    // A browser finishes no seek with so little left before a hole: nobody waits for it.
    const ahead = holeAt(this.track, t + TAIL_MS);
    return ahead ? (ahead[1] === Infinity ? "outside" : "gap") : "waiting";
  }

  // Whether the moment can be shown now: the octets are there, and the element has come to them.
  ready(t: number): boolean {
    if (this.element.seeking || this.element.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) {
      return false;
    }
    const at = this.at(t);
    const off = Math.abs(this.element.currentTime - at);
    return off < (this.element.paused ? 2 * PLACE_S : SEEK_S) && this.ranges().some(([from, to]) => from - PLACE_S <= at && at < to);
  }

  // Play from where the element stands; the session time that it has come to, once it moves.
  begin(t: number, rate: number): number | null {
    if (this.state(t) !== "shown") {
      return null;
    }
    if (this.element.paused) {
      this.began = this.element.currentTime;
      this.element.playbackRate = rate;
      this.run();
    }
    return this.element.currentTime > this.began ? this.origin + this.element.currentTime * 1000 : NaN;
  }

  // Called again and again: fetch what is needed around t, let go what is not, and keep the element in step.
  follow(t: number, running: boolean, rate: number): void {
    this.fetchAround(t, rate);
    const state = this.state(t);
    if (state === "gap" || state === "outside" || state === "refused") {
      this.rest(this.next(t));
    } else if (running && state === "shown") {
      this.keepStep(this.at(t), rate);
    } else {
      this.rest(t);
    }
  }

  close(): void {
    this.ending.abort();
    for (const controller of this.loading.values()) {
      controller.abort();
    }
    this.element.pause();
    this.element.removeAttribute("src");
    this.element.load();
    URL.revokeObjectURL(this.url);
  }

  // -- the element ----------------------------------------------------------------------------------------------------

  private keepStep(at: number, rate: number): void {
    const late = at - this.element.currentTime;
    if (Math.abs(late) >= SEEK_S) {
      this.element.currentTime = at;
    }
    const most = this.track.kind === "mic" ? BEND_SOUND : BEND_PICTURE;
    const bend = Math.abs(late) < STILL_S ? 0 : Math.max(-most, Math.min(most, late / SETTLE_S / rate));
    const wanted = rate * (1 + bend);
    if (Math.abs(this.element.playbackRate - wanted) > 0.005) {
      this.element.playbackRate = wanted;
    }
    if (this.element.paused) {
      this.run();
    }
  }

  private run(): void {
    this.element.play().catch((error: unknown) => {
      // A browser that forbids sound before the first click still lets the rest go on.
      if (error instanceof DOMException && error.name === "NotAllowedError") {
        this.element.muted = true;
      }
    });
  }

  private rest(t: number): void {
    if (!this.element.paused) {
      this.element.pause();
    }
    // An element that still seeks says where to; it may be sent elsewhere at once.
    if (this.source.readyState === "open" && Math.abs(this.element.currentTime - this.at(t)) > PLACE_S) {
      this.element.currentTime = Math.max(0, this.at(t));
    }
  }

  // Where the next thing to show begins, so that the element waits for it there.
  private next(t: number): number {
    for (let index = indexAt(this.track, t); index < this.track.segments.length; index++) {
      const segment = this.track.segments[index];
      const end = endOf(this.track, index);
      if (segment && end > t && !this.refused.has(index)) {
        const hole = holeAt(this.track, Math.max(t, segment.t0));
        if (!hole) {
          return Math.max(t, segment.t0);
        }
        if (hole[1] < end) {
          return hole[1];
        }
      }
    }
    return t;
  }

  // -- the buffer -----------------------------------------------------------------------------------------------------

  private open(end: number): void {
    this.source.duration = Math.max(1, this.at(end) + 1);
    this.buffer = this.source.addSourceBuffer(TYPES[this.track.kind]);
    this.buffer.mode = "segments";
  }

  private fetchAround(t: number, rate: number): void {
    if (!this.buffer) {
      return;
    }
    const ahead = Math.min(FARTHEST_MS, AHEAD_MS * Math.max(1, rate));
    const first = Math.max(0, indexAt(this.track, t));
    const last = indexAt(this.track, t + ahead);
    for (const [index, controller] of this.loading) {
      if (index < first || index > last) {
        controller.abort();
        this.loading.delete(index);
      }
    }
    const now = performance.now();
    for (let index = first; index <= last && this.loading.size < AT_ONCE; index++) {
      if (!this.held.has(index) && !this.loading.has(index) && !this.refused.has(index) && (this.blocked.get(index) ?? 0) <= now) {
        this.fetch(index);
      }
    }
    this.evict(t, ahead);
  }

  private fetch(index: number): void {
    const segment = this.track.segments[index];
    if (!segment) {
      return;
    }
    const controller = new AbortController();
    this.loading.set(index, controller);
    Promise.all([this.headOf(segment.init), this.load(segment.sha256, controller.signal)])
      .then(([head, data]) => {
        if (!controller.signal.aborted) {
          this.held.add(index);
          this.queue((buffer) => this.append(buffer, segment, head, data));
        }
      })
      .catch((error: unknown) => controller.signal.aborted || this.failed(index, error))
      .finally(() => this.loading.get(index) === controller && this.loading.delete(index));
  }

  private failed(index: number, error: unknown): void {
    if (error instanceof Altered) {
      this.refused.add(index);
    } else {
      this.blocked.set(index, performance.now() + RETRY_MS);
    }
  }

  private headOf(sha256: string): Promise<ArrayBuffer> {
    const known = this.heads.get(sha256);
    if (known) {
      return known;
    }
    const loading = this.load(sha256, this.ending.signal);
    this.heads.set(sha256, loading);
    loading.catch(() => this.heads.delete(sha256));
    return loading;
  }

  private async append(buffer: SourceBuffer, segment: Segment, head: ArrayBuffer, data: ArrayBuffer): Promise<void> {
    if (this.head !== segment.init) {
      await done(buffer, () => buffer.appendBuffer(head));
      this.head = segment.init;
    }
    // The media's own times count from the beginning of its take; the log says when that was.
    buffer.timestampOffset = (segment.t0 - this.origin - timecode(data)) / 1000;
    await done(buffer, () => buffer.appendBuffer(data));
  }

  private evict(t: number, ahead: number): void {
    for (const index of this.held) {
      const segment = this.track.segments[index];
      if (segment && (segment.t1 < t - BEHIND_MS || segment.t0 > t + ahead + BEHIND_MS)) {
        this.held.delete(index);
        const [from, to] = [this.at(segment.t0), this.at(endOf(this.track, index))];
        this.queue((buffer) => (to > from ? done(buffer, () => buffer.remove(Math.max(0, from), to)) : Promise.resolve()));
      }
    }
  }

  // One change of the buffer at a time, in their order; a change that fails spoils no other.
  private queue(change: (buffer: SourceBuffer) => Promise<void>): void {
    this.work = this.work.then(async () => {
      if (this.buffer && this.source.readyState === "open") {
        await change(this.buffer).catch(() => undefined);
      }
    });
  }

  private ranges(): [number, number][] {
    const buffered = this.buffer ? this.element.buffered : null;
    return Array.from({ length: buffered?.length ?? 0 }, (_, index) => [buffered?.start(index) ?? 0, buffered?.end(index) ?? 0]);
  }

  private at(t: number): number {
    return (t - this.origin) / 1000;
  }
}

function done(buffer: SourceBuffer, change: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    buffer.addEventListener("updateend", () => resolve(), { once: true });
    try {
      change();
    } catch (error) {
      reject(error instanceof Error ? error : new Error(String(error)));
    }
  });
}
