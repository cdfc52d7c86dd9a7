/** Scores as they are typed: any usual way of writing a number, then exactly two places. No floating point. */

/** Full-width digits and points are what a Chinese input method gives. */
export function tidy(typed: string): string {
  return typed
    .trim()
    .replace(/[０-９]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) - 0xfee0))
    .replace(/[．。，,]/g, ".")
    .replace(/\s+/g, "");
}

/** "12" and "12.5" become "12.00" and "12.50"; what is no number stays as it was typed. */
export function written(typed: string): string {
  const plain = tidy(typed);
  const found = /^(\d+)(?:\.(\d{0,2}))?$/.exec(plain);
  if (!found) return plain;
  const whole = (found[1] ?? "0").replace(/^0+(?=\d)/, "");
  return `${whole}.${(found[2] ?? "").padEnd(2, "0")}`;
}

export type Fault = "blank" | "malformed" | "range";

const POINTS = /^(?:0|[1-9]\d{0,11})\.\d{2}$/;
/** A number all the same, with more digits than any maximum has. */
const MORE = /^\d+\.\d{2}$/;

/** What is wrong with a score, or null. */
export function fault(typed: string, max: string): Fault | null {
  const points = written(typed);
  if (points === "") return "blank";
  if (!POINTS.test(points)) return MORE.test(points) ? "range" : "malformed";
  return cents(points) > cents(max) ? "range" : null;
}

/** The exact sum of what is in order; null while something is not. */
export function total(typed: readonly string[]): string | null {
  const points = typed.map(written);
  if (points.some((each) => !POINTS.test(each))) return null;
  return decimal(points.reduce((sum, each) => sum + cents(each), 0n));
}

/** The sum so far, leaving out what is blank or wrong. */
export function subtotal(typed: readonly string[]): string {
  return decimal(
    typed.map(written).reduce((sum, each) => (POINTS.test(each) ? sum + cents(each) : sum), 0n),
  );
}

const cents = (points: string): bigint => BigInt(points.replace(".", ""));
const decimal = (value: bigint): string => `${value / 100n}.${String(value % 100n).padStart(2, "0")}`;

export type Move = { row: number; column: number };

/** Where a key leads in a table of this size; null: the key is the field's own. */
export function moved(key: string, at: Move, rows: number, columns: number, atStart: boolean, atEnd: boolean): Move | null {
  const { row, column } = at;
  switch (key) {
    case "Enter":
    case "ArrowDown":
      if (row + 1 < rows) return { row: row + 1, column };
      return key === "Enter" && column + 1 < columns ? { row: 0, column: column + 1 } : null;
    case "ArrowUp":
      return row > 0 ? { row: row - 1, column } : null;
    case "ArrowLeft":
      return atStart && column > 0 ? { row, column: column - 1 } : null;
    case "ArrowRight":
      return atEnd && column + 1 < columns ? { row, column: column + 1 } : null;
    default:
      return null;
  }
}
