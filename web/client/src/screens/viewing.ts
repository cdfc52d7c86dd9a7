/**
 * What this seat has on its screen, told to the server: page images that were decoded and stand in a visible window.
 *
 * Each part that shows an image says so here; the server hears the whole set whenever it changes and after each
 * reconnection. A window that is hidden shows nothing.
 */
import type { Live } from "../live/live.ts";
import type { PageImage } from "./images.ts";

/** docs/protocol.md section 7. */
const MOST = 2;
const SETTLE_MS = 50;

const shown = new Map<symbol, PageImage>();
let line: Live | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let told = "";

/** A part shows this image from now on; null: nothing any more. */
export function showing(live: Live, part: symbol, image: PageImage | null): void {
  if (line !== live) {
    line = live;
    told = "";
    live.on("snapshot", () => {
      // A new socket knows nothing of what the old one was told.
      told = "";
      later();
    });
  }
  if (image === null) shown.delete(part);
  else shown.set(part, image);
  later();
}

function later(): void {
  clearTimeout(timer);
  timer = setTimeout(tell, SETTLE_MS);
}

function tell(): void {
  if (line === null) return;
  const visible = document.visibilityState === "visible" ? [...shown.values()].slice(-MOST) : [];
  const images = visible.map(({ document, page, image }) => ({ document, page, image }));
  const text = JSON.stringify(images);
  if (text !== told && line.send({ type: "viewing", images })) told = text;
}

document.addEventListener("visibilitychange", later);
