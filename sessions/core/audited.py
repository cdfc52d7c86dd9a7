"""All proceedings that an office audits, found by what its auditors are told of each (docs/protocol.md section 6).

An office is the centre that sends auditors: each of them may find what the rosters let an auditor of that office see.
Nothing is searched here that is told by and by, such as members' names or opened scores: a proceeding is found by its
tender, days, state, cities, bidders, and by which kinds of events happened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evidence.core.canonical import Object, decode_object, unb64u
from evidence.core.entry import Entry
from sessions.core.permission import allowed
from sessions.core.state import ABORTED, AUDITOR, CLOSED, PAUSED, Proceeding
from sessions.core.tenancy import BEFORE, MEETING, phase
from sessions.core.timeline import row

SEARCH = "audit.search"
STATES = (BEFORE, MEETING, PAUSED, ABORTED, CLOSED)
NEWEST = 5
"""So many of the events that were looked for are told, the newest ones."""


@dataclass(frozen=True, slots=True)
class Tender:
    """What the definition calls the tender, its bidders (id, name, credit code) and its documents (by hash, in hex)."""

    title: str
    bidders: tuple[tuple[str, str, str], ...]
    documents: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def read(document: bytes, limit: int) -> Tender:
        """From the octets of a definition that was fixed."""
        value = decode_object(document, limit=limit)
        bidders = tuple((each["id"], each["name"], each["code"]) for each in value["bidders"])
        return Tender(value["title"], bidders, _names(value["documents"], {id: name for id, name, _ in bidders}))


@dataclass(frozen=True, slots=True)
class Query:
    """Everything that is given must hold. Times as the log writes them, `since` within and `until` beyond; with `types`
    an event of one of them lies between, without any the proceeding was under way between them."""

    text: str = ""
    since: str = ""
    until: str = ""
    state: str = ""
    city: str = ""
    bidder: str = ""
    types: frozenset[str] = frozenset()


def _names(documents: Sequence[Object], bidders: Mapping[str, str]) -> dict[str, str]:
    """As the pages say it (`documentNames` in web/client/src/pages/expert/definition.ts): the bidder's name first, and
    the hash's first octets where two documents are called alike."""
    plain = {
        unb64u(each["sha256"], 32).hex(): (
            each["name"]
            if each["bidder"] is None
            else f"{bidders.get(each['bidder'], each['bidder'])} · {each['name']}"
        )
        for each in documents
    }
    called = Counter(plain.values())
    return {sha256: f"{name}（{sha256[:8]}）" if called[name] > 1 else name for sha256, name in plain.items()}


def seat_of(state: Proceeding, office: str) -> str | None:
    """The seat by which this office audits the proceeding; None where it does not."""
    seats = (seat.id for seat in state.seats.values() if (seat.role, seat.centre) == (AUDITOR, office))
    return next((seat for seat in seats if allowed(state, seat, SEARCH)), None)


def standing(state: Proceeding) -> str:
    """One of `STATES`."""
    if state.aborted:
        return ABORTED
    return PAUSED if state.gate == PAUSED else phase(state)


def events(entries: Sequence[Entry], state: Proceeding, seat: str, query: Query) -> list[Object] | None:
    """What the log says to the query: the newest events of its types, as the seat is told of them; None where the log
    is not what is looked for."""
    if query.state not in ("", standing(state)) or not _in_city(state, query.city.casefold()):
        return None
    if not query.types:
        under_way = entries[-1].at >= query.since and (not query.until or entries[0].at < query.until)
        return [] if under_way else None
    found: list[Object] = []
    for entry in reversed(entries):
        if entry.type in query.types and entry.at >= query.since and (not query.until or entry.at < query.until):
            shown = row(entry, state, seat)
            if "type" in shown:
                found.append({name: shown[name] for name in ("n", "at", "type")})
        if len(found) == NEWEST:
            break
    return found or None


def fits(tender: Tender | None, name: str, query: Query) -> bool:
    """Whether the tender, as far as its definition is fixed, is what is looked for; `name` is the proceeding's id."""
    title, bidders = ("", ()) if tender is None else (tender.title, tender.bidders)
    if query.text.casefold() not in f"{title}\n{name}".casefold():
        return False
    wanted = query.bidder.casefold()
    return not wanted or any(wanted in f"{called}\n{code}".casefold() for _, called, code in bidders)


def _in_city(state: Proceeding, wanted: str) -> bool:
    domains = [venue.centre for venue in state.venues.values()]
    names = [text for domain in domains if (name := state.cities.get(domain)) for text in (name.zh, name.en)]
    return not wanted or any(wanted in text.casefold() for text in (*domains, *names))
