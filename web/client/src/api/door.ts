import type { Call } from "../crypto/client.ts";

/** A request that a server has not answered in this time was lost with it. */
const ANSWER_MS = 15_000;

/** The seat's requests: octets in, octets out, any status. Rejects where no answer came; the seat tries again. */
export const door: Call = async ({ method, path, body, type }) => {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), ANSWER_MS);
  try {
    const sent = body === undefined ? {} : { body, headers: { "Content-Type": type ?? "application/octet-stream" } };
    const answer = await fetch(path, {
      ...sent,
      method,
      signal: late.signal,
      credentials: "same-origin",
      redirect: "error",
    });
    const octets = new Uint8Array(await answer.arrayBuffer());
    return { status: answer.status, type: answer.headers.get("Content-Type") ?? "", body: octets };
  } finally {
    clearTimeout(timer);
  }
};
