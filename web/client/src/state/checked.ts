/** Whether this tab's seat is through the check-in page; of the device that says nothing. A new tab asks again. */
import type { Me } from "../api/generated/index.ts";

const KEY = "tongping/checked";
// Auditors look at what is over; they neither speak nor sign.
const WITHOUT = new Set(["auditor", "administrator"]);

export function needsCheck(me: Me): boolean {
  if (WITHOUT.has(me.role)) return false;
  try {
    return sessionStorage.getItem(KEY) !== nameOf(me);
  } catch {
    return true;
  }
}

export function markChecked(me: Me): void {
  try {
    sessionStorage.setItem(KEY, nameOf(me));
  } catch {
    // Then the next load checks again.
  }
}

function nameOf(me: Me): string {
  return `${me.proceeding}/${me.seat}`;
}
