/** What the live socket says (docs/protocol.md section 7). Who adds a message adds its form here. */
import type { DeviceState } from "../call/devices.ts";
import type { View } from "./view.ts";

export interface Snapshot {
  type: "snapshot";
  size: number;
  view: View;
  checkpoint: string | null;
  media: Media;
  screen: Screen | null;
}

/** What the presenter looks at; positions are parts of ten thousand of the page. */
export interface Screen {
  type: "screen";
  seat: string;
  document: string;
  page: number;
  /** A page of before 2026-11-22 does not say the height. */
  viewport: { x: number; y: number; width: number; height?: number };
  highlight: number[][];
  sequence: number;
}

export interface Entry {
  type: "entry";
  n: number;
  leaf: string;
  /** The entry's octets in base64url; null where the role may not see them. */
  entry: string | null;
  summary: { type: string; seat?: string; bidder?: string; centre?: string } | null;
  /** The view after the last entry of a batch. */
  view?: View;
}

export interface Media {
  engine: string | null;
  rooms: Record<string, { connected: boolean }>;
}

/** Venues that are connected, and what their rooms' devices say of themselves. */
export interface Presence {
  venues: Record<string, boolean>;
  devices: Record<string, { camera: DeviceState; microphone: DeviceState }>;
  /** How long the pings of a room's device take, there and back, in ms. */
  lines: Record<string, number>;
  /** How many of a thousand packets the way from a room loses. */
  losses: Record<string, number>;
}

export interface Messages {
  snapshot: Snapshot;
  entry: Entry;
  checkpoint: { type: "checkpoint"; note: string };
  media: { type: "media" } & Media;
  presence: { type: "presence" } & Presence;
  pointer: { type: "pointer"; seat: string; x: number; y: number };
  screen: Screen;
  pong: { type: "pong"; t: number; now: number };
  error: { type: "error"; code: string };
}

export type Message = Messages[keyof Messages];
