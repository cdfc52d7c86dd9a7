// All rooms of one proceeding on one clock.
//
// The clock is the truth; every element follows it (track-player.ts). Where something that was recorded and is to be
// seen or heard now is not there yet, the clock waits for it, and all rooms with it. A declared gap holds up nobody.

import { VirtualClock } from "./clock.ts";
import { checked, type Load } from "./octets.ts";
import { type Kind, type Recording, type Span, type Track } from "./recording.ts";
import { TrackPlayer, type Lost, type TrackState } from "./track-player.ts";

// Between two looks at the elements. Drift of a tenth of a second is then gone within half a second.
const LOOK_MS = 100;
// While the clock waits, it looks more often: a seek should be over as soon as its pictures are there.
const WAIT_LOOK_MS = 20;
// An element that a browser does not let play must not hold up the others for longer.
const START_MS = 400;

export interface Refusal {
  readonly why: Lost;
  readonly room: string;
  readonly kind: Kind;
  readonly span: Span;
  readonly sha256: string;
  readonly n: number;
}

export class Player {
  readonly recording: Recording;
  private readonly clock: VirtualClock;
  private readonly load: Load;
  private readonly tracks = new Map<string, TrackPlayer>();
  private readonly listeners = new Set<() => void>();
  private wanted = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = performance.now();
  private took = 0;
  private starting: number | null = null;

  // `load` fetches octets by their hash; what it gives is checked here before anything plays it.
  constructor(recording: Recording, load: Load) {
    this.recording = recording;
    this.load = checked(load);
    this.clock = new VirtualClock(() => performance.now(), recording.start);
    this.look = this.look.bind(this);
    document.addEventListener("visibilitychange", this.look);
    this.look();
  }

  get t(): number {
    return Math.min(this.clock.t, this.recording.end);
  }

  get playing(): boolean {
    return this.wanted;
  }

  // Whether the clock waits for octets.
  get waiting(): boolean {
    return !this.settled();
  }

  get rate(): number {
    return this.clock.rate;
  }

  // How long the last seek took until every room showed its moment, in milliseconds.
  get seekTook(): number {
    return this.took;
  }

  set rate(rate: number) {
    this.clock.rate = rate;
    this.look();
  }

  play(): void {
    if (this.t >= this.recording.end) {
      this.seek(this.recording.start);
    }
    this.wanted = true;
    this.look();
  }

  pause(): void {
    this.wanted = false;
    this.look();
  }

  seek(t: number): void {
    this.clock.stop();
    this.clock.seek(Math.max(this.recording.start, Math.min(this.recording.end, t)));
    this.asked = performance.now();
    this.took = 0;
    this.look();
  }

  // Shows a track on this element from now on; nothing where it was not recorded.
  attach(room: string, kind: Kind, element: HTMLMediaElement): void {
    this.detach(room, kind);
    const track = this.recording.tracks.find((each) => each.room === room && each.kind === kind);
    if (track) {
      element.preservesPitch = true;
      const { start, end } = this.recording;
      this.tracks.set(nameOf(track), new TrackPlayer(track, element, this.load, start, end));
      this.look();
    }
  }

  detach(room: string, kind: Kind): void {
    this.tracks.get(`${room} ${kind}`)?.close();
    this.tracks.delete(`${room} ${kind}`);
  }

  state(room: string, kind: Kind): TrackState {
    return this.tracks.get(`${room} ${kind}`)?.state(this.t) ?? "outside";
  }

  // Seconds behind the clock, of every element that plays.
  drifts(): number[] {
    const t = this.t;
    return [...this.tracks.values()].flatMap((each) => each.drift(t) ?? []);
  }

  // Every segment that was not shown so far: its octets are not what the log names, or nothing that can be played.
  refusals(): Refusal[] {
    return [...this.tracks.values()].flatMap(({ track, lost }) =>
      [...lost].flatMap(([index, why]) => {
        const segment = track.segments[index];
        if (!segment) {
          return [];
        }
        const { t0, t1, sha256, n } = segment;
        return [{ why, room: track.room, kind: track.kind, span: [t0, t1] as const, sha256, n }];
      }),
    );
  }

  // Told after every look.
  onLook(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(): void {
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.look);
    for (const each of this.tracks.values()) {
      each.close();
    }
    this.tracks.clear();
    this.listeners.clear();
  }

  private look(): void {
    clearTimeout(this.timer);
    if (this.clock.t >= this.recording.end && this.wanted) {
      this.wanted = false;
      this.clock.seek(this.recording.end);
    }
    const settled = this.settled();
    const run = this.wanted && settled;
    if (settled && !this.took) {
      this.took = performance.now() - this.asked;
    }
    if (!run) {
      this.clock.stop();
      this.starting = null;
    } else if (!this.clock.running) {
      this.begin();
    }
    const t = this.t;
    if (!this.starting) {
      for (const each of this.tracks.values()) {
        each.follow(t, this.clock.running, this.clock.rate);
      }
    }
    for (const listener of this.listeners) {
      listener();
    }
    this.timer = setTimeout(this.look, settled && !this.starting ? LOOK_MS : WAIT_LOOK_MS);
  }

  // Elements take their time to begin: the clock begins with them, in the middle of them.
  private begin(): void {
    this.starting ??= performance.now();
    const t = this.t;
    const begun = [...this.tracks.values()].map((each) => each.begin(t, this.clock.rate)).filter((at) => at !== null);
    const moved = begun.filter((at) => !Number.isNaN(at)).sort((a, b) => a - b);
    if (moved.length === begun.length || performance.now() - this.starting > START_MS) {
      this.clock.seek(moved[moved.length >> 1] ?? t);
      this.clock.start();
      this.starting = null;
    }
  }

  private settled(): boolean {
    const t = this.t;
    return [...this.tracks.values()].every((each) => each.state(t) !== "waiting");
  }
}

function nameOf(track: Track): string {
  return `${track.room} ${track.kind}`;
}
