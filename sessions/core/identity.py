"""Who sits there? The venue's operator looks at the person's document and at the device, and says so in the log.

A check, as a recipe:
(1) the device that has no key in the log yet announces the one that it made; the announcement stays outside the log;
(2) both screens, the device's and the operator's, show the comparison code of that key, and two people compare it;
(3) the operator signs `identity.check` over the key's thumbprint: the seat's centre and venue are the operator's own,
    the seat is not the operator's, and no check or voucher of this seat stands;
(4) the seat's centre vouches upon that entry, as its own replay of the log shows it (`sessions.node.CityNode`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evidence.core.act import Act
from evidence.core.canonical import b64u, members, sha256, unb64u
from evidence.core.entry import Draft, Entry
from evidence.errors import Malformed
from sessions.core.state import ROOM, Checked, Proceeding
from sessions.errors import AlreadyFixed, FoundingRefused, WrongRole

PAPERS = frozenset({"identity-card", "passport", "travel-permit", "officer-card"})
"""Documents that persons are recognised by: 居民身份证, 护照, 通行证 (of Hong Kong, Macao and Taiwan), 军官证."""
INVENTORY = "inventory-tag"
"""A room's device has no papers: it bears the centre's tag."""
# What the operator may add is a remark on the document, never its number: the log is for good.
_MAX_NOTE = 200
# Four groups of four figures, as on a bank card: 53 bits. Whoever wants another key with the same code has to find it
# in the minutes between announcement and check, and anew for each seat and each proceeding.
_GROUPS, _FIGURES = 4, 4


def comparison_code(origin: str, seat: str, thumbprint: str) -> str:
    """What two people compare, such as `0417 9925 3306 1182`."""
    digest = sha256(b"tongping comparison code v1\n" + "\n".join((origin, seat, thumbprint)).encode())
    number = int.from_bytes(digest, "big") % 10 ** (_GROUPS * _FIGURES)
    figures = f"{number:0{_GROUPS * _FIGURES}}"
    return " ".join(figures[i : i + _FIGURES] for i in range(0, len(figures), _FIGURES))


def check(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`identity.check`: recipe step (3). Role and venue are the permission table's."""
    body = members(act.body, {"seat": str, "thumbprint": str, "document": str, "note": object})
    unb64u(body["thumbprint"], 32)
    seat, operator = state.seat(body["seat"]), state.seat(act.sub)
    papers = frozenset({INVENTORY}) if seat.role == ROOM else PAPERS
    if body["document"] not in papers:
        raise Malformed("no document that this seat is recognised by")
    if body["note"] is not None and not _is_note(body["note"]):
        raise Malformed(f"a note has 1 to {_MAX_NOTE} characters that print")
    if seat.id == operator.id:
        raise WrongRole("nobody checks themselves")
    if seat.centre != operator.centre:
        raise WrongRole("an operator checks the people of their own centre")
    if seat.id in state.vouches or seat.id in state.checks:
        raise AlreadyFixed("the seat was checked or vouched for; a lost device is stated lost first")
    taken = (*state.vouches.values(), *(found.thumbprint for found in state.checks.values()))
    if body["thumbprint"] in state.keys or body["thumbprint"] in taken:
        raise FoundingRefused("the key is another's")
    return (Draft("IdentityChecked", {}, act),)


def on_checked(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    found = Checked(entry.n, b64u(unb64u(act.body["thumbprint"], 32)))
    return replace(state, checks={**state.checks, act.body["seat"]: found})


def _is_note(note: object) -> bool:
    return isinstance(note, str) and 1 <= len(note.strip()) <= len(note) <= _MAX_NOTE and note.isprintable()


ACTS: dict[str, Callable[[Proceeding, Act], tuple[Draft, ...]]] = {"identity.check": check}
EVENTS_OF_ACTS: dict[str, Callable[[Proceeding, Entry, Act], Proceeding]] = {"IdentityChecked": on_checked}
