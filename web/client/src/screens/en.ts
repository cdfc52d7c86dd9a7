import type { Shape } from "../i18n/words.ts";
import type zh from "./zh.ts";

const en: Shape<typeof zh> = {
  title: "Shared document",
  document: "Document",
  choose: "Choose a document",
  page: "Page number",
  before: "Previous page",
  after: "Next page",
  pageAlt: "Picture of page {page} of the document",
  frame: "Page of the shared document; the arrow keys scroll it",
  caption: "{name} · page {page} of {pages}",
  following: "Following the screen of {name}",
  look: "Look on my own",
  own: "You are looking on your own; the presenter is on page {page}",
  ownAlone: "You are looking on your own",
  back: "Back to the presenter's screen",
  presenting: "You present: a turned page is shown in all rooms and goes into the record. Drag over the page, or press “Mark a passage”, to mark one.",
  turning: "Turning the page…",
  unturned: "The page was not turned.",
  unhanded: "It was not handed over.",
  mark: "Mark a passage",
  placing: "Press its two corners one after the other; or move the box with the arrow keys, resize it with Shift and the arrow keys, mark with Enter, cancel with Escape.",
  marked: "Marked; {count} in all",
  help: "Tell the staff",
  unnamed: "Document {digest}",
  unmark: "Clear the marks",
  handTo: "Hand over to",
  hand: "Hand over",
  nothing: "The presenter shows no document yet",
  nothingYet: "Choose the document to show",
};
export default en;
