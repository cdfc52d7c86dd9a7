/**
 * The main server's routes as a seat calls them (docs/protocol.md section 6).
 *
 * Every call goes on until the server has decided: a restart of the server, a full bucket or a torn connection is
 * waited out, which is safe because every route here is idempotent or names its own retry.
 */

import { type Bytes, hex, same, text, unb64, unb64u } from "./bytes.ts";
import { decodeObject, encode, type JsonObject, members, sha256 } from "./canonical.ts";
import { CryptoError, Malformed, RecordUntrusted, ServerRefused, ServerSilent } from "./errors.ts";

export interface Request {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: Bytes;
  readonly type?: string;
}

/** An answer of any status. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Bytes;
}

/** One request of this page's own session; MUST reject where no answer came. `src/api/octets.ts` is one. */
export type Call = (request: Request) => Promise<Answer>;

/** The answer to an act. */
export interface Posted {
  readonly index: number;
  readonly id: Bytes;
  readonly leaf: Bytes;
}

/** What `POST …/report/signature` prepares. */
export interface Prepared {
  readonly credential: string;
  readonly hashes: readonly string[];
  readonly document: string;
  readonly revision: string;
}

/** Statuses that leave the request's fate open: time-outs, full buckets, and all that a restarting server says. */
export const OPEN_STATUSES = new Set([408, 425, 429, 500, 502, 503, 504]);
/** A server under one supervisor is back within seconds; longer pauses between tries only delay a seat. */
export const FIRST_PAUSE_MS = 100;
export const LONGEST_PAUSE_MS = 2000;
const JSON_TYPE = "application/json";
const MAX_JSON = 1 << 20;

export class Client {
  /** How long to go on asking, in ms; a page may lower it while it is cut off. */
  patienceMs: number;
  readonly proceeding: string;
  readonly #call: Call;

  constructor(call: Call, proceeding: string, patienceMs = 120_000) {
    this.#call = call;
    this.proceeding = proceeding;
    this.patienceMs = patienceMs;
  }

  /** The one door for acts; the same act gives the same answer. */
  async postAct(jws: string, disclosures: readonly string[] = []): Promise<Posted> {
    return posted(await this.#json("POST", this.#path("/acts"), { act: jws, ...(disclosures.length > 0 ? { disclosures: [...disclosures] } : {}) }));
  }

  /** The door for what follows a closed proceeding; `index` and `leaf` are those of the centre log. */
  async postAfter(jws: string): Promise<Posted> {
    return posted(await this.#json("POST", this.#path("/after/acts"), { act: jws }));
  }

  /** An entry that was acknowledged, with its receipt: `{"entry","proof"}`, as it was kept. */
  async handInProof(kept: Bytes): Promise<void> {
    await this.ask({ method: "POST", path: this.#path("/proofs"), body: kept, type: JSON_TYPE });
  }

  /** Where the newest log begins that continues another one, as the server says it; null where none does. */
  async continued(): Promise<number | null> {
    const view = JSON.parse(text(await this.#get(this.#path("")))) as { continued?: { n: number } | null };
    return view.continued?.n ?? null;
  }

  async putObject(data: Bytes): Promise<void> {
    await this.ask({ method: "POST", path: this.#path("/objects"), body: data, type: "application/octet-stream" });
  }

  /** An object by its SHA-256, which is checked. */
  async object(name: Bytes): Promise<Bytes> {
    const data = await this.#get(this.#path(`/objects/${hex(name)}`));
    if (!same(sha256(data), name)) throw new RecordUntrusted("the object's octets have another hash");
    return data;
  }

  /** A server-rendered page as PNG. */
  page(document: Bytes, number: number): Promise<Bytes> {
    return this.#get(this.#path(`/documents/${hex(document)}/pages/${number}.png`));
  }

  checkpoint(): Promise<Bytes> {
    return this.#get(this.#path("/log/checkpoint"));
  }

  async consistency(old: number, size: number): Promise<Bytes[]> {
    const lines = text(await this.#get(this.#path(`/log/consistency?old=${old}&size=${size}`))).split("\n");
    if (lines.pop() !== "") throw new Malformed("a proof's lines end with line feeds");
    return lines.map((line) => unb64(line, 32));
  }

  /** A hash tile by its path after `/tile/`. */
  tile(path: string): Promise<Bytes> {
    return this.#get(this.#path(`/log/tile/${path}`));
  }

  entry(n: number): Promise<Bytes> {
    return this.#get(this.#path(`/log/entries/${n}`));
  }

  /** The tlog-proof; ServerRefused `not-witnessed-yet` before the quorum. */
  receipt(n: number): Promise<Bytes> {
    return this.#get(this.#path(`/log/receipts/${n}`));
  }

  centreEntry(n: number): Promise<Bytes> {
    return this.#get(`/v1/centre/log/entries/${n}`);
  }

  centreReceipt(n: number): Promise<Bytes> {
    return this.#get(`/v1/centre/log/receipts/${n}`);
  }

  /** Policy, trust and the index of the proceeding's opening, as the main server hands them out: checked by whoever
   * asked. */
  async trust(): Promise<{ policy: string; trust: string; opening: number }> {
    const form = { policy: "string", trust: "string", opening: "integer" } as const;
    return members(decodeObject(await this.#get("/v1/trust"), MAX_JSON), form);
  }

  /** What `report.sign` is to be signed over; ServerRefused `signing-turn` while another seat signs. */
  async prepareSignature(): Promise<Prepared> {
    const answer = await this.#json("POST", this.#path("/report/signature"), {});
    const form = { credential: "string", hashes: "array", document: "string", revision: "string" } as const;
    const { credential, hashes, document, revision } = members(answer, form);
    return { credential, hashes: hashes.map(String), document, revision };
  }

  /** One request, tried again until it is decided; ServerRefused, or ServerSilent when patience ends. */
  async ask(request: Request): Promise<Answer> {
    const began = performance.now();
    let last = "";
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.6, LONGEST_PAUSE_MS)) {
      try {
        const answer = await this.#call(request);
        if (answer.status >= 200 && answer.status < 300) return answer;
        if (!OPEN_STATUSES.has(answer.status)) throw refusal(answer);
        last = String(answer.status);
      } catch (error) {
        if (error instanceof CryptoError) throw error;
        last = String(error);
      }
      // Asked anew each time: a page that learns that it is cut off waits no longer.
      if (performance.now() + pause > began + this.patienceMs) throw new ServerSilent(`${request.method} ${request.path}: ${last}`);
      await delay(pause);
    }
  }

  async #get(path: string): Promise<Bytes> {
    return (await this.ask({ method: "GET", path })).body;
  }

  async #json(method: "POST", path: string, value: JsonObject): Promise<JsonObject> {
    const { body } = await this.ask({ method, path, body: encode(value), type: JSON_TYPE });
    return decodeObject(body, MAX_JSON);
  }

  #path(rest: string): string {
    return `/v1/proceedings/${this.proceeding}${rest}`;
  }
}

export const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function posted(answer: JsonObject): Posted {
  const { index, id, leaf } = members(answer, { index: "integer", id: "string", leaf: "string" });
  return { index, id: unb64u(id, 32), leaf: unb64u(leaf, 32) };
}

/** What an answer that is none says, by its problem's code where it has one. */
export function refusal({ status, type, body }: Answer): ServerRefused {
  let [code, detail] = ["http", ""];
  if (type.startsWith("application/problem+json")) {
    try {
      const problem = decodeObject(body, MAX_JSON);
      [code, detail] = [String(problem["code"] ?? code), String(problem["detail"] ?? "")];
    } catch {
      detail = "a problem out of form";
    }
  }
  return new ServerRefused(status, code, detail);
}
