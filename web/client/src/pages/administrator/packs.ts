/** What the wizard asks of a rule pack; the pack itself is data of the server. */
import type { TenderSetup } from "../../api/generated/index.ts";
import type { Draft, PackName } from "./draft.ts";

export interface Method {
  prices: string[];
  weights: { least: Record<string, string>; source: string } | null;
  /** Whether deviations are quantified for each bid. */
  adjustments: boolean;
  /** From how many sheets the highest and lowest may be left out; null: never. */
  trimmed_sheets: number | null;
  ties: string[];
  unranked: boolean;
  /** Whether bids of one brand count as one, and how equal ones of it may be settled. */
  same_brand?: boolean;
  brand?: { ways: string[]; source: string };
  source: string;
}

export interface Rules {
  categories: string[];
  committee: { least: number; source: string; larger: { least: number; conditions: string[]; budget: string | null } };
  /** Whether experts sit only after a draw; older packs say nothing. */
  draw?: { experts: string; source: string };
  compliance: { least_bidders: number; source: string };
  /** `categories`: where small firms are granted something at all; everywhere if nothing is said. */
  policy: { rates: Record<string, [low: string, high: string]>; categories?: string[]; source: string };
  /** How many candidates a drawn coefficient has, and the most it may be; older packs draw none. */
  coefficient?: { most: string; candidates: [fewest: number, most: number]; source: string };
  candidates: { most: number; source: string };
  /** In which order a price is corrected; `confirmed`: by the bidder's answer in the evaluation. */
  corrections?: { order: string[]; confirmed?: string; source: string };
  /** Seconds before an incident is overdue. */
  incidents?: { before_start: number; during: number; source: string };
  /** What a report begins with, where the pack asks the tender for it. */
  report?: { publication?: string[]; source: string };
  methods: Record<string, Method>;
}

export interface Offered extends PackName {
  key: string;
  rules: Rules;
}

export function offered(setup: TenderSetup): Offered[] {
  return setup.packs
    .filter(({ form }) => form === 2)
    .map(({ id, version, sha256, regime, rules }) => ({
      key: `${id}/${version}`,
      id,
      version,
      sha256,
      regime,
      rules: rules as unknown as Rules,
    }));
}

/** What small firms are granted in this category. */
export function granted({ policy }: Rules, category: string): Rules["policy"]["rates"] {
  return policy.categories?.includes(category) === false ? {} : policy.rates;
}

/** The rules and the method that the draft has chosen. */
export function chosen(draft: Draft, setup: TenderSetup): { pack: Offered | null; method: Method | null } {
  const pack = offered(setup).find(({ key }) => key === draft.pack) ?? null;
  return { pack, method: pack?.rules.methods[draft.method] ?? null };
}
