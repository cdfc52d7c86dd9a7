/** A QR code as one SVG path, computed in this page. */
import makeCode from "qrcode-generator";

export interface Squares {
  /** Modules on each side, with the quiet zone of four that ISO/IEC 18004 asks for. */
  size: number;
  path: string;
}

const QUIET = 4;

export function squares(text: string): Squares {
  // 0: the smallest version that holds the text; M: 15 % may be dirty.
  const code = makeCode(0, "M");
  code.addData(text, "Byte");
  code.make();
  const count = code.getModuleCount();
  let path = "";
  for (let row = 0; row < count; row += 1) {
    for (let column = 0; column < count; column += 1) {
      if (code.isDark(row, column)) path += `M${column + QUIET} ${row + QUIET}h1v1h-1z`;
    }
  }
  return { size: count + 2 * QUIET, path };
}
