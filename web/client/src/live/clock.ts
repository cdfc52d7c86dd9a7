/**
 * The server's clock as this page knows it. What a seat signs carries it, because a device's own clock may be off by
 * hours, and the signing service refuses what claims a time that has not come (signing/core/authorisation.py).
 */

let offset = 0;

/** The live line has measured how far the server's clock is ahead of this device's, in ms. */
export function measured(ms: number | null): void {
  offset = ms ?? offset;
}

/** Milliseconds since 1970, with parts; before the first measurement they are this device's own. */
export const serverClock = (): number => own() + offset;

/** `Date.now()` with parts of a millisecond, as long as nobody has set the clock since the page was loaded. */
function own(): number {
  const [fine, whole] = [performance.timeOrigin + performance.now(), Date.now()];
  return Math.abs(fine - whole) < 2 ? fine : whole;
}
