"""The page of what follows an evaluation: what it offers the rules take, and everything that it shows has words."""

from __future__ import annotations

import inspect
import json
import subprocess
from pathlib import Path

import pytest

from evaluation.core.timetable import TIMETABLES
from evidence.core.canonical import Object
from sessions import after_errors
from sessions.after_errors import AfterError
from sessions.core.permission import AFTER
from tests.crypto.node import node
from tests.e2e.words import word
from tests.sessions.afterwards import Later

SCRIPT = Path(__file__).with_name("after_page.ts")


def offered(later: Later) -> dict[str, list[tuple[str, Object]]]:
    """The acts that the page offers each seat now."""
    asked = []
    for seat in later.proceeding.seats.values():
        view = later.view(seat.id)
        main = seat.role == "operator" and "kinds" in view
        asked.append([view, {"seat": seat.id, "role": seat.role, "venue": seat.venue or "", "main": main}])
    said = subprocess.run(
        [node(), str(SCRIPT)], input=json.dumps(asked), capture_output=True, text=True, timeout=60, check=True
    )
    acts = [[(name, body) for name, body in each] for each in json.loads(said.stdout)]
    return dict(zip(later.proceeding.seats, acts, strict=True))


def taken(later: Later, offers: dict[str, list[tuple[str, Object]]]) -> set[str]:
    """The names of the acts; each of them alone would be taken now."""
    state, log = later.state, list(later.log)
    for seat, acts in offers.items():
        for name, body in acts:
            later.perform(seat, name, body)
            later.state, later.log = state, list(log)
    return {name for acts in offers.values() for name, _ in acts}


def test_what_the_page_offers_is_taken_and_it_offers_every_act() -> None:
    later = Later()
    first = offered(later)
    assert [name for name, _ in first["operator-1"]] == ["milestone.state"] + ["rating.give"] * 4
    assert [name for name, _ in first["operator-2"]] == ["hand-over.give"]
    assert [name for name, _ in first["supervisor-1"]] == ["case.open"]
    assert (first["auditor-1"], first["seat-1"]) == ([], [])
    names = taken(later, first)

    later.rate("seat-1", breaches=[["left-the-post", "离席"]])
    rating = later.rate("seat-2", breaches=[["left-the-post", "离席"]])
    later.perform("seat-2", "rating.appeal", {"rating": rating, "reason": "停电"})
    later.perform(
        "operator-2", "hand-over.give", {"venue": "venue-2", "items": [["paper", "副本", 1, None]], "seals": []}
    )
    case: Object = {"kind": "complaint", "of": "乙公司", "day": later.day, "text": "投诉", "evidence": None}
    later.perform("supervisor-1", "case.open", case)
    second = offered(later)
    assert [name for name, _ in second["seat-1"]] == ["rating.appeal"]
    assert (second["seat-2"], second["operator-2"]) == ([], [])
    assert names | taken(later, second) == set(AFTER)

    # The time to appeal is over.
    later.day = "2026-12-30"
    assert offered(later)["seat-1"] == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_everything_that_follows_has_words(language: str) -> None:
    def said(group: str, *names: str) -> None:
        for name in names:
            assert word(language, f"after.{group}.{name}"), name

    for table in TIMETABLES.values():
        said("milestones", *table.milestones)
        said("clockNames", *(clock.name for clock in table.clocks), *(f"answer-{kind}" for kind in table.kinds))
        said("options.kind", *table.kinds)
        said("question", *table.value["rating"]["items"]["questions"])
        said("breach", *table.value["rating"]["items"]["breaches"])
    said("clockNames", "rating", "appeal", "appeal-decision", "hand-over")
    errors: list[type[AfterError]] = [
        found for _, found in inspect.getmembers(after_errors, inspect.isclass) if issubclass(found, AfterError)
    ]
    errors.remove(AfterError)
    said("problems", *(error.code for error in errors))
