/** Who holds the shares now: those of the founding, with the successors that were named since in their places. */
import type { Row } from "../../replay/timeline.ts";

export function holdersOf(rows: readonly Row[]): { domains: string[]; k: number } {
  const founded = rows.find(({ type }) => type === "ProceedingFounded")?.said ?? {};
  let domains = texts(founded["holders"]);
  for (const { type, said } of rows) {
    if (type !== "HoldersReplaced") continue;
    const [lost, by] = [texts(said?.["lost"]), texts(said?.["by"])];
    domains = domains.map((domain) => by[lost.indexOf(domain)] ?? domain);
  }
  return { domains, k: Number(founded["holder_k"] ?? 0) };
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === "string") : [];
}
