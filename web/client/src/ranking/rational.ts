/** Exact numbers: BigInt rationals, and decimals with two places as cents. */

/** n/d with d > 0; not necessarily in lowest terms. */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

export const ratio = (n: bigint, d = 1n): Rational => (d < 0n ? { n: -n, d: -d } : { n, d });
export const add = (a: Rational, b: Rational): Rational => ratio(a.n * b.d + b.n * a.d, a.d * b.d);
export const sub = (a: Rational, b: Rational): Rational => ratio(a.n * b.d - b.n * a.d, a.d * b.d);
export const mul = (a: Rational, b: Rational): Rational => ratio(a.n * b.n, a.d * b.d);
export const div = (a: Rational, b: Rational): Rational => {
  if (b.n === 0n) throw new RangeError("division by zero");
  return ratio(a.n * b.d, a.d * b.n);
};

/** Below zero, zero or above, as a stands to b. */
export const order = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
export const compare = (a: Rational, b: Rational): number => order(a.n * b.d, b.n * a.d);
export const least = (list: readonly Rational[]): Rational => list.reduce((a, b) => (compare(b, a) < 0 ? b : a));
export const ZERO = ratio(0n);
export const ONE = ratio(1n);
export const HUNDRED = ratio(100n);

/** Reads "12.50" into cents; anything else is refused. */
export function cents(text: unknown): bigint {
  if (typeof text !== "string" || !/^(?:0|[1-9][0-9]{0,11})\.[0-9]{2}$/.test(text)) {
    throw new TypeError("not a decimal with two places");
  }
  return BigInt(text.replace(".", ""));
}

export const exact = (text: unknown): Rational => ratio(cents(text), 100n);

/** Rounds half up to cents; for values that are never below zero. */
export const halfUp = (value: Rational): bigint => (200n * value.n + value.d) / (2n * value.d);

/** `amount` in cents. */
export const form = (amount: bigint): string => `${amount / 100n}.${String(amount % 100n).padStart(2, "0")}`;
