/**
 * Parts of the page that are not there any more: an old window after an update asks for files of a build that is gone.
 *
 * A link loads its page anew, once and with words; a part that is missed beside one's work only says so, with a button,
 * so that nothing goes away under the hands. Where the server is away as well, loading anew would lose the page that is
 * there: then it stays.
 */
import { shallowRef } from "vue";
import type { Router } from "vue-router";
import { answers } from "../state/session.ts";

export const missing = shallowRef<"" | "renewing" | "unloaded" | "unreached">("");

const KEY = "tongping/renewed";
/** For words to be read, and for drafts: they are kept a quarter of a second after the last key. */
const SETTLE_MS = 1500;
let wanted = "";

export function renewMissingParts(router: Router): void {
  router.onError((_, to) => void renew(to.fullPath));
  router.afterEach((to, __, failure) => {
    if (failure) return;
    missing.value = "";
    // It has come: the next update may load it anew again.
    if (remembered() === to.fullPath) remember("");
  });
  // Vite says so of every part; a link's own follows at `onError`.
  addEventListener("vite:preloadError", () => {
    if (missing.value === "") missing.value = "unloaded";
  });
}

async function renew(path: string): Promise<void> {
  wanted = path;
  if (!(await answers())) missing.value = "unreached";
  else if (remembered() === path || !remember(path)) missing.value = "unloaded";
  else {
    missing.value = "renewing";
    setTimeout(reload, SETTLE_MS);
  }
}

/** What the button beside the words does. */
export function reload(): void {
  if (missing.value === "unreached") void renew(wanted);
  else if (wanted === "") location.reload();
  else location.assign(wanted);
}

function remembered(): string {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

/** Whether it could: who forgets would load anew for ever. */
function remember(path: string): boolean {
  try {
    sessionStorage.setItem(KEY, path);
    return true;
  } catch {
    return false;
  }
}
