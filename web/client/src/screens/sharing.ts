/** The presenter's side of a shared screen: the part of the page, marks and pointer, at most so often. */
import type { Live } from "../live/live.ts";

/** Positions are parts of ten thousand of the page's width and height (docs/protocol.md section 7). */
export const SCALE = 10_000;
/** left, top, width, height. */
export type Box = [number, number, number, number];
/** The server takes twenty messages a second of one socket; the eye wants no more than ten screens. */
const EVERY_MS = 100;
const SMALLEST = SCALE / 20;

export class Sharing {
  readonly #live: Live;
  #sequence = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = 0;
  #told = "";

  constructor(live: Live) {
    this.#live = live;
  }

  /** Say which part of the page stands in the frame; `known` is the newest sequence that anybody used. */
  share(page: { document: string; page: number }, frame: HTMLElement, marks: readonly Box[], known: number): void {
    const tell = () => {
      this.#last = Date.now();
      const { scrollLeft, scrollTop, scrollWidth, scrollHeight, clientWidth } = frame;
      const screen = {
        document: page.document,
        page: page.page,
        viewport: {
          x: part(scrollLeft, scrollWidth),
          y: part(scrollTop, scrollHeight),
          width: Math.max(SMALLEST, part(clientWidth, scrollWidth)),
        },
        highlight: marks,
      };
      const text = JSON.stringify(screen);
      if (text === this.#told) return;
      this.#sequence = Math.max(this.#sequence, known) + 1;
      if (this.#live.send({ type: "screen", ...screen, sequence: this.#sequence })) this.#told = text;
    };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(tell, Math.max(0, this.#last + EVERY_MS - Date.now()));
  }

  point(event: PointerEvent): void {
    if (Date.now() - this.#last < EVERY_MS) return;
    this.#last = Date.now();
    const [x, y] = place(event);
    this.#live.send({ type: "pointer", x, y });
  }

  from(event: PointerEvent): Box {
    const [x, y] = place(event);
    return [x, y, 0, 0];
  }

  /** The box from where it began to here, to the right and down. */
  to([x, y]: Box, event: PointerEvent): Box {
    const [right, bottom] = place(event);
    return [x, y, Math.max(0, right - x), Math.max(0, bottom - y)];
  }
}

function place(event: PointerEvent): [number, number] {
  const { left, top, width, height } = (event.currentTarget as HTMLElement).getBoundingClientRect();
  return [part(event.clientX - left, width), part(event.clientY - top, height)];
}

const part = (value: number, of: number): number => Math.min(SCALE, Math.max(0, Math.round((value / Math.max(1, of)) * SCALE)));
