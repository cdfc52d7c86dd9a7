"""Keys that devices announce before anybody vouches for them: outside the log, since they prove nothing yet.

Kept in memory only: a device announces its key again until it is vouched for, so that nothing is lost with a process.
"""

from __future__ import annotations

from dataclasses import dataclass

from evidence.core.act import thumbprint
from evidence.core.canonical import Object
from sessions.core.identity import comparison_code
from sessions.core.state import Proceeding
from sessions.errors import AlreadyFixed, FoundingRefused
from sessions.service_errors import NotAnnounced


@dataclass(frozen=True, slots=True)
class Announced:
    """One seat's device, as it waits to be looked at; `code` is what two people compare."""

    seat: str
    thumbprint: str
    code: str


class AnnouncedKeys:
    """One proceeding's; the newest announcement of a seat counts."""

    def __init__(self) -> None:
        self._keys: dict[str, Announced] = {}

    def announce(self, state: Proceeding, seat: str, jwk: Object) -> Announced:
        """Keep it; AlreadyFixed where another device of this seat is vouched for, FoundingRefused where the key is
        another seat's."""
        shown = thumbprint(jwk)
        if state.vouches.get(seat, shown) != shown:
            raise AlreadyFixed("another device of this seat is vouched for")
        others = {found.thumbprint for name, found in self._keys.items() if name != seat}
        others |= {name for other, name in state.vouches.items() if other != seat}
        if shown in others or (shown in state.keys and state.vouches.get(seat) != shown):
            raise FoundingRefused("the key is another's, or its life in this proceeding is over")
        self._keys[seat] = Announced(seat, shown, comparison_code(state.origin, seat, shown))
        return self._keys[seat]

    def waiting(self, state: Proceeding) -> list[Announced]:
        """Those that nobody has vouched for yet, in the order of the roster."""
        return [self._keys[seat] for seat in state.seats if seat in self._keys and seat not in state.vouches]

    def demand(self, seat: str, shown: str) -> None:
        """NotAnnounced unless the device of this seat shows this key now."""
        if seat not in self._keys or self._keys[seat].thumbprint != shown:
            raise NotAnnounced("the seat's device shows another key")
