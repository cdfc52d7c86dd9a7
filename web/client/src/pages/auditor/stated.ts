/** Whether the log itself states what the server's list of recordings says: by entry, before anything is played. */
import type { Me } from "../../crypto/open.ts";
import type { Unproven, Witnessed } from "../../crypto/witnessed.ts";
import { Altered } from "../../replay/octets.ts";
import { hexOf, type Manifest } from "../../replay/recording.ts";

/** "witnessed": in entries that the pinned quorum cosigned. Otherwise the list stands on the server's word. */
export type Standing = "asking" | "witnessed" | "untrusted" | Unproven;

type Said = Readonly<Record<string, unknown>>;
interface Claim {
  readonly n: number;
  readonly said: Said;
}

export class Stated {
  readonly #me: Me;
  readonly #claims = new Map<string, Claim[]>();
  readonly #onStanding: (standing: Standing) => void;
  #log: Promise<Witnessed | Unproven | "untrusted"> | null = null;

  /** `onStanding` is told how what was asked for stands, the worst of it. */
  constructor(me: Me, manifest: Manifest, onStanding: (standing: Standing) => void) {
    this.#me = me;
    this.#onStanding = onStanding;
    for (const { room, kind, segments } of manifest.tracks) {
      for (const { n, ...rest } of segments) {
        const sha256 = hexOf(rest.sha256);
        this.#claims.set(sha256, [...(this.#claims.get(sha256) ?? []), { n, said: { room, kind, ...rest } }]);
      }
    }
  }

  /** Altered where the log states another segment, or none, under this hash; heads of takes stand in their segments. */
  async check(sha256: string): Promise<void> {
    const claims = this.#claims.get(sha256) ?? [];
    const log = await this.#opened();
    if (log === "untrusted") throw new Altered(sha256);
    if (typeof log === "string") return;
    for (const { n, said } of claims) {
      if (n >= log.size) this.#onStanding("not-witnessed-yet");
      else if (!(await stands(log, n, said))) throw new Altered(sha256);
    }
  }

  /** Asked for once, and again where no answer came. */
  #opened(): Promise<Witnessed | Unproven | "untrusted"> {
    if (this.#log === null) {
      // The first one is witnessed before any other.
      const first = Math.min(...[...this.#claims.values()].flat().map(({ n }) => n));
      this.#log = opened(this.#me, first);
      this.#log.then(
        (log) => this.#onStanding(typeof log === "string" ? log : "witnessed"),
        () => (this.#log = null),
      );
    }
    return this.#log;
  }
}

async function opened(me: Me, n: number): Promise<Witnessed | Unproven | "untrusted"> {
  const { Witnessed } = await import("../../crypto/witnessed.ts");
  return Witnessed.open(me, n).catch(untrusted);
}

async function stands(log: Witnessed, n: number, said: Said): Promise<boolean> {
  const entry = await log.entry(n).catch(untrusted);
  if (entry === "untrusted" || entry.type !== "SegmentsClosed" || !Array.isArray(entry.body["segments"])) return false;
  return (entry.body["segments"] as Said[]).some((each) =>
    Object.entries(said).every(([name, value]) => JSON.stringify(each[name]) === JSON.stringify(value)),
  );
}

/** What does not hold is no answer that is missing: a network that is away is asked again. */
function untrusted(error: unknown): "untrusted" {
  const code = error instanceof Error && "code" in error ? error.code : "";
  if (code === "record-untrusted" || code === "pins-refused") return "untrusted";
  throw error;
}
