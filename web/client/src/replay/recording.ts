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
  readonly t1: number; // the time of its last frame, which lasts longer
  readonly keyframe: boolean; // whether it begins with one
  readonly gaps: readonly Span[]; // declared in the log, before or inside it
  readonly end: number; // until when it covers time: up to its successor where nothing lies between
  readonly from: number; // index of the segment with which a decoder has to begin, so that it can show this one
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

// The recorder closes a segment whose stream falls silent for so long (media/recorder.py): no frame is held longer.
const SILENT_MS = 3_000;
// Shorter gaps leave no mark on a lane: they would cover what lies beside them.
const MARK_MS = 250;

interface StatedSegment {
  n: number;
  take: number;
  number: number;
  sha256: string;
  init: string;
  bytes: number;
  t0: number;
  t1: number;
  keyframe: boolean;
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
  const read = segments.map((stated): Segment => {
    const { n, take, number, bytes, t0, t1, keyframe } = stated;
    const gaps = stated.gaps.map(([from = 0, to = 0]): Span => [from, to]);
    const [sha256, init] = [hexOf(stated.sha256), hexOf(stated.init)];
    return { n, take, number, sha256, init, bytes, t0, t1, keyframe, gaps, end: t1, from: 0 };
  });
  read.sort((a, b) => a.t0 - b.t0 || a.take - b.take || a.number - b.number);
  const placed: Segment[] = [];
  for (const [index, segment] of read.entries()) {
    const before = placed[index - 1];
    const next = read[index + 1];
    const goesOn = before && !segment.keyframe && before.take === segment.take && follows(before, segment);
    const from = goesOn ? before.from : index;
    placed.push({ ...segment, end: next && joined(segment, next) ? next.t0 : segment.t1, from });
  }
  const gaps = placed.flatMap((segment) => segment.gaps);
  return { room, kind, segments: placed, gaps: gaps.sort((a, b) => a[0] - b[0]) };
}

// The next number of the same take, or the first of the next take (the picture has changed its size).
function follows(one: Segment, next: Segment): boolean {
  return next.take === one.take ? next.number === one.number + 1 : next.take === one.take + 1 && next.number <= 1;
}

// Whether nothing lies between: what is missing there is declared by `next` (media/recorder.py), and the last frame of
// `one` stands until `next` begins, however few frames a second its camera gives.
function joined(one: Segment, next: Segment): boolean {
  const declared = next.gaps.some(([from, to]) => from < next.t0 && to > one.t1);
  return follows(one, next) && next.t0 - one.t1 < SILENT_MS && !declared;
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

// The hole at time t: from where to where nothing of the track was recorded; null where something was.
export function holeAt(track: Track, t: number): Span | null {
  const index = indexAt(track, t);
  const segment = track.segments[index];
  if (segment && t < segment.end) {
    // A gap inside a segment (packets that never came) is declared, too.
    return declaredAt(track, t);
  }
  return [segment ? segment.end : -Infinity, track.segments[index + 1]?.t0 ?? Infinity];
}

// The gap that the log declares at time t, or null.
export function declaredAt(track: Track, t: number): Span | null {
  return track.gaps.find(([from, to]) => from <= t && t < to) ?? null;
}

// All holes of a track between its first and its last moment: the red marks.
export function holes(track: Track): Span[] {
  const found: Span[] = track.gaps.filter(([from, to]) => to - from >= MARK_MS).map(([from, to]) => [from, to]);
  for (const [index, { end }] of track.segments.entries()) {
    const next = track.segments[index + 1];
    if (next && next.t0 > end) {
      found.push([end, next.t0]);
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
