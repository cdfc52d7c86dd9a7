/** What the wizard asks of a rule pack; the pack itself is data of the server. */
import type { TenderSetup } from "../../api/generated/index.ts";
import type { PackName } from "./draft.ts";

export interface Method {
  prices: string[];
  weights: { least: Record<string, string>; source: string } | null;
  ties: string[];
  source: string;
}

export interface Rules {
  categories: string[];
  committee: { least: number; source: string; larger: { least: number; conditions: string[]; budget: string | null } };
  compliance: { least_bidders: number; source: string };
  methods: Record<string, Method>;
}

export interface Offered extends PackName {
  key: string;
  rules: Rules;
}

/** Packs whose price formula needs nothing but the prices; tenders under others are handed in by the interface. */
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
    }))
    .filter(({ rules }) => Object.values(rules.methods).some(({ prices }) => prices.includes("lowest")));
}
