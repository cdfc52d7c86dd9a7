/** What a stage still waits for, as far as the view tells: `[why, who]`, in the order in which people can do it. */
import type { View } from "../../live/view.ts";

export type Missing = [why: string, who: string[]];

export function missing(view: View): Missing[] {
  const seats = Object.entries(view.seats ?? {}).filter(([, { recused }]) => !recused);
  const members = seats.filter(([, { role }]) => role === "expert" || role === "buyer-representative").map(([id]) => id);
  const rooms = Object.entries(view.rooms);
  const found: Missing[] = [];
  const add = (why: string, who: string[]) => who.length > 0 && found.push([why, who]);
  switch (view.stage) {
    case "check-in":
      add("unbound", seats.filter(([, { role, bound }]) => role !== "auditor" && !bound).map(([id]) => id));
      add("venuesDrawn", venuesDrawn(view));
      add("undrawn", view.undrawn ?? []);
      add("unadmitted", rooms.filter(([, { admitted }]) => !admitted).map(([id]) => id));
      add("unrecorded", rooms.filter(([, { admitted, recording }]) => admitted && !recording).map(([id]) => id));
      break;
    case "declarations":
      add("uncommitted", members.filter((id) => !view.committed?.includes(id)));
      add("undeclared", members.filter((id) => !view.declared?.includes(id)));
      break;
    case "chair-election":
    case "detailed-review":
      found.push(...round(view));
      break;
    case "compliance-review":
      add("unvoted", members.filter((id) => !view.voted?.includes(id)));
      break;
    case "report":
      if (!view.report) found.push(["report", []]);
      break;
    case "signing":
      add("unsigned", view.report?.unsigned ?? []);
      break;
    default:
      break;
  }
  return found;
}

/** Centres that were drawn as venues and are none, or are venues and were not drawn. */
function venuesDrawn(view: View): string[] {
  const founded = Object.values(view.venues).filter(({ kind }) => kind === "secondary").map(({ centre }) => centre);
  const strata = (view.draws ?? []).filter(({ annulled }) => !annulled).flatMap((draw) => draw.strata);
  return strata.flatMap(({ label, order, quota }) => {
    const drawn = label === "venue" && order ? order.slice(0, quota) : founded;
    return [...drawn.filter((each) => !founded.includes(each)), ...founded.filter((each) => !drawn.includes(each))];
  });
}

function round(view: View): Missing[] {
  const now = view.round;
  if (!now) return view.chair ? [] : [["round", []]];
  if (now.opened) return [];
  if (!now.frozen) {
    const unsealed = now.required.filter((id) => !now.sealed.includes(id));
    const unsafe = now.required.filter((id) => now.sealed.includes(id) && !now.safe.includes(id));
    const found: Missing[] = [];
    if (unsealed.length > 0) found.push(["unsealed", unsealed]);
    if (unsafe.length > 0) found.push(["unsafe", unsafe]);
    return found;
  }
  if (now.disputed.length > 0) return [["disputed", now.disputed]];
  const silent = now.required.filter((id) => !now.confirmed.includes(id));
  if (silent.length > 0) return [["unconfirmed", silent]];
  if (now.purpose === "sheet" && !now.approved) return [["unapproved", []]];
  return [["unopened", []]];
}
