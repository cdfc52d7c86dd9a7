import { family, fetchLetters } from "../design/fonts.ts";

let lettered = "";

/** The letters of a mark that is written next; at once, where they are at hand. */
export async function letters(mark: string): Promise<void> {
  if (mark === lettered) return;
  await fetchLetters(mark);
  lettered = mark;
}

/** Who looks at a page, and since when, across it: a photograph of the screen says whose it was. */
export function watermark(context: CanvasRenderingContext2D, width: number, height: number, ratio: number, mark: string): void {
  const key = `${width}/${height}/${ratio}/${mark}`;
  if (layer?.key !== key) layer = { key, board: written(width, height, ratio, mark) };
  context.drawImage(layer.board, 0, 0);
}

/** The newest one: pages of one size that are turned within a minute have the same, and writing it takes as long as a page. */
let layer: { key: string; board: HTMLCanvasElement } | null = null;

function written(width: number, height: number, ratio: number, mark: string): HTMLCanvasElement {
  const board = Object.assign(document.createElement("canvas"), { width, height });
  const context = board.getContext("2d");
  if (!context) return board;
  context.font = `${14 * ratio}px ${family()}`;
  context.fillStyle = "rgb(18 48 92 / 9%)";
  context.rotate(-Math.PI / 8);
  const step = { x: context.measureText(mark).width + 60 * ratio, y: 150 * ratio };
  for (let y = 0; y < height * 1.5; y += step.y) {
    for (let x = -height; x < width; x += step.x) context.fillText(mark, x + ((y / step.y) % 2) * (step.x / 2), y);
  }
  return board;
}
