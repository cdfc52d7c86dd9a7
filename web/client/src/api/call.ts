import { OFFLINE, Problem, problemOf } from "./problem.ts";

/** What a generated `…Data` type tells of an operation. */
interface Operation {
  url: string;
  path?: Record<string, string | number>;
  query?: Record<string, unknown>;
  body?: unknown;
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
type Given<D extends Operation> = Pick<D, Extract<keyof D, "path" | "query" | "body">> & {
  headers?: Record<string, string>;
  signal?: AbortSignal;
};
type Rest<D extends Operation> = object extends Given<D> ? [given?: Given<D>] : [given: Given<D>];
type Answer<R> = Exclude<R[keyof R], void>;

// A request that got no answer in this time gets none: a hung line must become words on the screen.
const PATIENCE_MS = 20_000;

/**
 * One operation of the server, typed by the generated description:
 * `await call<GetMeData, GetMeResponses>("GET", "/v1/me")`.
 * JSON goes out for objects, a `Blob` as it is (its type is the Content-Type). Every failure is a `Problem`.
 */
export async function call<D extends Operation, R>(
  method: Method,
  url: D["url"],
  ...[given]: Rest<D>
): Promise<Answer<R>> {
  const answer = await ask(method, address(url, given?.path, given?.query), given);
  if (answer.status === 204) return undefined as Answer<R>;
  const type = answer.headers.get("Content-Type") ?? "";
  return (type.includes("json") ? await answer.json() : await answer.text()) as Answer<R>;
}

/** The same where the answer is octets: objects, page images, evidence. */
export async function octets<D extends Operation>(
  method: Method,
  url: D["url"],
  ...[given]: Rest<D>
): Promise<Uint8Array<ArrayBuffer>> {
  const answer = await ask(method, address(url, given?.path, given?.query), given);
  return new Uint8Array(await answer.arrayBuffer());
}

/** One piece of a long answer: octets from `from` on, of `size` in all. */
export interface Piece {
  from: number;
  size: number;
  octets: Uint8Array<ArrayBuffer>;
}

/**
 * The same piece by piece as they come in, from the octet `from` on, for what is too large to be in memory at once. A
 * line that breaks, or that is silent for too long, is a `Problem` that says `OFFLINE`: whoever has a part asks for the
 * rest.
 */
export async function* pieces<D extends Operation>(
  url: D["url"],
  given: Given<D>,
  from: number,
): AsyncGenerator<Piece, void, undefined> {
  const late = new AbortController();
  given.signal?.addEventListener("abort", () => late.abort(), { once: true });
  const headers = new Headers(from > 0 ? { Range: `bytes=${from}-` } : {});
  const answer = await ask("GET", address(url, given.path, given.query), { headers, signal: late.signal });
  let at = answer.status === 206 ? from : 0;
  const size = at + Number(answer.headers.get("Content-Length"));
  const reader = (answer.body as ReadableStream<Uint8Array<ArrayBuffer>>).getReader();
  try {
    while (at < size) {
      const timer = setTimeout(() => late.abort(), PATIENCE_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(timer));
      if (done) throw new Error("the answer ended early");
      yield { from: at, size, octets: value };
      at += value.length;
    }
  } catch (error) {
    throw new Problem(0, OFFLINE, String(error));
  } finally {
    late.abort();
  }
}

export function address(url: string, path: Operation["path"] = {}, query: Operation["query"] = {}): string {
  const filled = url.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(path[name])));
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (Array.isArray(value)) for (const each of value) asked.append(name, String(each));
    else if (value !== undefined && value !== null) asked.set(name, String(value));
  }
  return asked.size > 0 ? `${filled}?${asked.toString()}` : filled;
}

async function ask(
  method: Method,
  url: string,
  given: { body?: unknown; headers?: HeadersInit; signal?: AbortSignal } = {},
): Promise<Response> {
  const body = given.body;
  const raw = body instanceof Blob;
  const headers = new Headers(given.headers);
  if (body !== undefined && !raw) headers.set("Content-Type", "application/json");
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), PATIENCE_MS);
  given.signal?.addEventListener("abort", () => late.abort(), { once: true });
  let answer: Response;
  try {
    answer = await fetch(url, {
      method,
      headers,
      body: body === undefined ? null : raw ? body : JSON.stringify(body),
      signal: late.signal,
      credentials: "same-origin",
      redirect: "error",
    });
  } catch (error) {
    throw new Problem(0, OFFLINE, String(error));
  } finally {
    clearTimeout(timer);
  }
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}
