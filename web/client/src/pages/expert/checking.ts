/**
 * The check page of a sheet (protocols.md 3, S1 and S2): what was read back out of P, under the names of the definition
 * that P is bound to. Nothing of what was typed stands on it, and no name on the server's word; which bidders are still
 * in is the view's, and what does not fit it is found out at the opening.
 */
import { type Asked, askedOf, type Score, sum } from "../../crypto/plaintext.ts";
import type { Seat } from "../../crypto/seat.ts";
import { type Definition, DefinitionDiffers, demandProven, leaves } from "./definition.ts";
import { written } from "./scores.ts";

/** The table, and what is sealed of it. */
export interface SheetShown {
  bidders: { id: string; name: string; total: string }[];
  /** The points of each bidder, in their order. */
  rows: { id: string; name: string; max: string; points: string[] }[];
  asked: readonly Asked[];
  scores: readonly Score[];
}

/** What was typed for a bidder and a criterion, of round `number`; `valid` are the bidders still in. */
export interface Typed {
  number: number;
  valid: readonly string[];
  of: (bidder: string, criterion: string) => string;
}

/** DefinitionDiffers, or SheetRefused with the place of a score that cannot be sealed. */
export async function checkedSheet(seat: Seat, definition: Definition, { number, valid, of }: Typed): Promise<SheetShown> {
  const gate = await seat.gate();
  demandProven(definition, gate);
  const asked = askedOf(gate.scoring, valid);
  const given = asked.map(({ bidder, criterion }) => ({ bidder, criterion, points: written(of(bidder, criterion)) }));
  const scores = await seat.checkSheet(given, { number, asked });
  const nameIn = (list: readonly { id: string; name: string }[]) => (id: string): string => {
    const found = list.find((each) => each.id === id);
    if (found === undefined) throw new DefinitionDiffers(`no name for ${id}`);
    return found.name;
  };
  const [bidder, criterion] = [nameIn(definition.bidders), nameIn(leaves(definition.criteria))];
  const maxima = new Map(asked.map(({ criterion, max }) => [criterion, max]));
  return {
    bidders: [...new Set(scores.map((each) => each.bidder))].map((id) => ({
      id,
      name: bidder(id),
      total: sum(scores.filter((each) => each.bidder === id).map(({ points }) => points)),
    })),
    rows: [...maxima].map(([id, max]) => ({
      id,
      name: criterion(id),
      max,
      points: scores.filter((each) => each.criterion === id).map(({ points }) => points),
    })),
    asked,
    scores,
  };
}
