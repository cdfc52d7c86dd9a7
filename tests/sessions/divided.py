"""A committee that ties three times, and so needs the lot."""

from __future__ import annotations

import os

from evaluation.core import ballot
from evaluation.core.rounds import Round
from sessions.core.state import Proceeding
from tests.sessions.service_people import People

FIRST = {"seat-1": "seat-1", "seat-2": "seat-1", "seat-3": "seat-2", "seat-4": "seat-2", "seat-5": "seat-4"}


class Divided(People):
    """A committee that cannot agree: 2:2:1, then 2:2 with one ballot that cannot be read."""

    def plaintext(self, state: Proceeding, found: Round, seat: str) -> bytes:
        if found.purpose != "ballot":
            return super().plaintext(state, found, seat)
        if found.number > 1 and seat == "seat-5":
            return b"not a ballot " + os.urandom(8).hex().encode()
        place = state.evaluation.place(seat, found.number)
        choice = FIRST[seat] if FIRST[seat] in found.choices else found.choices[0]
        return ballot.build(place, choice, found.choices, os.urandom(32))
