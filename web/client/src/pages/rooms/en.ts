import type { Shape } from "../../i18n/words.ts";
import type zh from "./zh.ts";

const en: Shape<typeof zh> = {
  title: "The rooms, live",
  rooms: "Rooms",
  waiting: "Waiting for the picture",
  online: "Online",
  offline: "Disconnected",
  notAdmitted: "Not admitted yet",
  recording: "Recording",
  sound: "Sound on",
  mute: "Sound off",
  hushed: "The browser does not play sound yet: there are pictures only.",
  hear: "Press here for sound",
  sharing: "{venue} shares a screen",
  fold: "Fold the picture",
  unfold: "Unfold the picture",
  document: "Shared document",
  records: "Entries",
  broken: "No picture at the moment; trying again…",
  line: "Line: {words}",
  network: {
    trip: { good: "good · {ms} ms round trip", weak: "weak · {ms} ms round trip", bad: "bad · {ms} ms round trip" },
    both: {
      good: "good · {ms} ms round trip · {loss}% lost",
      weak: "weak · {ms} ms round trip · {loss}% lost",
      bad: "bad · {ms} ms round trip · {loss}% lost",
    },
  },
};
export default en;
