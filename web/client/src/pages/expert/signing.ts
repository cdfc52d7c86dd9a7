/** Signing the report: the seat authorises its cloud key for exactly these octets, when it is its turn. */
import type { Answered } from "../../crypto/device.ts";
import type { Seat } from "../../crypto/seat.ts";
import { code } from "./desk.ts";

interface Ranking {
  fromEntries(entries: readonly { type: string; body: object; act: string | null }[]): { ranking: object };
  digest(ranking: object): Promise<string>;
}

/** The second ranking shares no code with the server's; it is a part of the client by itself. */
const [ranking] = Object.values(import.meta.glob<Ranking>("../../ranking/ranking.ts"));

/** This device ranks what was opened, from the record that it has checked itself, and states what it came to. */
export async function confirmRanking(seat: Seat, document: string): Promise<Answered> {
  if (!ranking) throw Object.assign(new Error("no ranking in this build"), { code: "internal" });
  const { fromEntries, digest } = await ranking();
  const entries = [];
  for await (const entry of seat.record.scan(0, await seat.record.advance())) {
    entries.push({ type: entry.type, body: entry.body, act: entry.act?.jws ?? null });
  }
  return seat.perform("ranking.confirm", { ranking: await digest(fromEntries(entries).ranking), document });
}

/** Another seat's signature takes a minute at most (sessions/times.py); then it is the next one's turn. */
const PATIENCE_MS = 180_000;
const AGAIN_MS = 1000;

export async function signReport(seat: Seat, document: string): Promise<Answered> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      const prepared = await seat.client.prepareSignature();
      if (prepared.document !== document) throw Object.assign(new Error("another report"), { code: "wrong-document" });
      const { credential, hashes } = prepared;
      return await seat.perform("report.sign", { credential, hashes: [...hashes], document });
    } catch (error) {
      const again = ["signing-turn", "stale-revision"].includes(code(error)) && Date.now() < until;
      if (!again) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}
