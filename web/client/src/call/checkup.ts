/** The parts of a device check that need no page: what this browser can do, what a picture shows, what figures mean. */
import { SILENT_DB } from "./meter.ts";
import type { LineQuality } from "./loopback.ts";

export type Verdict = "good" | "warn" | "bad";

/** Chromium 109 is the oldest kernel that we promise (ADR; the last one for Windows 7). */
export const LEAST_CHROMIUM = 109;
// A mouth-to-ear delay above 400 ms makes people talk into each other (ITU-T G.114); half of it is the round trip here.
const SLOW_MS = 300;
// Opus with FEC conceals up to some percent; VP8 without retransmission freezes earlier.
const LOSS_WARN = 2;
const LOSS_BAD = 10;
// A lens cap or a dark room: mean luma of 255.
const DARK = 24;

export interface Found {
  verdict: Verdict;
  /** Which words stand beside it. */
  code: string;
  figures?: Record<string, string | number>;
}

export function chromiumVersion(agent: string = navigator.userAgent): number {
  return Number(/(?:Chrome|Chromium)\/(\d+)/.exec(agent)?.[1] ?? 0);
}

export async function checkBrowser(): Promise<Found> {
  const version = chromiumVersion();
  if (!isSecureContext) return { verdict: "bad", code: "insecure" };
  if (version > 0 && version < LEAST_CHROMIUM) return { verdict: "bad", code: "old", figures: { version } };
  // Old browsers have no such thing, nor ask for it.
  const sender = "RTCRtpSender" in globalThis ? RTCRtpSender : null;
  const codecs = sender?.getCapabilities?.("video")?.codecs.map((codec) => codec.mimeType) ?? [];
  const whole = "locks" in navigator && "mediaDevices" in navigator && codecs.includes("video/VP8");
  if (!whole) return { verdict: "bad", code: "incomplete" };
  try {
    await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
    await storageWorks();
  } catch {
    return { verdict: "bad", code: "storage" };
  }
  return version === 0 ? { verdict: "warn", code: "foreign" } : { verdict: "good", code: "good", figures: { version } };
}

/** A private window or a full disk refuses what keys and drafts need. */
function storageWorks(): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("tongping-check", 1);
    request.onerror = () => reject(request.error ?? new Error("storage"));
    request.onsuccess = () => {
      request.result.close();
      resolve();
    };
  });
}

/** Whether the picture is more than black, by its mean luma. */
export function brightness(video: HTMLVideoElement): number {
  const canvas = document.createElement("canvas");
  canvas.width = 32;
  canvas.height = 18;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (pen === null || video.videoWidth === 0) return 0;
  pen.drawImage(video, 0, 0, 32, 18);
  const { data } = pen.getImageData(0, 0, 32, 18);
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) {
    sum += 0.2126 * (data[i] ?? 0) + 0.7152 * (data[i + 1] ?? 0) + 0.0722 * (data[i + 2] ?? 0);
  }
  return sum / (data.length / 4);
}

export function judgePicture(luma: number, width: number, height: number): Found {
  if (luma < DARK) return { verdict: "warn", code: "dark" };
  return { verdict: "good", code: "good", figures: { width, height } };
}

/** From the loudest moment of the time in which somebody was asked to speak. */
export function judgeVoice(loudest: number): Found {
  return loudest > SILENT_DB ? { verdict: "good", code: "good" } : { verdict: "warn", code: "silent" };
}

/** `offset` in ms; null: the server's clock has not been heard yet, and nothing is said of ours. */
export function judgeClock(offset: number | null): Found {
  if (offset === null) return { verdict: "warn", code: "unmeasured" };
  const seconds = Math.round(Math.abs(offset) / 1000);
  if (seconds < 5) return { verdict: "good", code: "good" };
  return { verdict: "warn", code: seconds < 120 ? "seconds" : "minutes", figures: { seconds, minutes: Math.round(seconds / 60) } };
}

export function judgeLine(found: LineQuality): Found {
  const figures = { rtt: found.rtt, lossUp: found.lossUp, lossBoth: found.lossBoth, rate: found.rate };
  if (found.lossBoth >= LOSS_BAD) return { verdict: "bad", code: "lossy", figures };
  if (found.lossBoth >= LOSS_WARN) return { verdict: "warn", code: "lossy", figures };
  if (found.rtt >= SLOW_MS) return { verdict: "warn", code: "slow", figures };
  return { verdict: "good", code: "good", figures };
}
