/**
 * What the supervisor may do unasked, as forms. Where one is refused because its time is over or not yet come, the
 * server says so; what no gate or stage of now would take is not shown.
 */
import type { Stage, View } from "../../live/view.ts";
import type { Choice } from "../../parts/choice.ts";
import type { Row } from "../../replay/timeline.ts";
import { drawnElsewhere, isMember } from "./decisions.ts";
import { holdersOf } from "./holders.ts";

const UNTIL_TALLY: readonly Stage[] = ["check-in", "declarations", "chair-election", "compliance-review", "detailed-review", "tally"];
// evaluation/core/leaving.py, sessions/core/drawing.py, sessions/core/meeting.py.
const LEAVING = ["recusal", "absent", "unfit", "unreadable-sheet"];
const ANNULLING = ["wrong-conditions", "faulty-pool", "tender-ended"];
const FAILURES = ["power", "network", "equipment"];

export function initiatives(view: View, rows: readonly Row[]): Choice[] {
  const found: Choice[] = [];
  const ordered = view.pauses.some(([cause]) => cause === "ordered");
  const seats = Object.entries(view.seats ?? {});
  const members = seats.filter(([, { role, recused }]) => isMember(role) && !recused).map(([id]) => id);
  const venues = Object.entries(view.venues).filter(([, { lost }]) => !lost);
  const { domains } = holdersOf(rows);
  const main = Object.values(view.venues).find(({ kind }) => kind === "main")?.centre ?? "";
  const draws = (view.draws ?? []).filter(({ annulled }) => !annulled);

  if (ordered) found.push({ act: "proceeding.resume", label: "resume", kind: "primary", fields: ["reason"], body: ({ reason }) => ({ reason }) });
  else found.push({ act: "proceeding.pause", label: "pause", kind: "secondary", fields: ["reason"], body: ({ reason }) => ({ reason }) });
  found.push({
    act: "incident.note",
    label: "note",
    kind: "secondary",
    picks: [["about", [["", "nobody"], ...seats.map(([id]) => [id, id] as const)]]],
    fields: ["text"],
    body: ({ about, text }) => ({ seat: about === "" ? null : about, text }),
  });
  if (venues.length > 0) {
    found.push({
      act: "incident.declare",
      label: "declare",
      kind: "danger",
      picks: [["venue", own(venues.map(([id]) => id))], ["failure", own(FAILURES)]],
      fields: ["text"],
      body: ({ venue, failure, text }) => ({ venue, kind: failure, text }),
    });
  }
  const gone = Object.entries(view.venues).filter(([, { kind, lost }]) => lost && kind !== "main").map(([id]) => id);
  const there = venues.filter(([, { replaced }]) => !replaced).map(([id]) => id);
  if (gone.length > 0 && there.length > 0) {
    found.push({
      act: "venue.replace",
      label: "replaceVenue",
      kind: "danger",
      picks: [["lostVenue", own(gone)], ["takesOver", own(there)]],
      fields: ["reason"],
      body: ({ lostVenue, takesOver, reason }) => ({ venue: lostVenue, by: takesOver, reason }),
    });
  }
  if (UNTIL_TALLY.includes(view.stage) && members.length > 0) {
    found.push({
      act: "recusal.request",
      label: "request",
      kind: "secondary",
      picks: [["seat", own(members)], ["ground", own(view.rules?.recusal.grounds ?? [])]],
      fields: ["text"],
      body: ({ seat, ground, text }) => ({ seat, from: "supervisor", ground, text }),
    });
    found.push({
      act: "member.remove",
      label: "remove",
      kind: "danger",
      picks: [["seat", own(members)], ["leaving", own(LEAVING)]],
      fields: ["reason"],
      body: ({ seat, leaving, reason }) => ({ seat, ground: leaving, reason }),
    });
  }
  if (domains.length > 0) {
    found.push({
      act: "holders.replace",
      label: "replace",
      kind: "danger",
      picks: [["lost", own(domains)], ["successor", [["own", "own"], ["main", main]]]],
      fields: ["reason"],
      body: ({ lost, successor, reason }) => ({ lost: [lost], by: [successor === "own" ? lost : main], reason }),
    });
  }
  if (draws.length > 0) {
    found.push({
      act: "draw.annul",
      label: "annul",
      kind: "danger",
      picks: [["draw", draws.map(({ opened, draw, attempt }) => [opened, `${draw} (${attempt})`] as const)], ["annulling", own(ANNULLING)]],
      fields: ["reason"],
      body: ({ draw, annulling, reason }) => ({ opened: draw, ground: annulling, reason }),
    });
  }
  found.push({
    act: "draw.external",
    label: "external",
    kind: "secondary",
    fields: ["label", ...(view.rules?.by_seat ? (["seats"] as const) : []), "reference", "evidence"],
    optional: ["seats"],
    body: drawnElsewhere(view),
  });
  found.push({ act: "proceeding.abort", label: "abort", kind: "danger", fields: ["reason"], body: ({ reason }) => ({ reason }) });
  return found;
}

/** Values that are called by what they are. */
function own(values: readonly string[]): (readonly [string, string])[] {
  return values.map((value) => [value, value] as const);
}
