"""Whole proceedings under every rule pack and method: decided again, ranked again; and a log of the first version."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from evaluation.core import tender
from evaluation.core.rules.shelf import Pack
from evaluation.errors import CommitteeRefused, DeclarationRefused, RulePackMismatch
from evaluation.step_errors import EvaluationFailed
from evidence.core import entry as entry_form
from evidence.core.canonical import b64u, encode, sha256
from evidence.core.entry import Entry
from evidence.core.merkle import Tree
from evidence.errors import Untrusted
from sessions.core import acts
from sessions.core.replay import Replay
from sessions.core.state import Proceeding
from tests.evaluation.packs import ABROAD, BIDDING, NEW_BIDDING, NEW_PROCUREMENT, PROCUREMENT, second
from tests.ranking import second as other
from tests.sessions.drive import MEMBERS, SHOWN, Drive, Scores, definition

METHODS = [
    (pack, name)
    for pack in (PROCUREMENT, NEW_PROCUREMENT, BIDDING, NEW_BIDDING, ABROAD)
    for name in pack.value["methods"]
]
V1_LOG = Path(__file__).parent.parent / "vectors" / "proceeding-v1.json.gz"


def sheets(value: dict[str, Any], shares: Sequence[int] = (70, 80, 75, 90)) -> Scores:
    """Every member gives the i-th bidder so many percent of each maximum, one percent apart."""
    leaves = [(leaf.id, leaf.max) for root in tender.parse(encode(value)).criteria for leaf in root.leaves]
    return {
        seat: {
            (bidder["id"], leaf): (maximum * (shares[i] + n) / 100).quantize(Decimal("0.01"))
            for i, bidder in enumerate(value["bidders"])
            for leaf, maximum in leaves
        }
        for n, seat in enumerate(MEMBERS)
    }


def whole(value: dict[str, Any], scores: Scores | None = None) -> Drive:
    drive = Drive(definition=value)
    drive.until("done", scores or sheets(value))
    drive.close()
    return drive


def again(entries: Sequence[Entry], document: bytes) -> Proceeding:
    """Decide every entry again, as an auditor does."""
    tree = Tree()

    def root_at(size: int) -> bytes | None:
        return tree.root(size) if size <= len(tree) else None

    def load(digest: bytes) -> bytes:
        assert digest == sha256(document)
        return document

    replay = Replay(entries, load=load, check=lambda state, act: acts.check(state, act, root_at=root_at))
    for _, entry in replay:
        tree.append(entry.leaf)
    return replay.state


@pytest.mark.parametrize(("pack", "method"), METHODS, ids=lambda part: part if isinstance(part, str) else part.key[0])
def test_a_proceeding_of_every_method_is_held_decided_again_and_ranked_again(pack: Pack, method: str) -> None:
    """Issue 4, items 1, 6 and 8."""
    value = second(pack, method)
    drive = whole(value)
    state = again(drive.entries, encode(value))
    assert state.evaluation.ranking is not None
    assert state.founding is not None
    assert state.founding.rule_pack == (*pack.key, pack.sha256)
    told = other.ask({"entries": [json.loads(entry.data) for entry in drive.entries]})
    stated = {entry.type: entry.body for entry in drive.entries}
    assert (told["rows"], told["ranking"]) == (stated["ScoresTallied"]["rows"], stated["RankingFixed"])
    assert told["digest"] == stated["ReportFrozen"]["ranking"]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda body: body["rows"][0].update(total="99.00"), "ScoresTallied"),
        (lambda body: body.update(base="1.00"), "ScoresTallied"),
        (lambda body: body["ranking"].reverse(), "RankingFixed"),
        (lambda body: body.update(undecided=[["lot", "place-1", ["bidder-1"]]]), "RankingFixed"),
    ],
)
def test_a_result_that_the_terms_do_not_yield_is_found(change: Callable[[dict[str, Any]], Any], kind: str) -> None:
    """A server that ranks otherwise is caught by whoever decides again."""
    value = second(BIDDING, "comprehensive-evaluation")
    entries = list(whole(value).entries)
    n = next(i for i, entry in enumerate(entries) if entry.type == kind)
    forged = json.loads(entries[n].data)
    change(forged["body"])
    entries[n] = entry_form.parse(encode(forged))
    with pytest.raises(Untrusted, match=kind):
        again(entries, encode(value))


def first_log() -> tuple[list[Entry], bytes]:
    kept = json.loads(gzip.decompress(V1_LOG.read_bytes()))
    return [entry_form.parse(text.encode()) for text in kept["entries"]], kept["definition"].encode()


def test_a_log_of_the_first_version_is_still_read_and_decided_again() -> None:
    """Events outlive releases: this log was made before rule packs had versions, and not one byte of it was changed."""
    entries, document = first_log()
    state = again(entries, document)
    ranking = state.evaluation.ranking
    assert ranking is not None
    assert ranking.places == (("bidder-4", 1), ("bidder-2", 2), ("bidder-1", 3), ("bidder-3", 4))
    assert state.evaluation.rules.key == ("cn-government-procurement", "1")
    told = other.ask({"entries": [json.loads(entry.data) for entry in entries]})
    assert told["ranking"] == told["stated"]["ranking"]


def founded(value: dict[str, Any]) -> Drive:
    drive = Drive(definition=value)
    drive.found()
    return drive


def test_the_definition_follows_the_pack_of_the_founding() -> None:
    """Domain checklist 1: the pack stands in entry 0, before anything else."""
    drive = founded(second(BIDDING, "comprehensive-evaluation"))
    drive.definition = second()
    with pytest.raises(RulePackMismatch):
        drive.fix()
    drive.definition = definition()
    with pytest.raises(RulePackMismatch):
        drive.fix()


def test_a_committee_of_five_cannot_take_a_tender_that_needs_seven() -> None:
    """87号令 47."""
    value = second()
    value["terms"]["budget"] = "10000000.00"
    with pytest.raises(CommitteeRefused, match=r"at least 7 is demanded .*第四十七条"):
        founded(value).fix()


def test_grounds_of_recusal_are_those_of_the_regime() -> None:
    """政府采购法实施条例 9; 12号令 12."""
    drive = Drive(definition=second(BIDDING, "comprehensive-evaluation")).until("declarations")
    body = {"recuse": True, "grounds": ["employed-within-three-years"], "shown": SHOWN}
    with pytest.raises(DeclarationRefused):
        drive.perform("seat-1", "recusal.declare", body)
    drive.perform("seat-1", "recusal.declare", body | {"grounds": ["penalised-for-bidding"]})


def test_under_the_bidding_law_the_buyers_representative_may_be_chair() -> None:
    """12号令 9."""
    drive = Drive(definition=second(BIDDING, "comprehensive-evaluation")).until("chair-election")
    drive.elect("seat-3")
    assert drive.state.evaluation.chair == "seat-3"


def test_a_bid_above_the_ceiling_is_rejected_whatever_is_voted() -> None:
    """87号令 63; 招标投标法实施条例 51(5)."""
    value = second(PROCUREMENT, "comprehensive-scoring")
    value["terms"]["ceiling"] = "2300000.00"
    drive = Drive(definition=value).until("detailed-review")
    assert drive.state.evaluation.valid == ("bidder-2", "bidder-3", "bidder-4")
    assert drive.state.evaluation.rejected == (("bidder-1", "above-ceiling"),)


def test_bidders_of_one_brand_count_as_one_competitor() -> None:
    """87号令 31: of four bidders with two brands only two compete, which is too few."""
    value = second()
    for i, bidder in enumerate(value["bidders"]):
        bidder["brand"] = "acme" if i % 2 else "boreas"
    drive = Drive(definition=value).until("compliance-review")
    drive.review()
    assert (drive.entries[-1].type, drive.entries[-1].body["competing"]) == ("EvaluationFailed", 2)
    with pytest.raises(EvaluationFailed):
        drive.advance()


def test_the_vector_of_the_first_version_names_what_it_was_made_of() -> None:
    """The log kept is one of a whole proceeding, from its founding to its close."""
    entries, document = first_log()
    assert (entries[0].type, entries[-1].type) == ("ProceedingFounded", "ProceedingClosed")
    fixed = next(entry for entry in entries if entry.type == "DefinitionFixed")
    assert fixed.act is not None
    assert fixed.act.body["sha256"] == b64u(sha256(document))
    assert "v" not in fixed.body["scoring"]
