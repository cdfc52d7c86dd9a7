"""What the tests of seats that are cut off begin with."""

from __future__ import annotations

import pytest

from sessions.core.commands import LoseVenue
from tests.sessions.cut_off import Away
from tests.sessions.drive import Drive


@pytest.fixture
def drive() -> Drive:
    """A proceeding in its detailed review; modules that begin elsewhere have one of their own."""
    return Drive().until("detailed-review")


@pytest.fixture
def away(drive: Drive) -> Away:
    """seat-5 and all of venue-3 are cut off."""
    seat = Away(drive, "seat-5")
    drive.execute(LoseVenue("venue-3", 40))
    return seat
