/** Who is signed in on this browser. The cookie is out of scripts' reach; `/v1/me` tells whose it is. */
import { shallowRef } from "vue";
import { call } from "../api/call.ts";
import type { GetMeData, GetMeResponses, Me, SignInData, SignInResponses } from "../api/generated/index.ts";
import type { SignOutData, SignOutResponses } from "../api/generated/index.ts";
import { codeOf, passes, Problem } from "../api/problem.ts";

const AGAIN_MS = 3000;

export const me = shallowRef<Me | null>(null);

/** The signed-in seat, asked once; null where nobody is. */
export async function whoAmI(): Promise<Me | null> {
  if (me.value !== null) return me.value;
  try {
    me.value = await call<GetMeData, GetMeResponses>("GET", "/v1/me");
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
  }
  return me.value;
}

/** Whether the server is there, whoever it says that we are. */
export const answers = (): Promise<boolean> => call<GetMeData, GetMeResponses>("GET", "/v1/me").then(() => true, (error: unknown) => !passes(error));

/** Why nobody knows yet who is signed in: the code of the last failure; "" as soon as the server has answered. */
export const unanswered = shallowRef("");
let ask = (): void => undefined;

/** Do not wait for the next try. */
export const askAgain = (): void => ask();

/** The same for as long as it takes: a server that is away for a moment has not ended the session. */
export async function whoAmIAtLast(): Promise<Me | null> {
  for (;;) {
    try {
      const found = await whoAmI();
      unanswered.value = "";
      return found;
    } catch (error) {
      unanswered.value = codeOf(error);
    }
    await new Promise<void>((resolve) => {
      ask = resolve;
      setTimeout(resolve, AGAIN_MS);
      addEventListener("online", () => resolve(), { once: true });
    });
  }
}

/**
 * The one-time link's token becomes a session. The agreement that the link names behind it stays on this device: the
 * seat will believe no other (docs/adr/0006). True: the page is to be loaded anew, since its policy names the node of
 * the seat's own city only where it knows the session.
 */
export async function signIn(fragment: string): Promise<boolean> {
  me.value = null;
  const { parseFragment, rememberPins } = await import("../crypto/open.ts");
  const { token, pins, node } = parseFragment(fragment);
  await call<SignInData, SignInResponses>("POST", "/v1/sign-in", { body: { token } });
  const found = await whoAmI();
  if (found !== null && found.origin !== "" && pins !== null) await rememberPins(found.origin, found.seat, pins, node);
  return node !== null;
}

export async function signOut(): Promise<void> {
  await call<SignOutData, SignOutResponses>("POST", "/v1/sign-out").catch(() => undefined);
  me.value = null;
}
