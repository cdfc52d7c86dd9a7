/** How times, rooms, seats and events are said on the auditor's pages. */
import { useI18n } from "vue-i18n";
import type { Row } from "../../replay/timeline.ts";
import type { Proceeding } from "../../state/proceeding.ts";
import { useVenues } from "../../state/venues.ts";
import type { Desk } from "./desk.ts";

/** Entries that come by themselves, many times: hidden until they are asked for. */
export const ROUTINE = new Set([
  "ClockOffsets",
  "Witnessed",
  "SegmentsClosed",
  "ShareAcked",
  "HolderOffered",
  "CredentialIssued",
  "SeatVouched",
  "PagesViewed",
  "LookNoted",
]);

export function useWords(proceeding: Proceeding, desk: Desk) {
  const { t, te, d } = useI18n();
  const { venue, room, party } = useVenues(() => proceeding.view);

  const clock = (at: number): string => d(new Date(at), "time");
  const moment = (at: number): string => d(new Date(at), "moment");

  /** 1:02:03, or 02:03. */
  function length(ms: number): string {
    const whole = Math.max(0, Math.round(ms / 1000));
    const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    return (parts[0] === 0 ? parts.slice(1) : parts).map((part) => String(part).padStart(2, "0")).join(":");
  }

  function stage(name: string): string {
    return t(`stages.${name}`);
  }

  function role(seat: string): string {
    const found = proceeding.view?.seats?.[seat]?.role;
    return found ? t(`roles.${found}`) : "";
  }

  function who(seat: string): string {
    return [desk.names.members.get(seat) ?? role(seat), seat].filter(Boolean).join(" ");
  }

  function actor(row: Row): string {
    if (row.seat) return who(row.seat);
    if (row.bidder) return desk.names.bidders.get(row.bidder) ?? row.bidder;
    return row.centre ? party(row.centre) : "";
  }

  function title(row: Row): string {
    const type = row.type ?? "";
    return te(`auditor.events.${type}`) ? t(`auditor.events.${type}`) : t("auditor.unknownEvent", { type });
  }

  /** What of the event can be said in a few words. */
  function gist(row: Row): string {
    const { said = {}, body = {} } = row;
    const text = (value: unknown): string => (typeof value === "string" ? value : "");
    switch (row.type) {
      case "StageAdvanced":
      case "StepBackAsked":
        return stage(text(said["to"]));
      case "StageReturned":
        return stage(text(body["to"]));
      case "ProceedingPaused":
        return [te(`causes.${text(body["cause"])}`) ? t(`causes.${text(body["cause"])}`) : "", text(said["reason"])].filter(Boolean).join(" · ");
      case "VenueLost":
      case "VenueRejoined":
        return venue(text(body["venue"]));
      case "VenueJournaled":
        return `${venue(text(said["venue"]))} · ${String(said["count"])}`;
      case "PageShown":
        return `${desk.names.documents.get(text(said["document"])) ?? ""} · ${String(said["page"])}`;
      case "ChairElected":
      case "ChairDrawn":
      case "MemberRecused":
        return who(text(body["seat"]));
      case "BidRejected":
        return desk.names.bidders.get(text(body["bidder"])) ?? text(body["bidder"]);
      case "RoomAdmitted":
        return room(text(said["room"]));
      default:
        return text(said["reason"]) || text(said["text"]) || (text(said["seat"]) && who(text(said["seat"])));
    }
  }

  /** An event's words as they stand on the page. */
  function told(row: Row): string[] {
    return [title(row), gist(row), actor(row)].filter(Boolean);
  }

  return { t, d, clock, moment, length, stage, room, venue, role, who, actor, title, gist, told };
}
