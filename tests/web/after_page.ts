/** What the page of what follows offers: for each `[view, who]` on stdin the acts as they would be signed, as JSON. */
import { readFileSync } from "node:fs";
import type { Choice, Given } from "../../web/client/src/parts/choice.ts";
import { answering, appealing, deciding, gives, milestone, opening, taking, unrated, type Who } from "../../web/client/src/pages/after/deeds.ts";
import type { AfterView } from "../../web/client/src/pages/after/view.ts";

const TYPED = { of: "乙公司", text: "说明", reason: "理由", points: "0" };

function signed(choice: Choice): [act: string, body: unknown] {
  const picked = Object.fromEntries((choice.picks ?? []).map(([pick, options]) => [pick, options[0]?.[0]]));
  const typed = Object.fromEntries(choice.fields.map((field) => [field, field in TYPED ? TYPED[field as keyof typeof TYPED] : ""]));
  return [choice.act, choice.body({ ...typed, ...choice.given, ...picked } as Given)];
}

function offered([view, who]: [AfterView, Who]): unknown[] {
  const choices = [
    milestone(view, who),
    opening(view),
    ...view.cases.map((each) => answering(view, each)),
    ...view.ratings.flatMap((each) => [appealing(view, each, who), ...deciding(each, who)]),
    ...view.hand_overs.flatMap((each) => taking(each, who)),
  ];
  const answers = view.rating.items.questions.map(() => true);
  return [
    ...choices.filter((each) => each !== null).map(signed),
    ...unrated(view, who).map((seat) => ["rating.give", { seat, breaches: [], answers, text: "说明" }]),
    ...(gives(view, who) ? [["hand-over.give", { venue: who.venue, items: [["paper", "副本", 1, null]], seals: [] }]] : []),
  ];
}

console.log(JSON.stringify((JSON.parse(readFileSync(0, "utf8")) as [AfterView, Who][]).map(offered)));
