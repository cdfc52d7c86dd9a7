/** Packs as `GET /v1/setup` tells them on standard input; for each case the wizard's tender, and the fields it finds wrong. */
import { readFileSync } from "node:fs";
import { type Bidder, bidder, type Draft, empty, fieldOf, leaf, type Member, member, stepOf, tenderOf } from "../../web/client/src/pages/administrator/draft.ts";
import { noteFaults, notes } from "../../web/client/src/pages/administrator/notes.ts";
import { offered } from "../../web/client/src/pages/administrator/packs.ts";
import { quoteFaults } from "../../web/client/src/pages/administrator/quotes.ts";
import { faults, type Pricing } from "../../web/client/src/pages/administrator/pricing.ts";

interface Case {
  pack: string;
  method: string;
  draft: Partial<Draft>;
  pricing: Partial<Pricing>;
  /** Of the first bidder. */
  notes?: Record<string, string>;
  /** Of every bidder, and of the last member. */
  bid?: Partial<Bidder>;
  seat?: Partial<Member>;
  /** What the server says is wrong. */
  pointer?: string;
}
/** 09:30 in Beijing. */
const OPENED = { media: "中国政府采购网；内蒙古自治区公共资源交易网", opened: "2026-11-20T09:30", place: "开标一室" };
const { packs, bidders, cases } = JSON.parse(readFileSync(0, "utf-8"));

function drafted({ pack, method, draft, pricing, notes: noted, bid, seat }: Case): Draft {
  const made = { ...empty(), title: "项目", pack, method, announced: "2026-11-02", budget: "3000000", ...OPENED, ...draft };
  Object.assign(made.pricing, pricing);
  made.bidders = bidders.map((each: object) => ({ ...bidder(), ...each, ...bid }));
  if (made.bidders[0]) made.bidders[0].notes = { ...notes(), ...noted };
  const max = made.pricing.kind === "quality-cost" ? "100" : made.technical;
  made.criteria = [{ ...leaf(), name: "技术", max }];
  made.compliance = [{ key: "k", name: "资格" }];
  const people = [1, 2, 3, 4, 5].map((n) => ({ ...member(), name: `专家${n}`, organisation: "学会" }));
  Object.assign(people.at(-1) ?? {}, seat);
  made.venues = [{ centre: "hohhot.example", rooms: 1, operators: 1, members: people }];
  return made;
}

const found = cases.map((each: Case) => {
  const pack = offered({ main: "", centres: [], packs }).find(({ key }) => key === each.pack);
  const method = pack?.rules.methods[each.method];
  if (!pack || !method) throw new Error(`${each.pack} ${each.method}`);
  const draft = drafted(each);
  const wrong = [...faults(draft, pack.rules, method).keys(), ...noteFaults(draft).keys(), ...quoteFaults(draft, pack.rules).keys()];
  const pointer = each.pointer ?? "";
  return { tender: tenderOf(draft, pack, method), wrong, field: fieldOf(pointer), step: stepOf(pointer) };
});
console.log(JSON.stringify(found));
