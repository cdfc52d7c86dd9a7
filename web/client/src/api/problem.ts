/** What the server answers instead of doing it (RFC 9457). `code` is stable; words for it are in i18n (`problems`). */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  /** Seconds after which it may be asked again, where the server says so. */
  readonly after: number | null;
  /** Where in what was handed in: a JSON pointer, or empty. */
  readonly pointer: string;

  constructor(status: number, code: string, detail = "", after: number | null = null, pointer = "") {
    super(`${status} ${code}`);
    this.name = "Problem";
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.after = after;
    this.pointer = pointer;
  }
}

/** No answer at all: the network is away, or the server is. */
export const OFFLINE = "offline";

export async function problemOf(answer: Response): Promise<Problem> {
  const said: unknown = await answer.json().catch(() => null);
  const after = Number(answer.headers.get("Retry-After")) || null;
  if (typeof said === "object" && said !== null && "code" in said && typeof said.code === "string") {
    const detail = "detail" in said && typeof said.detail === "string" ? said.detail : "";
    const pointer = "pointer" in said && typeof said.pointer === "string" ? said.pointer : "";
    return new Problem(answer.status, said.code, detail, after, pointer);
  }
  return new Problem(answer.status, "internal", "", after);
}

/** The code of anything that was thrown, for the words beside it. */
export function codeOf(error: unknown): string {
  const coded = error instanceof Error && "code" in error ? error.code : null;
  return typeof coded === "string" ? coded : "internal";
}

/** Whether the same may well be answered later: no line, a busy server, too many questions. */
export function passes(error: unknown): boolean {
  return error instanceof Problem && (error.status === 0 || error.status === 429 || error.status >= 500);
}
