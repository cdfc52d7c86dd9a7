/** Who looks at a page, and since when, across it: a photograph of the screen says whose it was. */
export function watermark(context: CanvasRenderingContext2D, width: number, height: number, ratio: number, mark: string): void {
  context.save();
  context.font = `${14 * ratio}px "Noto Sans SC", "Noto Sans CJK SC", sans-serif`;
  context.fillStyle = "rgb(18 48 92 / 9%)";
  context.rotate(-Math.PI / 8);
  const step = { x: context.measureText(mark).width + 60 * ratio, y: 150 * ratio };
  for (let y = 0; y < height * 1.5; y += step.y) {
    for (let x = -height; x < width; x += step.x) context.fillText(mark, x + ((y / step.y) % 2) * (step.x / 2), y);
  }
  context.restore();
}
