"""Sealed sheets whose holders are lost, and sheets that only their author can open (protocols.md section 3, cases)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from evaluation.core import cases
from evaluation.errors import (
    AlreadyDone,
    CommitmentMismatch,
    NotRequired,
    NotSafe,
    RoundError,
    RoundFrozen,
    SheetIsUnreadable,
    TooEarly,
)
from evidence.core.canonical import Object, b64u
from evidence.errors import Malformed
from sessions.core.view import visibility
from sessions.errors import WrongRole
from sessions.node_holder import releasable
from tests.sessions.draws import audited
from tests.sessions.drive import FINANCE, HOLDERS, ZHONGSHAN, ZHUHAI, Drive, spread

LOST: Object = {"purpose": "sheet", "round": 1, "holders": [ZHUHAI], "reason": "节点损毁"}


def sealed() -> Drive:
    drive = Drive().until("detailed-review")
    for seat, scores in spread().items():
        drive.seal(seat, drive.sheet(seat, scores))
    return drive


def acknowledge(drive: Drive, domains: Sequence[str]) -> None:
    for domain in domains:
        for act in drive.round.seals:
            drive.perform(domain, "share.ack", {"act": b64u(act), "index": HOLDERS.index(domain) + 1})


def opened(drive: Drive, broken: dict[str, str] | None = None) -> None:
    for domain in (ZHONGSHAN, FINANCE):
        drive.release(domain)
    drive.open(broken)


def test_a_sheet_is_safe_with_k_acks_when_the_supervisor_names_who_is_missing() -> None:
    """A sheet is safe with k+1 acks, or with k if the supervisor names the missing holders"."""
    drive = sealed()
    acknowledge(drive, (ZHONGSHAN, FINANCE))
    with pytest.raises(NotSafe):
        drive.freeze()
    with pytest.raises(WrongRole):
        drive.perform("operator-1", "holders.miss", LOST)
    wrong: tuple[Object, ...] = (
        {"holders": []},
        {"holders": ["stranger.example"]},
        {"holders": [ZHUHAI, ZHUHAI]},
        {"holders": sorted([ZHUHAI, FINANCE])},
        {"holders": [1]},
        {"reason": " "},
    )
    for bad in wrong:
        with pytest.raises(Malformed):
            drive.perform("supervisor-1", "holders.miss", LOST | bad)
    with pytest.raises(RoundError):
        drive.perform("supervisor-1", "holders.miss", LOST | {"round": 7})
    drive.perform("supervisor-1", "holders.miss", LOST)
    with pytest.raises(AlreadyDone):
        drive.perform("supervisor-1", "holders.miss", LOST)
    drive.freeze()
    with pytest.raises(RoundFrozen):
        drive.perform("supervisor-1", "holders.miss", LOST | {"holders": [FINANCE]})
    drive.confirm()
    drive.approve()
    drive.witness()
    # The nodes' own R3 takes it, too: it is the same state.
    assert releasable(drive.state.evaluation, drive.round) == drive.round.agreed
    assert cases.few_acks(drive.state.evaluation)
    opened(drive)
    drive.advance()
    audited(drive)


def test_to_name_one_who_acknowledged_makes_nothing_safe() -> None:
    drive = sealed()
    acknowledge(drive, (ZHONGSHAN, FINANCE))
    drive.perform("supervisor-1", "holders.miss", LOST | {"holders": [FINANCE]})
    with pytest.raises(NotSafe):
        drive.freeze()


def test_fewer_than_k_acks_are_never_safe() -> None:
    drive = sealed()
    acknowledge(drive, (ZHONGSHAN,))
    drive.perform("supervisor-1", "holders.miss", LOST)
    with pytest.raises(NotSafe):
        drive.freeze()
    assert not cases.few_acks(drive.state.evaluation)


def test_an_unreadable_sheet_is_opened_by_its_author_with_the_committed_plaintext() -> None:
    """`SheetUnreadable` …: `author_open` if it fits c"; else it stays unreadable."""
    drive = sealed()
    drive.to_opening()
    act = drive.round.current["seat-4"]
    plaintext = drive.sealed[act].plaintext
    body: Object = {"act": b64u(act), "p": b64u(plaintext)}
    with pytest.raises(RoundError):
        drive.perform("seat-4", "sheet.author_open", body)
    opened(drive, {"seat-4": "sheet-unreadable"})
    with pytest.raises(SheetIsUnreadable):
        drive.advance()
    with pytest.raises(NotRequired):
        drive.perform("seat-1", "sheet.author_open", body)
    other = drive.sheet("seat-4", spread()["seat-1"], bytes(32))
    with pytest.raises(CommitmentMismatch):
        drive.perform("seat-4", "sheet.author_open", body | {"p": b64u(other)})
    with pytest.raises(RoundError):
        drive.perform("seat-1", "sheet.author_open", {"act": b64u(drive.round.current["seat-1"]), "p": ""})
    (made,) = drive.perform("seat-4", "sheet.author_open", body)
    assert visibility(made, drive.state, "seat-1") == "full"
    assert visibility(made, drive.state, "operator-2") == "summary"
    with pytest.raises(RoundError):
        drive.perform("seat-4", "sheet.author_open", body)
    drive.advance()
    assert drive.state.stage == "tally"
    audited(drive)


def test_before_the_first_round_there_is_nothing_to_open() -> None:
    drive = Drive().until("declarations")
    with pytest.raises(TooEarly):
        drive.perform("seat-4", "sheet.author_open", {"act": b64u(bytes(32)), "p": ""})
