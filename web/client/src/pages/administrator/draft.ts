/** A tender as it is typed. It stays on this device until it is founded, and survives a closed window. */
import { cents, ofCents } from "./checks.ts";
import { noteField, notes, type Notes, notesOf } from "./notes.ts";
import { isDrawn, nightOf } from "./night.ts";
import { granted, type Method, type Offered } from "./packs.ts";
import { priceOf, pricing, type Pricing, whole, written } from "./pricing.ts";
import { publicationOf } from "./publication.ts";
import { brandsOf, brandWayOf, quote, type Quote, quoteField, quoteOf } from "./quotes.ts";

export interface Criterion {
  key: string;
  name: string;
  /** Empty for a branch: its maximum is the sum of its leaves. */
  max: string;
  children: Criterion[];
}

export interface Bidder {
  key: string;
  name: string;
  code: string;
  price: string;
  /** Name of the policy's deduction, or empty. */
  policy: string;
  /** By how much deviations are quantified. */
  plus: string;
  minus: string;
  /** Of goods that are compared by brand; empty: none. */
  brand: string;
  /** Where the bid states its price more than once. */
  quote: Quote;
  /** What the buyer notes of it; several texts with semicolons between them. */
  notes: Notes;
}

export interface TenderDocument {
  sha256: string;
  name: string;
  size: number;
  pages: number;
  notes: string[];
  /** Index of the bidder whose file it is; -1: the tender's own. */
  bidder: number;
}

export interface Member {
  key: string;
  name: string;
  organisation: string;
  role: "expert" | "buyer-representative";
  /** Of an expert whom this system draws: the group of the pool. */
  stratum?: string | undefined;
}

export interface DraftVenue {
  centre: string;
  rooms: number;
  operators: number;
  members: Member[];
}

export interface Draft {
  v: 2;
  title: string;
  kind: "real" | "rehearsal";
  pack: string;
  method: string;
  category: string;
  technical: string;
  price: string;
  announced: string;
  /** Media of the announcement, with semicolons between them. */
  media: string;
  /** When bids were opened, in Beijing time: 2026-11-20T09:30. */
  opened: string;
  place: string;
  budget: string;
  ceiling: string;
  conditions: string[];
  tie: string;
  ranked: boolean;
  candidates: string;
  /** How equal bids of one brand are settled. */
  brandWay: string;
  /** When the day's work ends and goes on, and which text says so; empty: through the night. */
  night: { cutOff: string; opens: string; source: string };
  pricing: Pricing;
  trimSheets: string;
  /** The tender's deductions in percent, by the policy's names; empty: not granted. */
  rates: Record<string, string>;
  bidders: Bidder[];
  criteria: Criterion[];
  compliance: { key: string; name: string }[];
  documents: TenderDocument[];
  venues: DraftVenue[];
  supervisors: { centre: string; count: number };
  auditors: { centre: string; count: number };
}

const KEY = "tongping/tender-draft";
let counter = 0;
export const key = (): string => `k${Date.now().toString(36)}${(counter += 1)}`;

export function leaf(): Criterion {
  return { key: key(), name: "", max: "", children: [] };
}

export function bidder(): Bidder {
  return { key: key(), name: "", code: "", price: "", policy: "", plus: "0.00", minus: "0.00", brand: "", quote: quote(), notes: notes() };
}

export function member(): Member {
  return { key: key(), name: "", organisation: "", role: "expert" };
}

export function empty(): Draft {
  return {
    v: 2,
    title: "",
    kind: "real",
    pack: "",
    method: "",
    category: "services",
    technical: "80.00",
    price: "20.00",
    announced: "",
    media: "",
    opened: "",
    place: "",
    budget: "",
    ceiling: "",
    conditions: [],
    tie: "equal",
    ranked: true,
    candidates: "3",
    brandWay: "lot",
    night: { cutOff: "", opens: "", source: "" },
    pricing: pricing(),
    trimSheets: "",
    rates: {},
    bidders: [bidder(), bidder(), bidder()],
    criteria: [leaf()],
    compliance: [{ key: key(), name: "" }],
    documents: [],
    venues: [],
    supervisors: { centre: "", count: 1 },
    auditors: { centre: "", count: 1 },
  };
}

export function stored(): Draft | null {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "null") as Draft | null;
    if (found?.v !== 2) return null;
    // What was typed before a release that asks for more.
    return { ...empty(), ...found, bidders: found.bidders.map((each) => ({ ...bidder(), ...each })) };
  } catch {
    return null;
  }
}

export function store(draft: Draft | null): void {
  try {
    if (draft === null) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, JSON.stringify(draft));
  } catch {
    // A browser that keeps nothing still founds.
  }
}

/** A leaf's own maximum; a branch's is the sum of what is in it. null where a figure is missing. */
export function maximum(node: Criterion): bigint | null {
  if (node.children.length === 0) return cents(node.max);
  let sum = 0n;
  for (const child of node.children) {
    const part = maximum(child);
    if (part === null) return null;
    sum += part;
  }
  return sum;
}

export interface PackName {
  id: string;
  version: string;
  sha256: string;
  regime: string;
}

/** The body of `POST /v1/proceedings` (docs/protocol.md sections 4 and 6). */
export function tenderOf(draft: Draft, pack: Offered, method: Method): Record<string, unknown> {
  const weights = method.weights === null ? { technical: "0.00", price: "0.00" } : { technical: written(draft.technical), price: written(draft.price) };
  const rates = Object.entries(draft.rates).filter(([name, rate]) => rate.trim() !== "" && name in granted(pack.rules, draft.category));
  const brands = brandsOf(draft, method);
  const members: { seat: string; name: string; organisation: string }[] = [];
  let places = 0;
  const seats: Record<string, unknown>[] = [];
  const rooms: Record<string, unknown>[] = [];
  let operators = 0;
  draft.venues.forEach((venue, at) => {
    const id = `venue-${at + 1}`;
    for (const each of venue.members) {
      places += 1;
      const seat = `seat-${places}`;
      const drawn = isDrawn(each);
      if (!drawn) members.push({ seat, name: each.name.trim(), organisation: each.organisation.trim() });
      seats.push({ id: seat, role: each.role, venue: id, centre: venue.centre, ...(drawn ? { stratum: `expert/${each.stratum?.trim()}` } : {}) });
    }
    for (let n = 0; n < venue.rooms; n += 1) rooms.push({ id: `room-${rooms.length + 1}`, venue: id });
    for (let n = 0; n < venue.operators; n += 1) {
      operators += 1;
      seats.push({ id: `operator-${operators}`, role: "operator", venue: id, centre: venue.centre });
    }
  });
  for (const role of ["supervisor", "auditor"] as const) {
    const { centre, count } = role === "supervisor" ? draft.supervisors : draft.auditors;
    for (let n = 1; n <= count; n += 1) seats.push({ id: `${role}-${n}`, role, venue: null, centre });
  }
  return {
    kind: draft.kind,
    definition: {
      title: draft.title.trim(),
      regime: pack.regime,
      method: draft.method,
      category: draft.category,
      weights,
      bidders: draft.bidders.map((each, at) => ({
        id: `bidder-${at + 1}`,
        name: each.name.trim(),
        code: each.code.trim(),
        price: written(each.price),
        brand: brands[at] ?? null,
        policy: rates.some(([name]) => name === each.policy) ? each.policy : null,
        plus: method.adjustments ? written(each.plus) : "0.00",
        minus: method.adjustments ? written(each.minus) : "0.00",
        quote: quoteOf(each, pack.rules),
      })),
      // Where only prices count nothing is scored.
      criteria: (weights.technical === "0.00" ? [] : draft.criteria).map((node, at) => criterion(node, `criterion-${at + 1}`)),
      compliance: draft.compliance.map(({ name }, at) => ({ id: `compliance-${at + 1}`, name: name.trim() })),
      documents: draft.documents.map(({ sha256, name, bidder: at, pages }) => ({
        sha256,
        name: name.trim(),
        bidder: at < 0 ? null : `bidder-${at + 1}`,
        pages,
      })),
      members,
      rule_pack: { id: pack.id, version: pack.version, sha256: pack.sha256 },
      terms: {
        announced: draft.announced,
        budget: written(draft.budget),
        ceiling: draft.ceiling.trim() === "" ? null : written(draft.ceiling),
        conditions: draft.conditions,
        rates: Object.fromEntries(rates.map(([name, rate]) => [name, written(rate)])),
        price: priceOf(draft),
        trim_sheets: method.trimmed_sheets === null || draft.trimSheets.trim() === "" ? null : (whole(draft.trimSheets) ?? 0),
        tie: draft.tie,
        ranked: draft.ranked || !method.unranked,
        candidates: Number(draft.candidates) || 0,
        ...publicationOf(draft, pack.rules),
        ...nightOf(draft, pack.rules),
        ...brandWayOf(draft, method),
      },
    },
    venues: draft.venues.map((venue, at) => ({
      id: `venue-${at + 1}`,
      centre: venue.centre,
      kind: at === 0 ? "main" : "secondary",
    })),
    rooms,
    seats,
    files: [],
    ...notesOf(draft),
  };
}

function criterion(node: Criterion, id: string): Record<string, unknown> {
  const max = maximum(node);
  return {
    id,
    name: node.name.trim(),
    max: max === null ? node.max : ofCents(max),
    children: node.children.map((child, at) => criterion(child, `${id}-${at + 1}`)),
  };
}

/** The field that a JSON pointer of the server means, of the first step or a bidder's note, if it is one of them. */
export function fieldOf(pointer: string): string {
  const note = /^\/notes\/bidder-(\d+)\/([a-z]+)/.exec(pointer);
  if (note) return noteField(Number(note[1]) - 1, note[2] ?? "");
  const bid = /^\/definition\/bidders\/(\d+)\/(brand|quote)/.exec(pointer);
  if (bid) return quoteField(Number(bid[1]), bid[2] === "quote" ? "figures" : "brand");
  const place = pointer.replace(/^\/definition\/(?:terms\/)?(?:weights\/)?/, "");
  const slope = /^price\/(above|below)\/(\d+)\/([01])$/.exec(place);
  if (slope) return `${slope[1]}-${slope[2]}-${slope[3] === "0" ? "up-to" : "points"}`;
  return place.replace(/^(?:price|publication|incidents)\//, "").replace(/^rates\//, "rate-").replaceAll("_", "-");
}

/** Which step of the wizard a JSON pointer of the server belongs to. */
export function stepOf(pointer: string): number {
  const place = pointer.replace(/^\/definition/, "");
  if (place.startsWith("/bidders") || pointer.startsWith("/notes")) return 1;
  if (place.startsWith("/criteria") || place.startsWith("/compliance")) return 2;
  if (place.startsWith("/documents")) return 3;
  if (place.startsWith("/members") || pointer.startsWith("/seats") || pointer.startsWith("/rooms")) return 4;
  return 0;
}
