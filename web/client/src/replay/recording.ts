// What was recorded, as the server's manifest tells it from the log: tracks, segments, and what is missing where.

export type Kind = "mic" | "camera" | "document";
export type Span = readonly [number, number];

export interface Segment {
  readonly n: number; // the log entry that states it
  readonly take: number;
  readonly number: number;
  readonly sha256: string; // hex
  readonly init: string; // hex
  readonly bytes: number;
  readonly t0: number;
  readonly t1: number;
}

export interface Track {
  readonly room: string;
  readonly kind: Kind;
  readonly segments: readonly Segment[];
  readonly gaps: readonly Span[]; // declared in the log
}

export interface Recording {
  readonly start: number;
  readonly end: number;
  readonly rooms: readonly string[];
  readonly tracks: readonly Track[];
}

// Between two segments of one stream lies one frame; what is longer is a hole, declared or not (media/recorder.py).
const JOIN_MS = 250;

interface StatedSegment {
  n: number;
  take: number;
  number: number;
  sha256: string;
  init: string;
  bytes: number;
  t0: number;
  t1: number;
  gaps: number[][];
}

export interface Manifest {
  size: number;
  tracks: { room: string; kind: string; segments: StatedSegment[] }[];
}

export class ManifestError extends Error {}

// Reads what the door `getRecordings` answers; ManifestError where it is not a manifest.
export function read(manifest: Manifest): Recording {
  const tracks = manifest.tracks.map(readTrack);
  const times = tracks.flatMap((track) => track.segments.flatMap(({ t0, t1 }) => [t0, t1]));
  if (times.some((time) => !Number.isSafeInteger(time))) {
    throw new ManifestError("a time is no integer");
  }
  return {
    start: least(times),
    end: -least(times.map((time) => -time)),
    rooms: [...new Set(tracks.map((track) => track.room))].sort(byNumber),
    tracks,
  };
}

function readTrack({ room, kind, segments }: Manifest["tracks"][number]): Track {
  if (kind !== "mic" && kind !== "camera" && kind !== "document") {
    throw new ManifestError(`unknown kind ${kind}`);
  }
  const read = segments.map(({ n, take, number, sha256, init, bytes, t0, t1 }) => {
    return { n, take, number, sha256: hexOf(sha256), init: hexOf(init), bytes, t0, t1 };
  });
  read.sort((a, b) => a.t0 - b.t0 || a.take - b.take || a.number - b.number);
  const gaps = segments.flatMap((segment) => segment.gaps.map(([from = 0, to = 0]): Span => [from, to]));
  return { room, kind, segments: read, gaps: gaps.sort((a, b) => a[0] - b[0]) };
}

// Where the segment lies that holds time t, or the last one before it; -1 before the first.
export function indexAt(track: Track, t: number): number {
  let low = 0;
  let high = track.segments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((track.segments[middle]?.t0 ?? 0) <= t) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low - 1;
}

// The end of what the segment covers: up to its successor where that follows at once.
export function endOf(track: Track, index: number): number {
  const segment = track.segments[index];
  const next = track.segments[index + 1];
  if (!segment) {
    return -Infinity;
  }
  return next && next.t0 - segment.t1 <= JOIN_MS ? next.t0 : segment.t1;
}

// The hole at time t: from where to where nothing of the track was recorded; null where something was.
export function holeAt(track: Track, t: number): Span | null {
  const index = indexAt(track, t);
  if (index >= 0 && t < endOf(track, index)) {
    const gap = track.gaps.find(([from, to]) => from <= t && t < to);
    // A gap inside a segment (packets that never came) is declared, too.
    return gap ?? null;
  }
  return [index < 0 ? -Infinity : endOf(track, index), track.segments[index + 1]?.t0 ?? Infinity];
}

// All holes of a track between its first and its last moment: the red marks.
export function holes(track: Track): Span[] {
  const found: Span[] = track.gaps.filter(([from, to]) => to - from >= JOIN_MS).map(([from, to]) => [from, to]);
  for (let index = 0; index + 1 < track.segments.length; index++) {
    const from = endOf(track, index);
    const to = track.segments[index + 1]?.t0 ?? from;
    if (to > from) {
      found.push([from, to]);
    }
  }
  return merged(found);
}

export function merged(spans: readonly Span[]): Span[] {
  const found: [number, number][] = [];
  for (const [from, to] of [...spans].sort((a, b) => a[0] - b[0])) {
    const last = found[found.length - 1];
    if (last && from <= last[1]) {
      last[1] = Math.max(last[1], to);
    } else {
      found.push([from, to]);
    }
  }
  return found;
}

// "room-10" comes after "room-9".
function byNumber(one: string, other: string): number {
  return Number(one.replace(/\D/g, "")) - Number(other.replace(/\D/g, "")) || (one < other ? -1 : 1);
}

function least(numbers: readonly number[]): number {
  // Not Math.min(...numbers): a day of recordings is more arguments than a call may have.
  return numbers.reduce((least, number) => Math.min(least, number), numbers[0] ?? 0);
}

export function hexOf(text: string): string {
  const octets = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  if (octets.length !== 32) {
    throw new ManifestError("a hash has 32 bytes");
  }
  return Array.from(octets, (octet) => octet.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}
