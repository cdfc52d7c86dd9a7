// The client's src/crypto in a browser, for tests in Python: `ask` is a global of the page. Keys, journal and pins are
// where a person's browser has them.
import { door } from "../../web/client/src/api/door.ts";
import { openBrowserStore } from "../../web/client/src/crypto/browser_store.ts";
import { openDrafts } from "../../web/client/src/crypto/drafts.ts";
import { CryptoError } from "../../web/client/src/crypto/errors.ts";
import { openSeat, parseFragment, rememberPins } from "../../web/client/src/crypto/open.ts";
import { answered } from "./verbs.ts";

const around = { call: () => door, store: openBrowserStore };

async function coded(work: () => Promise<unknown>): Promise<object> {
  try {
    return { answer: (await work()) ?? null };
  } catch (error) {
    return { code: error instanceof CryptoError ? error.code : "internal", detail: String(error) };
  }
}

Object.assign(globalThis, {
  ask: (asked: { verb: string }) => answered(asked, around),
  /** The one-time link, and the seat as a page opens it; its device's thumbprint. */
  enter: (link: string, me: { proceeding: string; seat: string; origin: string }) =>
    coded(async () => {
      const { pins, node } = parseFragment(link);
      if (pins !== null) await rememberPins(me.origin, me.seat, pins, node);
      const seat = await openSeat(me);
      const { thumbprint } = seat.device;
      seat.close();
      return thumbprint;
    }),
  openDrafts,
});
