"""Whoever withholds, and whoever stands in: the result is the same (protocols.md 4, "verified sharing")."""

from __future__ import annotations

from itertools import combinations

import pytest

from evidence.adapters import envelope_p256
from sessions import draw_secrets
from tests.sessions.draws import Drawn, audited, tie
from tests.sessions.drive import HOLDERS, Drive
from tests.sessions.rounds import copy_of

SILENT = [who for n in (1, 2, 3) for who in combinations(HOLDERS, n)]


@pytest.fixture(scope="module")
def frozen() -> Drawn:
    return Drawn(tie(Drive())).lot().to_freeze()


@pytest.fixture(scope="module")
def seed(frozen: Drawn) -> bytes:
    honest = Drawn(copy_of(frozen.drive), frozen.opened, frozen.made).reveal()
    honest.resolve()
    return honest.draw.seed


@pytest.mark.parametrize("silent", SILENT, ids="+".join)
def test_no_set_of_silent_contributors_changes_the_seed(frozen: Drawn, seed: bytes, silent: tuple[str, ...]) -> None:
    """Even all together: any k holders restore every secret, and it is the one that was dealt."""
    others = tuple(domain for domain in HOLDERS if domain not in silent)
    for helping in combinations(HOLDERS, frozen.draw.k):
        drawn = Drawn(copy_of(frozen.drive), frozen.opened, frozen.made)
        if others:
            drawn.reveal(*others)
        drawn.wait().miss(*silent).release(*helping)
        found = dict(draw_secrets.of(drawn.drive.state, drawn.draw, envelope_p256))
        drawn.resolve([secret for secret in found.values() if secret is not None])
        assert drawn.draw.seed == seed
    audited(drawn.drive)
