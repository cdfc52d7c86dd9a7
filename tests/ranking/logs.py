"""A log is read alike by the state, by a program's seat and by the browser's second implementation."""

from __future__ import annotations

import json

from evaluation.core.results import ranking_digest
from evidence.core.canonical import b64u
from tests.ranking import second
from tests.sessions.drive import Drive
from web.device import ranking


def ranked_alike(drive: Drive) -> None:
    """Whatever rounds, departures and corrections the log holds: one digest."""
    found = drive.state.evaluation.ranking
    assert found is not None
    told = second.ask({"entries": [json.loads(entry.data) for entry in drive.entries]})
    assert told.get("digest") == b64u(ranking_digest(found)) == b64u(ranking.digest(drive.entries)), told
