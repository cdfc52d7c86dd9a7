"""Properties over generated proceedings (issue 4, "Done when"): 2 000 in `make test`, 100 000 in `make test-rules`.

Hypothesis makes the tenders; each begins once, and goes on in `EACH` ways that a drawn seed decides. What fails names
its seed and the continuation, and is played again by them.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from evaluation.core import stages
from evaluation.core.clarification import CORRECTION
from evaluation.core.outcome import outcome
from evaluation.core.results import ranking_digest
from evaluation.core.rules import shelf
from evaluation.core.steps import ANSWERED, LAPSED
from evaluation.core.steps import REFUSED as REFUSED_BY_SUPERVISOR
from evidence.core import entry as entry_form
from evidence.core.canonical import b64u
from evidence.core.entry import Draft
from sessions.core.permission import ACTS, TABLE, Rule
from sessions.core.proceeding import evolve
from sessions.core.state import EMPTY, OPEN, PAUSED, ROLES, Proceeding
from tests.ranking import second
from tests.ranking.tenders import FIRST, METHODS, Made, tenders
from tests.rules.forbidden import wrong_commands
from tests.rules.generated import Course, Swift, beginning
from tests.rules.items import reported, untraced

EACH = 50
"""Continuations of one beginning: what a tender costs to draw and to begin is shared by them."""
OFTEN = 0.15
"""How often an entry is followed by a command that must yield nothing: about six in each proceeding."""
SIGNED = 0.1
"""How often a proceeding goes on from its report to signatures, dissent, and another report."""
TOGETHER = 10
"""Questions to the second ranking at once; an answer has less than 4 kB."""
# What the second ranking reads of a log, besides every entry that makes rounds void.
_READ = {
    "DefinitionFixed",
    "ReviewConcluded",
    "BidRejected",
    "ClarificationAnswered",
    "SheetOpened",
    "SheetAuthorOpened",
    "SheetsOpened",
    "SheetVoided",
    "RoundRenewed",
    "StageReturned",
    "ScoreCorrected",
    "TieDrawn",
    "CoefficientDrawn",
    "DrawAnnulled",
    "ScoresTallied",
    "RankingFixed",
}
HAPPENS = {
    *("MemberRemoved", "MemberSeated", "SheetVoided", "ExternalDraw", "StageReturned"),
    *("VenueLost", "SeatMerged", "OfflineAct", "SeatReleased", "VenueRejoined", "NightBegan", "NightEnded"),
    *("HoldersMissing", "SheetAuthorOpened", "FreezeDisputed", "ScoreCorrected"),
    *("DrawOpened", "DrawResolved", "TieDrawn", "CoefficientDrawn", "ReportFrozen", "RankingConfirmed", "ReportSigned"),
    *("ReportDissented", "MemberDeemedAgreed", "EvaluationReopened", "ProceedingClosed"),
    *("ClarificationAsked", "ClarificationRefused", "ClarificationAnswered", "ClarificationLapsed"),
    *("MotionDecided", "EvaluationFailed", "TimeExtended", "ProceedingAborted"),
    *("RecusalDecided", "MemberRecused", "ShareRejected", "SheetResealed", "HolderFaulty"),
}
"""What is met at least once: proceedings in which nothing happens would say little."""
REFUSED = {"objective-differs", "too-few-bidders", "evaluation-failed", "stage-incomplete"}
"""What stops a proceeding at least once."""
KINDS = {
    (key, method, kind)
    for key, method in METHODS
    for kind in (("lowest",) if key == FIRST else shelf.PACKS[key].value["methods"][method]["prices"])
}
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
_SEEDS = st.integers(0, 2**32 - 1)


def folded(drive: Swift, state: Proceeding = EMPTY) -> Proceeding:
    """The log's bytes, read and folded from where `state` ends."""
    for entry in drive.entries[state.size :]:
        state = evolve(state, entry_form.parse(entry.data))
    return state


@dataclass
class Met:
    """What the generated proceedings were: types of entries, what the law refused, and what was ranked: packs with
    their methods and kinds of price, and whether a corrected quote was among the bids."""

    types: set[str] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)
    corrected: int = 0
    asked: set[tuple[str | None, bool | None]] = field(default_factory=set)
    """How questions about a corrected price were closed, and whether the bidder confirmed it."""
    tenders: set[tuple[tuple[str, str], str, str]] = field(default_factory=set)


def hold(made: Made, number: int, met: Met, each: int = EACH) -> None:
    """The five properties, for every continuation of one beginning."""
    begun = beginning(made, random.Random(number))
    assert folded(begun) == begun.state
    asked: list[tuple[str, dict[str, Any], Any]] = []
    for i in range(each):
        name = f"{number}/{i}"
        chance = random.Random(name)
        # (1) No command by a wrong role or in a wrong stage yields an event.
        course = Course(begun.branch(wrong_commands(random.Random(name + "/wrong"), OFTEN)), chance)
        drive = course.run()
        # (2) The fold of the log is the live state.
        assert folded(drive, begun.state) == drive.state, name
        asked += ranked(made, drive, chance, name)
        met.codes |= course.codes
        questions = drive.state.evaluation.steps.questions
        met.asked |= {(each.closed, each.confirmed) for each in questions if each.kind == CORRECTION}
        if drive.state.evaluation.ranking is not None:
            met.tenders.add(kind_of(made))
            met.corrected += any(bidder.corrected for bidder in made.definition.bidders)
        if drive.state.report is not None and chance.random() < SIGNED:
            state = drive.state
            reopened = course.sign()
            assert folded(drive, state) == drive.state, name
            asked += ranked(made, drive, chance, name) if reopened else []
        met.types |= {entry.type for entry in drive.entries[begun.state.size :]}
    for start in range(0, len(asked), TOGETHER):
        batch = asked[start : start + TOGETHER]
        for (name, _, found), told in zip(batch, second.ask_all([q for _, q, _ in batch]), strict=True):
            assert told.get("ranking") == found.ranked, name
            assert told["rows"] == found.tallied["rows"], name
            assert told["digest"] == b64u(ranking_digest(found.ranking)), name


def ranked(made: Made, drive: Swift, chance: random.Random, name: str) -> list[tuple[str, dict[str, Any], Any]]:
    """What holds of a log that has a ranking; what the second ranking is to be asked about it."""
    evaluation = drive.state.evaluation
    if evaluation.ranking is None or evaluation.fixed is None:
        return []
    # (3) Permuting the sheets changes nothing.
    sheets = list(evaluation.sheets())
    chance.shuffle(sheets)
    found = outcome(evaluation.fixed.scoring, evaluation.standing, sheets, evaluation.lots, evaluation.confirmed)
    assert (found.rows, found.ranking) == (evaluation.rows, evaluation.ranking), name
    # (5) Every item of the report comes from an event.
    if drive.state.report is not None:
        assert untraced(reported(drive, made.definition), drive.entries) == [], name
    # (4) Both rankings agree; asked by the caller.
    read = [json.loads(e.data) for e in drive.entries if e.type in _READ or "void" in e.body]
    return [(name, {"entries": read}, found)]


def met_all(met: Met) -> None:
    """Nothing that the properties are about was left out."""
    assert HAPPENS - met.types == set()
    assert KINDS - met.tenders == set()
    assert REFUSED - met.codes == set()
    assert met.corrected > 0
    assert met.asked >= {(ANSWERED, True), (ANSWERED, False), (LAPSED, None), (REFUSED_BY_SUPERVISOR, None)}


def kind_of(made: Made) -> tuple[tuple[str, str], str, str]:
    """Pack, method and kind of price."""
    terms = made.scoring.terms
    return made.definition.pack.key, made.scoring.method, terms.price.kind if terms is not None else "lowest"


def over(proceedings: int, number: int) -> Met:
    """As many of each pack, method and kind of price, and at least so many in all. Nothing is made smaller: what fails
    has its name, and is played again by it."""
    met, each = Met(), -(-proceedings // (EACH * len(KINDS)))
    for *method, kind in sorted(KINDS):

        @seed(number)
        @settings(max_examples=each, deadline=None, suppress_health_check=SLOW, database=None, phases=[Phase.generate])
        @given(tenders([tuple(method)], kind), _SEEDS)  # type: ignore[list-item]
        def run(made: Made, chance: int) -> None:
            hold(made, chance, met)

        run()
    return met


@pytest.mark.timeout(600)
def test_the_properties_hold_over_two_thousand_proceedings() -> None:
    met = over(2_000, 0)
    met_all(met)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("block", range(1, 11))
def test_the_properties_hold_over_a_hundred_thousand_proceedings(block: int) -> None:
    """Ten blocks of 10 000, each with its own seed."""
    met = over(10_000, block)
    met_all(met)


# --- the controls: each property fails where what it is about is broken


@pytest.fixture(scope="module")
def example() -> Made:
    """One tender that is ranked whatever the committee does."""
    found: list[Made] = []

    @settings(max_examples=30, deadline=None, suppress_health_check=SLOW, database=None, derandomize=True)
    @given(tenders([(("cn-government-procurement", "2"), "comprehensive-scoring")]))
    def look(made: Made) -> None:
        if len(made.valid) > 4 and made.scoring.criteria:
            found.append(made)

    look()
    return found[0]


def test_generated_proceedings_meet_every_incident(example: Made) -> None:
    """A property over proceedings in which nothing happens would say little."""
    begun = beginning(example, random.Random(1))
    types: set[str] = set()
    ends: set[tuple[str, bool]] = set()
    for i in range(60):
        drive = Course(begun.branch(wrong_commands(random.Random(i), 0.0)), random.Random(i)).run()
        types |= {entry.type for entry in drive.entries}
        ends.add((drive.state.stage, drive.state.report is not None))
    assert {"ScoreCorrected", "StageReturned", "HoldersMissing", "SheetAuthorOpened", "FreezeDisputed"} <= types
    assert {"VenueLost", "VenueRejoined", "ProceedingPaused", "ProceedingResumed", "ReportFrozen"} <= types
    assert (stages.REPORT, True) in ends


def test_a_table_that_opens_too_far_is_noticed(example: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    every = frozenset(stages.STAGES)
    row = TABLE["incident.note"]
    for name in ("proceeding.pause", "proceeding.abort", "incident.note"):
        monkeypatch.setitem(
            TABLE, name, Rule(ACTS[name].roles | {"auditor", "room"}, row.relation, every, frozenset({OPEN, PAUSED}))
        )
    begun = beginning(example, random.Random(1))
    drive = begun.branch(wrong_commands(random.Random(1), 1.0))
    drive.bodies |= {"proceeding.abort": {"reason": "x"}, "proceeding.pause": {"reason": "x"}}
    drive.bodies |= {"incident.note": {"seat": None, "text": "x"}}

    def often() -> None:
        for _ in range(2_000):
            drive.append(())

    with pytest.raises(AssertionError, match="yields"):
        often()


def test_an_act_that_is_refused_for_its_form_alone_is_noticed(example: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody performed it before, so that its body is empty: without the table it would be refused all the same."""
    row = ACTS["seat.reinstate"]
    monkeypatch.setitem(TABLE, "seat.reinstate", Rule(frozenset(ROLES), row.relation, row.stages, row.gates))
    begun = beginning(example, random.Random(1))
    drive = begun.branch(wrong_commands(random.Random(1), 1.0))

    def often() -> None:
        for _ in range(2_000):
            drive.append(())

    with pytest.raises(AssertionError, match=r"seat\.reinstate.* is refused as malformed alone"):
        often()


def test_a_state_that_is_not_in_the_log_is_noticed(example: Made) -> None:
    begun = beginning(example, random.Random(1))
    drive = begun.branch(wrong_commands(random.Random(1), 0.0))
    pause = drive.act("operator-1", "proceeding.pause", {"reason": "x"})
    drive.append([Draft("ProceedingPaused", {"cause": "ordered"}, pause)])
    assert folded(drive, begun.state) == drive.state
    drive.entries.pop()
    assert folded(drive, begun.state) != drive.state


def test_an_item_from_nowhere_is_noticed(example: Made) -> None:
    begun = beginning(example, random.Random(1))
    courses = (Course(begun.branch(wrong_commands(random.Random(i), 0.0)), random.Random(i)).run() for i in range(20))
    drive = next(course for course in courses if course.state.report is not None)
    assert untraced(reported(drive, example.definition), drive.entries) == []
    changes: tuple[Callable[[Any], object], ...] = (
        lambda content: content["definition"].update(n=0),
        lambda content: content["result"]["tally"].update(n=None),
        lambda content: content["course"]["sheets"][0].update(n=len(drive.entries)),
        lambda content: content["parties"]["members"][0].update(committed=None),
        lambda content: content["other"]["incidents"].append({"n": 3, "type": "VenueLost"}),
        lambda content: content["course"].update(sheets=[]),
    )
    for change in changes:
        content = reported(drive, example.definition)
        change(content)
        assert untraced(content, drive.entries) != []
