/** A member's own seal against the list: what this device can say of it. */

/** `copyless`: the record holds a seal of this seat, and this device none: another one signed it before. */
export type Compared = "same" | "other" | "copyless";

/** `own`: the seal that this device signed last in the round; `listed`: the seat's in the list. */
export function compared(own: string | null, listed: string | null): Compared {
  if (own === null && listed !== null) return "copyless";
  return own !== null && own === listed ? "same" : "other";
}
