/** Coming back after a cut, and where the main server lost entries of the log (docs/protocol.md 11.2). */
import type { Shape } from "./words.ts";
import type zh from "./back.zh.ts";

const en: Shape<typeof zh> = {
  comeBack: {
    title: { cut: "Go on with the evaluation", lost: "The main server lost part of the record; the evaluation goes on" },
    lead: {
      cut: "Your venue was disconnected and is back. Please confirm and go on; what you typed is on this device.",
      lost: "The main server lost part of the record, and nobody else has it either. The first {kept} entries are whole; {missing} after them are gone, {known} of which receipts have proven by their hash. Another centre has checked this, and the evaluation goes on from what is whole.",
    },
    keep: "What you typed and signed is on this device, and nothing of it is lost: you need not score again, and your drafts are there.",
    offline: {
      cut: "You signed these while you were cut off. Tick what still holds:",
      lost: "You signed these, and the record does not hold them any more. Tick what still holds; it is handed in exactly as you signed it then:",
    },
    none: { cut: "You signed nothing while you were cut off.", lost: "All that you signed is in the record; nothing has to be handed in again." },
    waits: "Part of it is handed in. In the order of before, other seats come first: please wait, and leave this page open.",
    go: "Confirm and go on",
    done: "You are back",
    next: {
      cut: "The evaluation resumes by itself once all seats of your venue are back.",
      lost: "The evaluation resumes by itself once all seats are back.",
    },
    verdicts: "What became of it",
    accepted: "Recorded",
    refused: "Not accepted: {why}",
    other: "Another act ({act})",
    acts: {
      "seat-bind": "Registering this device",
      "seat-resume": "Coming back",
      "page-show": "Showing a page",
      "presenter-hand-over": "Handing over as presenter",
      "help-ask": "Request for help",
      "help-answer": "Answer to a request",
      "incident-note": "Statement",
      "sheet-reseal": "Sealing the scores anew",
      "freeze-dispute": "Objection to the list of seals",
      "opening-approve": "Approval of the opening",
      "proceeding-pause": "Pausing the evaluation",
      "proceeding-resume": "Resuming the evaluation (by order)",
    },
    why: {
      unconfirmed: "You did not tick it.",
      "not-offline": "No receipt proves it, or it cannot be handed in again. Please do it anew afterwards, if it is still needed.",
      "seat-replaced": "You are no member of this committee any more.",
      "seat-key-ended": "The key of this device has ended.",
      stale: "What it replaces is not the current one.",
    },
  },
  continued: {
    title: "The main server lost part of the record; the evaluation goes on in a new log",
    text: "The first {kept} entries are whole. {missing} are missing, {known} of which receipts have proven by their hash. Cause: {reason}.",
    confirmed: "{centre} has checked and confirmed it.",
    unconfirmed: "Another centre has yet to check and confirm it; until then nothing is taken.",
    renewing: "The record has changed; this page is being loaded anew",
    renewingWhy: "What you typed is kept on this device and will be there again.",
    forked: "Two records contradict each other; this seat has stopped",
    forkedWhy: "Tell the supervisor at once, and hand over both checkpoints: the one that this device verified, and the one that the server shows now.",
    export: "Save both checkpoints",
  },
};
export default en;
