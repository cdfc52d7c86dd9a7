/** What people call venues: main or secondary, and the city's name as the log says it; without one, the domain. */
import { useI18n } from "vue-i18n";
import type { ProceedingSummary, TenderSetup } from "../api/generated/index.ts";
import type { CityName, Role, View } from "../live/view.ts";
import { preferences } from "./preferences.ts";

export interface Cities {
  /** 呼和浩特. */
  city(domain: string): string;
  /** 呼和浩特（hohhot.example）: where it matters whose key it is. */
  party(domain: string): string;
}

export function useCities(names: () => Readonly<Record<string, CityName>> | undefined): Cities {
  const { t } = useI18n();
  const city = (domain: string): string => names()?.[domain]?.[preferences.locale] ?? domain;
  return { city, party: (domain) => (city(domain) === domain ? domain : t("venues.party", { city: city(domain), domain })) };
}

/** The names that the agreement has, of what a tender can be made of. */
export const agreedCities = ({ centres }: TenderSetup): Record<string, CityName> =>
  Object.fromEntries(centres.flatMap(({ domain, name }) => (name ? [[domain, name]] : [])));

export interface Venues extends Cities {
  /** 副场 1. */
  kind(venue: string): string;
  /** 副场 1 · 中山; what is no venue, as it is. */
  venue(id: string): string;
  /** 副场 1 · 中山 room-2. */
  room(id: string): string;
  /** 副场 1 · 中山（zhongshan.example）. */
  whose(venue: string): string;
  /** 副场 1 操作员 · 中山, with a number where the venue has several of a role; who watches all of them has none. */
  seat(id: string): string;
}

const numberOf = (id: string): number => Number(id.split("-").at(-1));

/** A view, or as much of one as places need. */
interface Places extends Pick<View, "cities"> {
  venues: Record<string, { centre: string; kind: string }>;
  rooms?: Record<string, { venue: string }>;
  seats?: Record<string, { role: Role; venue?: string | null }>;
}

/** As much of a view as a summary of a proceeding tells: the main venue is that of the log's own centre. */
export function placesOf({ origin, cities, seats }: Pick<ProceedingSummary, "origin" | "cities" | "seats">): Places {
  const main = origin?.split("/")[0];
  const venues = seats.flatMap(({ venue, centre }) => (venue ? [[venue, { centre, kind: centre === main ? "main" : "secondary" }] as const] : []));
  return { cities, venues: Object.fromEntries(venues), seats: Object.fromEntries(seats.map(({ id, role, venue }) => [id, { role: role as Role, venue }])) };
}

export function useVenues(view: () => Places | null): Venues {
  const { t } = useI18n();
  const { city, party } = useCities(() => view()?.cities);

  function kind(id: string): string {
    const venues = Object.entries(view()?.venues ?? {});
    if (view()?.venues[id]?.kind === "main") return t("venues.main");
    const secondary = venues.flatMap(([each, venue]) => (venue.kind === "main" ? [] : [each]));
    return t("venues.numbered", { n: secondary.sort((one, other) => numberOf(one) - numberOf(other)).indexOf(id) + 1 });
  }
  function place(id: string, called: (domain: string) => string): string {
    const venue = view()?.venues[id];
    return venue ? t("venues.place", { kind: kind(id), city: called(venue.centre) }) : id;
  }
  function room(id: string): string {
    const found = view()?.rooms?.[id];
    return found ? `${place(found.venue, city)} ${id}` : id;
  }
  function seat(id: string): string {
    const seats = view()?.seats ?? {};
    const found = seats[id];
    if (!found) return id;
    const alike = Object.keys(seats).filter((each) => seats[each]?.role === found.role && (seats[each]?.venue ?? "") === (found.venue ?? ""));
    const n = alike.length > 1 ? ` ${alike.sort((one, other) => numberOf(one) - numberOf(other)).indexOf(id) + 1}` : "";
    const role = `${t(`roles.${found.role}`)}${n}`;
    const venue = found.venue ? view()?.venues[found.venue] : undefined;
    return found.venue && venue ? t("venues.seat", { kind: kind(found.venue), role, city: city(venue.centre) }) : role;
  }
  return { city, party, seat, kind, venue: (id) => place(id, city), room, whose: (id) => place(id, party) };
}
