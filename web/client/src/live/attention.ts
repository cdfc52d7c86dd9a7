/**
 * What happens at a member's seat, told to the server as it happens: another tab covers the page, another window has the
 * keyboard. These are events for the supervisor, not verdicts; what happens while the line is down is not told.
 */
import type { Live } from "./live.ts";

type What = "hidden" | "shown" | "left" | "back";

const MEMBERS: ReadonlySet<string> = new Set(["expert", "buyer-representative"]);

/** Tell from now on, while `role` is a member's; the answer ends it. */
export function attend(live: Live, role: () => string | undefined): () => void {
  const tell = (what: What): void => {
    if (MEMBERS.has(role() ?? "")) live.send({ type: "attention", what });
  };
  const visibility = (): void => tell(document.visibilityState === "visible" ? "shown" : "hidden");
  const left = (): void => tell("left");
  const back = (): void => tell("back");
  document.addEventListener("visibilitychange", visibility);
  addEventListener("blur", left);
  addEventListener("focus", back);
  return () => {
    document.removeEventListener("visibilitychange", visibility);
    removeEventListener("blur", left);
    removeEventListener("focus", back);
  };
}
