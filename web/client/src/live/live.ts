/**
 * The live socket of one seat: snapshot, numbered entries in order, resume after a cut.
 *
 * One instance lives as long as its page. It fetches a ticket, opens the socket, says hello with the next index that it
 * lacks, pings each second, and closes a line that is silent. Between two tries it waits, longer each time, and says
 * until when (`status.retryAt`), so that the page can count down.
 */
import { Problem } from "../api/problem.ts";
import type { Messages } from "./messages.ts";

export type Phase = "connecting" | "open" | "waiting" | "ended";

export interface Status {
  phase: Phase;
  /** When the next try begins, in ms of `Date.now()`; only while waiting. */
  retryAt: number | null;
  /** Why it ended for good: a code of the server, like `not-signed-in`. */
  code: string | null;
  /** The server's clock minus ours, in ms, and the round trip it was measured with; null before the first pong. */
  offset: number | null;
  rtt: number | null;
}

type Kind = keyof Messages;
type Listener<K extends Kind> = (message: Messages[K]) => void;

export interface Line {
  readonly readyState: number;
  send(text: string): void;
  close(): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
}

export interface Options {
  proceeding: string;
  /** A new socket ticket (30 s, once). */
  ticket(): Promise<string>;
  /** The first entry that the page lacks; null: it needs none of the past. */
  resume?: number | null;
  connect?(url: string): Line;
  now?(): number;
}

// docs/protocol.md section 7: a ping each second; the server closes after three silent ones, we after four.
const PING_MS = 1000;
const SILENCE_MS = 4000;
// Waits between tries: at once after the first cut, then slower, so that a whole hall does not knock each second.
const WAITS_MS = [500, 1000, 2000, 4000, 8000, 15_000];
// Refusals that no later try can change: the page has to sign in anew or ask a person.
const FINAL = new Set([401, 403, 404]);
/** What a server says to a page that asks for entries beyond its log. */
const BEYOND = "unknown-message";
const OPEN = 1;
/** What one measurement of the clock adds to those before it. */
const AVERAGED = 1 / 8;
/** By how much the best round trip counts for less with each ping: a line that became slower is believed in a minute. */
const AGED = 1.02;

export class Live {
  #options: Options;
  #listeners = new Map<string, Set<(message: never) => void>>();
  #watchers = new Set<(status: Status) => void>();
  #next: number | null;
  #line: Line | null = null;
  #heard = 0;
  #tries = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ping: ReturnType<typeof setInterval> | undefined;
  #status: Status = { phase: "connecting", retryAt: null, code: null, offset: null, rtt: null };
  #best = Infinity;
  /** The newest ping: when it was sent, and its round trip once it is answered. */
  #pinged: { t: number; rtt?: number } | null = null;

  constructor(options: Options) {
    this.#options = options;
    this.#next = options.resume ?? null;
  }

  get status(): Status {
    return this.#status;
  }

  /** The next index that the page lacks, null before the first snapshot. */
  get next(): number | null {
    return this.#next;
  }

  start(): void {
    void this.#open();
  }

  /** Ends the line for good. */
  stop(): void {
    this.#end(null);
  }

  /** The wait is over: somebody pressed the button, or the network came back. */
  retryNow(): void {
    if (this.#status.phase === "waiting") {
      clearTimeout(this.#timer);
      void this.#open();
    }
  }

  /** Hears one kind of message; the answer ends it. */
  on<K extends Kind>(kind: K, listener: Listener<K>): () => void {
    const heard = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, heard.add(listener));
    return () => void heard.delete(listener);
  }

  watch(watcher: (status: Status) => void): () => void {
    this.#watchers.add(watcher);
    watcher(this.#status);
    return () => void this.#watchers.delete(watcher);
  }

  /** Says something, if the line is open; whether it could. */
  send(message: { type: string } & Record<string, unknown>): boolean {
    if (this.#line?.readyState !== OPEN || this.#status.phase !== "open") return false;
    this.#line.send(JSON.stringify(message));
    return true;
  }

  async #open(): Promise<void> {
    this.#set({ phase: "connecting", retryAt: null });
    let ticket: string;
    try {
      ticket = await this.#options.ticket();
    } catch (error) {
      if (error instanceof Problem && FINAL.has(error.status)) this.#end(error.code);
      else this.#wait();
      return;
    }
    if (this.#status.phase === "ended") return;
    const line = (this.#options.connect ?? browser)(`/v1/proceedings/${this.#options.proceeding}/live?ticket=${ticket}`);
    this.#line = line;
    this.#heard = this.#now();
    this.#pinged = null;
    line.onopen = () => line.send(JSON.stringify({ type: "hello", resume: this.#next }));
    line.onmessage = ({ data }) => this.#hear(line, String(data));
    line.onclose = () => this.#closed(line);
    clearInterval(this.#ping);
    this.#ping = setInterval(() => this.#beat(line), PING_MS);
  }

  #beat(line: Line): void {
    if (this.#now() - this.#heard > SILENCE_MS) {
      line.close();
      this.#closed(line);
    } else if (line.readyState === OPEN) {
      const before = this.#pinged?.rtt;
      this.#pinged = { t: Math.round(this.#now()) };
      line.send(JSON.stringify({ type: "ping", ...this.#pinged, ...(before === undefined ? {} : { rtt: before }) }));
    }
  }

  #closed(line: Line): void {
    if (line !== this.#line) return;
    this.#line = null;
    clearInterval(this.#ping);
    if (this.#status.phase !== "ended") this.#wait();
  }

  #wait(): void {
    const wait = WAITS_MS[Math.min(this.#tries, WAITS_MS.length - 1)] ?? 0;
    this.#tries += 1;
    // Up to a fifth later, so that many seats do not come back in the same moment.
    const late = Math.round(wait * (1 + Math.random() / 5));
    this.#set({ phase: "waiting", retryAt: this.#now() + late });
    this.#timer = setTimeout(() => void this.#open(), late);
  }

  #end(code: string | null): void {
    clearTimeout(this.#timer);
    clearInterval(this.#ping);
    const line = this.#line;
    this.#line = null;
    line?.close();
    this.#set({ phase: "ended", retryAt: null, code });
  }

  #hear(line: Line, text: string): void {
    if (line !== this.#line) return;
    this.#heard = this.#now();
    const message = JSON.parse(text) as Messages[Kind];
    if (message.type === "snapshot") {
      this.#tries = 0;
      this.#set({ phase: "open", retryAt: null, code: null });
      this.#next ??= message.size;
    } else if (message.type === "entry") {
      if (message.n < (this.#next ?? 0)) return;
      if (message.n !== this.#next) {
        // A hole: what follows would be told out of order. The resume fills it.
        line.close();
        this.#closed(line);
        return;
      }
      this.#next = message.n + 1;
    } else if (message.type === "error" && message.code === BEYOND && this.#status.phase !== "open") {
      // The server lost entries that this page has heard: what it has now comes with the snapshot.
      this.#next = null;
    } else if (message.type === "pong") {
      this.#measure(message.t, message.now);
    }
    for (const listener of this.#listeners.get(message.type) ?? []) (listener as Listener<Kind>)(message);
  }

  /** The clock's offset from the pings with the shortest round trips: those bound the error (RFC 5905's simplest
   * filter). They are averaged, so that pages turn in the same frame. A worse one counts all the same where the two
   * cannot both be right: then somebody has set the clock. */
  #measure(sent: number, server: number): void {
    const rtt = this.#now() - sent;
    // The clock was set between ping and pong.
    if (rtt < 0 || rtt > SILENCE_MS) return;
    if (this.#pinged?.t === sent) this.#pinged.rtt = Math.round(rtt);
    const [found, before] = [server - sent - rtt / 2, this.#status.offset];
    const anew = before === null || rtt < this.#best / 2 || Math.abs(found - before) > rtt + this.#best;
    this.#best = Math.max(1, anew ? rtt : Math.min(rtt, this.#best * AGED));
    const weight = anew ? 1 : rtt <= this.#best * 1.5 ? AVERAGED : 0;
    const offset = (before ?? 0) + weight * (found - (before ?? 0));
    this.#set({ offset, rtt: Math.round(rtt) });
  }

  #set(change: Partial<Status>): void {
    this.#status = { ...this.#status, ...change };
    for (const watcher of this.#watchers) watcher(this.#status);
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }
}

function browser(path: string): Line {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return new WebSocket(`${scheme}://${location.host}${path}`) as unknown as Line;
}
