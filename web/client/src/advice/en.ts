import type { Shape } from "../i18n/words.ts";
import type zh from "./zh.ts";

const en: Shape<typeof zh> = {
  title: "Signs of collusion found by comparison",
  only: "For reference only; no ground for rejecting a bid by itself",
  lead: "The system compared the bid documents and what the buyer noted of each bidder, for the patterns of article 40 of the Regulations on the Bidding Law and article 37 of order 87. Whether bids are deemed collusive is for the committee to discuss and vote on; a rejection still needs its ground, reasons and the place of its evidence.",
  none: "The comparison found nothing equal or abnormally alike.",
  loading: "Reading the comparison",
  facts: "What was found",
  number: "No.",
  item: "Item {item}",
  items: { 1: "1", 2: "2", 3: "3", 4: "4", 5: "5", 6: "6" },
  kind: "Pattern",
  who: "Bidders",
  where: "Where it comes from",
  kinds: {
    author: "Same author of the files",
    origin: "Files made from one original",
    licence: "Same software licence or dongle number",
    created: "Files made at the same second",
    machine: "Same machine",
    agent: "Same agent handed the bids in",
    address: "Same upload address",
    contact: "Same project staff or contact",
    likeness: "Abnormally alike documents",
    mixed: "Another bidder's details in a bid",
    account: "Deposits paid from one account",
  },
  noted: "noted by the buyer",
  text: "text of the document",
  metadata: "file property {source}",
  page: "page {page}",
  alike: "Without the tender's own text, about {percent} of the shorter bid is the same",
  pair: "{one} page {page} ↔ {other} page {otherPage}",
  more: "{more} more are not listed.",
  unread: "Documents that were not compared",
  reasons: {
    encrypted: "encrypted",
    broken: "cannot be read",
    "too-long": "too long",
    "too-much": "too much text in all documents together",
    timeout: "reading took too long",
    "no-text": "no text (a scan): file properties only",
    text: "file properties cannot be read: text only",
  },
};

export default en;
