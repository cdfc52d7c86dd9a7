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
  presenting: "You present: a turned page is shown in all rooms and goes into the record. Drag over the page to mark a passage.",
  unmark: "Clear the marks",
  handTo: "Hand over to",
  hand: "Hand over",
  nothing: "The presenter shows no document yet",
  nothingYet: "Choose the document to show",
};
export default en;
