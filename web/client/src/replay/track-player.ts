// One track on one media element: keeps a window of checked segments in the element's buffer, and the element's
// position at the virtual clock.
//
// Sound and picture have an element each: one element would stall both where one of them has a gap. What cannot be
// shown is said to be so, and nobody waits for it.

import { Altered, Missing, type Load } from "./octets.ts";
import { declaredAt, holeAt, indexAt, type Segment, type Track } from "./recording.ts";
import { Full, SegmentBuffer, Unplayable, type Piece } from "./segment-buffer.ts";

// Media time around the clock that is kept: enough to ride out a slow second, little enough for a dozen rooms.
const AHEAD_MS = 20_000;
const BEHIND_MS = 15_000;
// At another speed the same seconds of network are more seconds of media.
const FARTHEST_MS = 40_000;
const AT_ONCE = 2;
// Drift, in seconds (media.md section 4): below the first nothing is done, above the second the element seeks; in
// between its rate bends, and always until nothing is left. Sound bends so little that nobody hears it, but for the
// third of a second after a start, which leaves it 60 to 100 ms late: then picture and sound are what must not be apart.
const STILL_S = 0.012;
const SEEK_S = 0.4;
const APART_S = 0.04;
const BEND_SOUND = 0.08;
const BEND_PICTURE = 0.5;
const SETTLE_S = 0.2;
// A paused element further away than half a frame is put in its place.
const PLACE_S = 0.02;
// Less than this before a hole is not waited for: a decoder begins only when it has a few frames ahead.
const TAIL_MS = 800;
// A failed fetch is tried again after this time.
const RETRY_MS = 1_000;
// So often a browser may say that it has no room for a segment.
const MOST_FULL = 3;
// A full buffer keeps less behind the clock.
const BEHIND_FULL_MS = 2_000;
// Octets that lie in the buffer are decoded within this time, or nobody waits for them any longer.
const STUCK_MS = 5_000;

// "gap": the log declares it; "missing": the log neither has a recording nor says why; "refused": not what the log
// names; "unplayable": gone, or nothing that a browser plays.
export type TrackState = "shown" | "waiting" | "gap" | "missing" | "refused" | "unplayable" | "outside";
export type Lost = "refused" | "unplayable";

export class TrackPlayer {
  readonly track: Track;
  readonly element: HTMLMediaElement;
  // Segments that are not shown, and why.
  readonly lost = new Map<number, Lost>();
  private readonly load: Load;
  private readonly origin: number;
  private readonly end: number;
  private readonly ending = new AbortController();
  private buffer: SegmentBuffer;
  private dead = false;
  private held = new Set<number>();
  private loading = new Map<number, AbortController>();
  private blocked = new Map<number, number>();
  private full = new Map<number, number>();
  private heads = new Map<string, Promise<ArrayBuffer>>();
  private began = 0;
  private t = 0;
  private careful = -1;
  private stuck: { index: number; since: number } | null = null;

  constructor(track: Track, element: HTMLMediaElement, load: Load, origin: number, end: number) {
    this.track = track;
    this.element = element;
    this.load = load;
    this.origin = origin;
    this.end = end;
    this.buffer = this.fresh();
  }

  // How far the element is behind the clock, in seconds; null while it does not play.
  drift(t: number): number | null {
    return this.element.paused || this.element.seeking ? null : this.at(t) - this.element.currentTime;
  }

  state(t: number): TrackState {
    const dark = this.dark(t);
    if (dark) {
      return dark;
    }
    if (this.ready(t)) {
      this.stuck = null;
      return "shown";
    }
    // A browser finishes no seek with so little left before a hole: nobody waits for it.
    return this.dark(t + TAIL_MS) ?? (this.hopeless(t) ? "unplayable" : "waiting");
  }

  // Why nothing can be shown of this moment; null where something can.
  private dark(t: number): TrackState | null {
    const hole = holeAt(this.track, t);
    if (!hole) {
      return this.dead ? "unplayable" : (this.lost.get(indexAt(this.track, t)) ?? null);
    }
    return declaredAt(this.track, t) ? "gap" : hole.every(Number.isFinite) ? "missing" : "outside";
  }

  // Whether the octets lie in the buffer and make no picture: none of this moment, or none for a long time.
  private hopeless(t: number): boolean {
    const index = indexAt(this.track, t);
    if (!this.held.has(index)) {
      this.stuck = null;
      return false;
    }
    // A segment that is alone is nothing to wait for before its end, either.
    if (!this.covered(this.at(t)) || (index <= this.careful && !this.covered(this.at(t + TAIL_MS)))) {
      return true;
    }
    if (this.stuck?.index !== index) {
      this.stuck = { index, since: performance.now() };
    }
    return performance.now() - this.stuck.since > STUCK_MS;
  }

  // Whether the moment can be shown now: the octets are there, and the element has come to them.
  ready(t: number): boolean {
    if (this.element.seeking || this.element.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) {
      return false;
    }
    const at = this.at(t);
    const off = Math.abs(this.element.currentTime - at);
    return off < (this.element.paused ? 2 * PLACE_S : SEEK_S) && this.covered(at);
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
    this.t = t;
    this.fetchAround(t, rate);
    const state = this.state(t);
    if (state === "shown" && running) {
      this.keepStep(this.at(t), rate);
    } else {
      this.rest(state === "shown" || state === "waiting" ? t : this.next(t));
    }
  }

  close(): void {
    this.ending.abort();
    for (const controller of this.loading.values()) {
      controller.abort();
    }
    this.buffer.close();
    this.element.pause();
    this.element.removeAttribute("src");
    this.element.load();
  }

  // -- the element ----------------------------------------------------------------------------------------------------

  private keepStep(at: number, rate: number): void {
    const late = at - this.element.currentTime;
    if (Math.abs(late) >= SEEK_S) {
      this.element.currentTime = at;
    }
    const most = this.track.kind === "mic" && Math.abs(late) < APART_S ? BEND_SOUND : BEND_PICTURE;
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
    if (this.buffer.open && Math.abs(this.element.currentTime - this.at(t)) > PLACE_S) {
      this.element.currentTime = Math.max(0, this.at(t));
    }
  }

  // Where the next thing to show begins, so that the element waits for it there.
  private next(t: number): number {
    for (let index = indexAt(this.track, t); index < this.track.segments.length; index++) {
      const segment = this.track.segments[index];
      if (segment && segment.end > t && !this.lost.has(index)) {
        const hole = holeAt(this.track, Math.max(t, segment.t0));
        if (!hole) {
          return Math.max(t, segment.t0);
        }
        if (hole[1] < segment.end) {
          return hole[1];
        }
      }
    }
    return t;
  }

  // -- the buffer -----------------------------------------------------------------------------------------------------

  private fresh(): SegmentBuffer {
    return new SegmentBuffer(this.element, this.track.kind, this.origin, this.end, (index) => this.broken(index));
  }

  // The browser gave up: on this segment, or on one that it was decoding ahead of time. Then it gets a new buffer, and
  // one segment at a time, until the one at fault has shown itself; without that one it goes on.
  private broken(index: number | null): void {
    const now = indexAt(this.track, this.t);
    const guilty = index ?? (now <= this.careful ? now : null);
    if (guilty === null) {
      this.careful = Math.max(now, ...this.held);
    } else if (this.lost.has(guilty) || guilty < 0) {
      this.dead = true;
    } else {
      this.lost.set(guilty, "unplayable");
    }
    this.forget();
    if (!this.dead) {
      this.buffer = this.fresh();
    }
  }

  private forget(): void {
    for (const controller of this.loading.values()) {
      controller.abort();
    }
    this.loading.clear();
    this.held.clear();
  }

  private fetchAround(t: number, rate: number): void {
    if (this.dead || !this.buffer.open) {
      return;
    }
    const ahead = Math.min(FARTHEST_MS, AHEAD_MS * Math.max(1, rate));
    const first = Math.max(0, indexAt(this.track, t));
    const last = first <= this.careful ? first : indexAt(this.track, t + ahead);
    for (const [index, controller] of this.loading) {
      if (index < first || index > last) {
        controller.abort();
        this.loading.delete(index);
      }
    }
    const now = performance.now();
    for (let index = first; index <= last && this.loading.size < AT_ONCE; index++) {
      const known = this.held.has(index) || this.loading.has(index) || this.lost.has(index);
      if (!known && (this.blocked.get(index) ?? 0) <= now) {
        this.fetch(index);
      }
    }
    this.evict(t, first, ahead);
  }

  private fetch(index: number): void {
    const controller = new AbortController();
    const { signal } = controller;
    const buffer = this.buffer;
    this.loading.set(index, controller);
    const { chain, after } = this.chain(index);
    Promise.all(chain.map((each) => this.piece(each, signal)))
      .then(async (pieces) => {
        if (await buffer.append(pieces, after, signal)) {
          chain.forEach((each) => this.held.add(each));
        }
      })
      .catch((error: unknown) => signal.aborted || this.failed(index, error))
      .finally(() => this.loading.get(index) === controller && this.loading.delete(index));
  }

  // What has to be appended so that the segment can be decoded: from the one with its keyframe on, or from `after` on,
  // if that is what the buffer was given last.
  private chain(index: number): { chain: number[]; after: number | null } {
    const chain = [index];
    const from = this.track.segments[index]?.from ?? index;
    for (let each = index - 1; each >= from && !this.lost.has(each); each--) {
      if (this.buffer.tail === each) {
        return { chain, after: each };
      }
      chain.unshift(each);
    }
    return { chain, after: null };
  }

  private async piece(index: number, signal: AbortSignal): Promise<Piece> {
    const segment = this.track.segments[index] as Segment;
    try {
      const [head, data] = await Promise.all([this.headOf(segment.init), this.load(segment.sha256, signal)]);
      return { index, segment, head, data };
    } catch (error) {
      if (error instanceof Altered) {
        this.lost.set(index, "refused");
      } else if (error instanceof Missing) {
        this.lost.set(index, "unplayable");
      }
      throw error;
    }
  }

  private failed(index: number, error: unknown): void {
    const full = (this.full.get(index) ?? 0) + (error instanceof Full ? 1 : 0);
    this.full.set(index, full);
    if (error instanceof Unplayable) {
      this.lost.set(error.index, "unplayable");
    } else if (full === MOST_FULL) {
      this.lost.set(index, "unplayable");
    } else if (!this.lost.has(index)) {
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

  private evict(t: number, now: number, ahead: number): void {
    const behind = [...this.full.values()].some((count) => count > 0) ? BEHIND_FULL_MS : BEHIND_MS;
    // A browser that forgets a picture forgets all that depend on it.
    const needed = this.track.segments[now]?.from ?? now;
    const evicted = new Set<number>();
    for (const index of [...this.held].sort((a, b) => a - b)) {
      const segment = this.track.segments[index] as Segment;
      const past = index < needed && segment.t1 < t - behind;
      const far = segment.t0 > t + ahead + BEHIND_MS;
      if (past || far || (segment.from < index && evicted.has(index - 1))) {
        evicted.add(index);
        this.held.delete(index);
        this.buffer.remove(segment.t0, segment.end);
      }
    }
  }

  private covered(at: number): boolean {
    return this.buffer.ranges().some(([from, to]) => from - PLACE_S <= at && at < to);
  }

  private at(t: number): number {
    return (t - this.origin) / 1000;
  }
}
