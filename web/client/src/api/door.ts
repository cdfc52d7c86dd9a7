import type { Call } from "../crypto/client.ts";

/** A request that a server has not answered in this time was lost with it. */
const ANSWER_MS = 15_000;

/** The seat's requests: octets in, octets out, any status. Rejects where no answer came; the seat tries again. */
export const door: Call = doorTo("", "same-origin");

/** The same to the node of the seat's own city, at this origin: the one that the page's policy lets it ask besides. It
 * is told nothing but what is in the request. */
export const nodeDoor = (node: string): Call => doorTo(node, "omit");

function doorTo(base: string, credentials: RequestCredentials): Call {
  return async ({ method, path, body, type }) => {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), ANSWER_MS);
    try {
      const sent = body === undefined ? {} : { body, headers: { "Content-Type": type ?? "application/octet-stream" } };
      const answer = await fetch(base + path, { ...sent, method, signal: late.signal, credentials, redirect: "error" });
      const octets = new Uint8Array(await answer.arrayBuffer());
      return { status: answer.status, type: answer.headers.get("Content-Type") ?? "", body: octets };
    } finally {
      clearTimeout(timer);
    }
  };
}
