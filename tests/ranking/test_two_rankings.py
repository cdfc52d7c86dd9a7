"""Two implementations that share no code rank alike, whatever the tender (issue 4, item 8; domain study, L5)."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from evaluation.core.outcome import outcome
from evaluation.core.results import ranking_digest
from evidence.core.canonical import b64u
from tests.ranking import second
from tests.ranking.tenders import METHODS, Made, tenders
from tests.sessions.drive import play
from tests.sessions.example import Scores, spread

EACH = 2000 // len(METHODS)
"""2 000 tenders in `make test`, shared by the methods; 100 000 in `make test-long`."""
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def both_agree(made: Made) -> None:
    found = outcome(made.scoring, made.valid, made.sheets, made.lots, made.confirmed)
    told = second.ask(made.question())
    assert told == {
        "rows": found.tallied["rows"],
        "base": found.tallied.get("base"),
        "ranking": found.ranked,
        "digest": b64u(ranking_digest(found.ranking)),
    }


@pytest.mark.parametrize(
    ("pack", "method"), METHODS, ids=lambda part: part if isinstance(part, str) else "-".join(part)
)
def test_both_rankings_agree(pack: tuple[str, str], method: str) -> None:
    """Rows, benchmark, places, candidates, exclusions and the digest that signers compare."""

    @settings(max_examples=EACH, deadline=None, suppress_health_check=SLOW)
    @given(tenders([(pack, method)]))
    def agree(made: Made) -> None:
        both_agree(made)

    agree()


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("block", range(10))
def test_both_rankings_agree_over_a_hundred_thousand_tenders(block: int) -> None:
    """Issue 4, "Done when": ten blocks, each with its own seed, so that Hypothesis keeps no more than a block."""

    @seed(block)
    @settings(max_examples=10_000, deadline=None, suppress_health_check=SLOW, database=None)
    @given(tenders())
    def agree(made: Made) -> None:
        both_agree(made)

    agree()


@settings(max_examples=300, deadline=None, suppress_health_check=SLOW)
@given(tenders(), st.randoms(use_true_random=False))
def test_the_order_of_the_sheets_changes_nothing_in_either(made: Made, rng: random.Random) -> None:
    """Votes are equal (87号令 61, 12号令 9)."""
    sheets = list(made.sheets)
    rng.shuffle(sheets)
    shuffled = outcome(made.scoring, made.valid, sheets, made.lots, made.confirmed)
    assert shuffled == outcome(made.scoring, made.valid, made.sheets, made.lots, made.confirmed)
    assert second.ask(made.question(sheets)) == second.ask(made.question())


@settings(max_examples=200, deadline=None, suppress_health_check=SLOW)
@given(tenders())
def test_no_bidder_is_lost_and_candidates_are_the_best(made: Made) -> None:
    """Every valid bidder has a place or a reason; a candidate is never worse than one who is none."""
    ranking = outcome(made.scoring, made.valid, made.sheets, made.lots, made.confirmed).ranking
    out = [bidder for bidder, _ in ranking.excluded]
    assert not set(out) & set(ranking.candidates)
    if ranking.ranked:
        assert sorted([*out, *(bidder for bidder, _ in ranking.places)]) == sorted(made.valid)
        place = dict(ranking.places)
        worst = max((place[bidder] for bidder in ranking.candidates), default=0)
        assert all(rank > worst for bidder, rank in ranking.places if bidder not in ranking.candidates)
    else:
        assert ranking.places == ()
        assert list(ranking.candidates) == [bidder for bidder in made.valid if bidder in ranking.candidates]


def two(prices: tuple[str, str], technical: tuple[str, str]) -> dict[str, Any]:
    """A question of version 1 with two bidders and one sheet; price weight 10."""
    return {
        "scoring": {"bidders": [["A", prices[0]], ["B", prices[1]]], "price": "10.00", "technical": "90.00"},
        "valid": ["A", "B"],
        "sheets": [[["A", "all", technical[0], None], ["B", "all", technical[1], None]]],
        "lots": {},
    }


def test_rounding_half_up_decides_the_winner_here_too() -> None:
    """TV2: 5.625 becomes 5.63, so A leads by 0.01."""
    told = second.ask(two(("144.00", "81.00"), ("60.00", "55.62")))
    assert told["ranking"] == {"ranking": [["A", 1], ["B", 2]], "candidates": ["A", "B"]}
    assert [row["total"] for row in told["rows"]] == ["65.63", "65.62"]


def test_one_cent_of_one_sheet_makes_another_digest() -> None:
    """The control switched off: what signers compare would show a server that ranks other figures."""
    right = second.ask(two(("144.00", "81.00"), ("60.00", "55.62")))
    wrong = second.ask(two(("144.00", "81.00"), ("59.99", "55.62")))
    assert wrong["digest"] != right["digest"]
    assert wrong["ranking"]["ranking"] == [["B", 1], ["A", 2]]


@pytest.mark.parametrize("text", ["12.5", "1e2", "-1.00", "NaN", "１２.５０", 12.5, None])
def test_the_second_ranking_reads_only_plain_decimals(text: object) -> None:
    """What the core refuses, the client refuses too."""
    question = two(("144.00", "81.00"), ("60.00", "55.62"))
    question["sheets"][0][0][2] = text
    assert "two places" in second.ask(question)["error"]


@pytest.mark.parametrize("sheets", [None, spread(("60.00", "60.00", "60.00", "75.00"))], ids=["TV1", "tied"])
def test_the_second_ranking_reads_a_log(sheets: Scores | None) -> None:
    """From the entries of a whole proceeding: TV1 comes out, and the digest is the one in the frozen report."""
    entries = play(sheets=sheets)
    told = second.ask({"entries": [json.loads(entry.data) for entry in entries]})
    stated = {entry.type: entry.body for entry in entries}
    assert told["rows"] == told["stated"]["rows"] == stated["ScoresTallied"]["rows"]
    assert told["ranking"] == told["stated"]["ranking"] == stated["RankingFixed"]
    assert told["digest"] == stated["ReportFrozen"]["ranking"]
    if sheets is None:
        assert [row["total"] for row in told["rows"]] == ["69.30", "75.93", "68.90", "95.00"]


def test_a_missing_node_fails_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is never skipped."""
    second.stop()
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(RuntimeError, match=r"Node\.js is missing"):
        second.ask({})


def test_the_second_ranking_follows_corrections_and_rejections() -> None:
    """87号令 64: after the opening a member's own act corrects a score; and a bid may be rejected as late as that."""
    entries = [json.loads(entry.data) for entry in play()]
    opened = max(i for i, entry in enumerate(entries) if entry["type"] == "SheetsOpened")
    body = {"bidder": "bidder-4", "criterion": "plan", "score": "0.00", "reason": "abnormal", "text": "笔误"}
    payload = b64u(json.dumps({"sub": "seat-1", "body": body}).encode())
    corrected = {"type": "ScoreCorrected", "act": f"x.{payload}.x", "body": {"from": "37.00"}}
    told = second.ask({"entries": [*entries[: opened + 1], corrected, *entries[opened + 1 :]]})
    row = {row["bidder"]: row for row in told["rows"]}["bidder-4"]
    before = {row["bidder"]: row for row in told["stated"]["rows"]}["bidder-4"]
    assert float(row["technical"]) < float(before["technical"])
    rejected = {"type": "BidRejected", "act": None, "body": {"bidder": "bidder-4", "ground": "other", "motion": ""}}
    told = second.ask({"entries": [*entries[: opened + 1], rejected, *entries[opened + 1 :]]})
    assert "bidder-4" not in [row["bidder"] for row in told["rows"]]
    assert told["ranking"]["candidates"][0] == "bidder-2"
