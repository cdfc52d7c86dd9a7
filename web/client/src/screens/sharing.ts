/** The presenter's side of a shared screen: the part of the page, marks and pointer, at most so often. */
import type { Screen } from "../live/messages.ts";
import type { Proceeding } from "../state/proceeding.ts";

/** Positions are parts of ten thousand of the page's width and height (docs/protocol.md section 7). */
export const SCALE = 10_000;
/** left, top, width, height. */
export type Box = [number, number, number, number];
export interface Part {
  x: number;
  y: number;
  width: number;
  height: number;
}
export const ALL: Part = { x: 0, y: 0, width: SCALE, height: SCALE };
/** The server takes twenty messages a second of one socket; the eye wants no more than ten screens. */
const EVERY_MS = 100;
const SMALLEST = SCALE / 20;

/** By how much a key moves or stretches a mark. */
const STEP = SCALE / 50;

export class Sharing {
  readonly #proceeding: Proceeding;
  #sequence = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = 0;
  #told = "";

  constructor(proceeding: Proceeding) {
    this.#proceeding = proceeding;
  }

  /** Say which part of the page stands in the frame. What is told also stands in `proceeding.screen`, as for others. */
  share(page: { document: string; page: number }, frame: HTMLElement, marks: readonly Box[]): void {
    const tell = () => {
      this.#last = Date.now();
      const { scrollLeft, scrollTop, scrollWidth, scrollHeight, clientWidth, clientHeight } = frame;
      const screen = {
        document: page.document,
        page: page.page,
        viewport: {
          x: part(scrollLeft, scrollWidth),
          y: part(scrollTop, scrollHeight),
          width: Math.max(SMALLEST, part(clientWidth, scrollWidth)),
          height: Math.max(SMALLEST, part(clientHeight, scrollHeight)),
        },
        highlight: marks.map((mark) => [...mark]),
      };
      const text = JSON.stringify(screen);
      if (text === this.#told) return;
      const { live, view, screen: known } = this.#proceeding;
      this.#sequence = Math.max(this.#sequence, known?.sequence ?? 0) + 1;
      const message = { type: "screen" as const, ...screen, sequence: this.#sequence };
      if (!live.send(message)) return;
      this.#told = text;
      this.#proceeding.screen = { ...message, seat: view?.me.seat ?? "" };
    };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(tell, Math.max(0, this.#last + EVERY_MS - Date.now()));
  }

  /** A new line, a server that was started anew, or one that refused it in a pause, knows nothing of what was told. */
  forget(): void {
    this.#told = "";
  }

  /** Nothing is told any more. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  point([x, y]: [number, number]): void {
    if (Date.now() - this.#last < EVERY_MS) return;
    this.#last = Date.now();
    this.#proceeding.live.send({ type: "pointer", x, y });
  }
}

/** Whether what the presenter has told is of this page. */
export const fits = (screen: Screen | null, at: { document: string; page: number } | null): boolean =>
  screen !== null && screen.document === at?.document && screen.page === at.page;

/** Parts of ten thousand of a page that may be cut off: what rounding and a frame's rim take. */
const SLACK = 200;

/** Whether what is seen of a page, whose whole box is `page`, has all of this part. */
export function covers(page: DOMRectReadOnly, seen: DOMRectReadOnly, { x, y, width, height }: Part): boolean {
  if (seen.width === 0 || seen.height === 0) return false;
  const [across, down] = [SCALE / page.width, SCALE / page.height];
  return (
    (seen.left - page.left) * across <= x + SLACK &&
    (seen.top - page.top) * down <= y + SLACK &&
    (seen.right - page.left) * across >= x + width - SLACK &&
    (seen.bottom - page.top) * down >= y + height - SLACK
  );
}

/** Where on the page a pointer stands. */
export function place(event: PointerEvent): [number, number] {
  const { left, top, width, height } = (event.currentTarget as HTMLElement).getBoundingClientRect();
  return [part(event.clientX - left, width), part(event.clientY - top, height)];
}

/** The box between two corners. */
export const boxOf = ([x, y]: readonly [number, number], [right, bottom]: readonly [number, number]): Box => [
  Math.min(x, right),
  Math.min(y, bottom),
  Math.abs(right - x),
  Math.abs(bottom - y),
];

/** The box a step further, or larger by one (`stretch`); it stays on the page. */
export function move([x, y, width, height]: Box, right: number, down: number, stretch: boolean): Box {
  const [dx, dy] = [right * STEP, down * STEP];
  if (stretch) return [x, y, within(width + dx, STEP, SCALE - x), within(height + dy, STEP, SCALE - y)];
  return [within(x + dx, 0, SCALE - width), within(y + dy, 0, SCALE - height), width, height];
}

export const styleOf = ([x, y, width, height]: Box): Record<"left" | "top" | "width" | "height", string> => ({
  left: `${x / 100}%`,
  top: `${y / 100}%`,
  width: `${width / 100}%`,
  height: `${height / 100}%`,
});

const within = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
const part = (value: number, of: number): number => within(Math.round((value / Math.max(1, of)) * SCALE), 0, SCALE);
