/** What a room's line is worth to those who run the meeting, as the server knows it (`presence`). */
import type { Presence } from "./messages.ts";

// There and back: the one way of ITU-T G.114, 150 ms are not noticed in talk, more than 400 ms are not acceptable.
const FINE_MS = 300;
const SLOW_MS = 800;
// In a thousand packets, as in the device check: Opus conceals some percent, and a tenth is heard and seen by everybody.
const SOME_LOSS = 20;
const MUCH_LOSS = 100;

export type LineLevel = "good" | "weak" | "bad";

export interface RoomLine {
  level: LineLevel;
  /** Round trip in ms. */
  ms: number;
  /** Percent of what the room sends, "0.4"; null: it sends nothing, or not for long enough. */
  loss: string | null;
}

/** null: nothing is measured yet. */
export function lineOf({ lines, losses }: Presence, room: string): RoomLine | null {
  const [ms, loss] = [lines[room], losses[room]];
  if (ms === undefined) return null;
  const level = ms > SLOW_MS || (loss ?? 0) >= MUCH_LOSS ? "bad" : ms > FINE_MS || (loss ?? 0) >= SOME_LOSS ? "weak" : "good";
  return { level, ms, loss: loss === undefined ? null : (loss / 10).toFixed(1) };
}

/** The key of its words, which take `ms` and `loss`. */
export function wordsOf(line: RoomLine): string {
  return `rooms.network.${line.loss === null ? "trip" : "both"}.${line.level}`;
}
