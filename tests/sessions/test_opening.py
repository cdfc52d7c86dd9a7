"""Freezing, confirming, approving, releasing, opening (protocols.md section 3)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from evaluation.core import sheet
from evaluation.errors import (
    AlreadyDone,
    AlreadyOpened,
    CommitmentMismatch,
    Disputed,
    NoSuchFreeze,
    NoSuchRound,
    NotApproved,
    RoundFrozen,
    SeenTooOld,
    SheetIsUnreadable,
    SilentSeats,
    TooEarly,
    TooFewShares,
)
from evidence.core.canonical import Object, b64u
from evidence.errors import Malformed
from sessions.core.commands import OpenRound
from tests.sessions.drive import FINANCE, HOLDERS, MEMBERS, SHOWN, ZHONGSHAN, ZHUHAI, Drive
from tests.sessions.rounds import SHEETS, copy_of, leaf, seal, seal_all


@pytest.fixture(scope="module")
def ready() -> Drive:
    return Drive().until("detailed-review")


@pytest.fixture
def drive(ready: Drive) -> Drive:
    """A fresh copy at the beginning of the detailed review."""
    return copy_of(ready)


@pytest.fixture
def frozen(drive: Drive) -> Drive:
    seal_all(drive)
    drive.acknowledge()
    drive.freeze()
    return drive


def test_the_freeze_lists_every_required_member_once_with_its_current_seal(frozen: Drive) -> None:
    freeze = frozen.round.freeze
    assert freeze is not None
    assert freeze.sheets == tuple((seat, frozen.round.current[seat]) for seat in sorted(MEMBERS))
    with pytest.raises(RoundFrozen):
        frozen.freeze()
    with pytest.raises(RoundFrozen):
        seal(frozen, "seat-1", replaces=b64u(frozen.round.current["seat-1"]))
    with pytest.raises(NoSuchRound):
        frozen.perform("operator-1", "round.freeze", {"purpose": "sheet", "round": 2})


def test_a_confirmation_names_the_freeze_and_stands_once(frozen: Drive) -> None:
    with pytest.raises(NoSuchFreeze):
        frozen.perform("seat-1", "freeze.ok", {"freeze": SHOWN})
    frozen.confirm(["seat-1"])
    with pytest.raises(AlreadyDone):
        frozen.confirm(["seat-1"])


def test_the_approval_names_every_silent_seat(frozen: Drive) -> None:
    """protocols.md section 3, R4."""
    frozen.confirm(["seat-1", "seat-2", "seat-3"])
    for silent in ([], ["seat-4"], ["seat-5", "seat-4"], ["seat-4", "seat-4", "seat-5"], ["seat-4", "seat-5", "x"]):
        with pytest.raises(SilentSeats):
            frozen.approve(silent)
    bad: list[list[object]] = [[1], [["seat-4"]], [None, "seat-4"]]
    for other in bad:
        with pytest.raises(SilentSeats):
            frozen.approve(other)  # type: ignore[arg-type]
    frozen.approve(["seat-4", "seat-5"])
    with pytest.raises(AlreadyDone):
        frozen.approve(["seat-4", "seat-5"])
    frozen.confirm(["seat-4"])


def test_an_open_dispute_blocks_and_its_author_may_take_it_back(frozen: Drive) -> None:
    frozen.perform("seat-2", "freeze.dispute", {"freeze": leaf(frozen)})
    with pytest.raises(AlreadyDone):
        frozen.perform("seat-2", "freeze.dispute", {"freeze": leaf(frozen)})
    with pytest.raises(Disputed):
        frozen.approve(list(MEMBERS))
    frozen.confirm()
    frozen.approve()
    with pytest.raises(AlreadyDone):
        frozen.perform("seat-2", "freeze.dispute", {"freeze": leaf(frozen)})


def test_a_ballot_needs_all_confirmations_and_no_approval() -> None:
    drive = Drive().until("chair-election")
    for seat in MEMBERS:
        drive.seal(seat, drive.ballot(seat, "seat-1"))
    drive.acknowledge()
    drive.freeze()
    drive.confirm(MEMBERS[:4])
    drive.witness()
    with pytest.raises(NotApproved):
        drive.release(ZHUHAI)
    with pytest.raises(TooEarly):
        drive.approve(["seat-5"])
    drive.perform("seat-5", "freeze.dispute", {"freeze": leaf(drive)})
    with pytest.raises(NotApproved):
        drive.release(ZHUHAI)
    drive.confirm(["seat-5"])
    drive.release(ZHUHAI)


@pytest.fixture
def approved(frozen: Drive) -> Drive:
    frozen.confirm()
    frozen.approve()
    return frozen


def test_no_share_leaves_before_the_approval_is_witnessed(frozen: Drive) -> None:
    """G2; a `Witnessed` that ends before the approval does not count."""
    frozen.witness()
    with pytest.raises(NotApproved):
        frozen.release(ZHUHAI)
    frozen.confirm()
    before = len(frozen.tree)
    frozen.approve()
    with pytest.raises(NotApproved):
        frozen.release(ZHUHAI)
    assert frozen.round.releasable is None
    frozen.witness()
    assert frozen.round.releasable is not None
    shares = [[b64u(a), b64u(frozen.sealed[a].shares[1])] for a in frozen.round.listed]
    body: Object = {"freeze": leaf(frozen), "shares": shares}
    act = frozen.act(ZHUHAI, "share.release", body, seen=(before, frozen.tree.root(before)))
    with pytest.raises(SeenTooOld):
        frozen.take(act)
    frozen.release(ZHUHAI)
    with pytest.raises(AlreadyDone):
        frozen.release(ZHUHAI)


@pytest.mark.parametrize(
    "change",
    [
        lambda shares: shares[1:],
        lambda shares: shares[::-1],
        lambda shares: [*shares, shares[0]],
        lambda shares: [[shares[1][0], shares[0][1]], *shares[1:]],
        lambda shares: [[shares[0][0], b64u(bytes(32))], *shares[1:]],
        lambda shares: [[shares[0][0], b64u(b"\xff" * 32)], *shares[1:]],
        lambda shares: [[shares[0][0]], *shares[1:]],
        lambda shares: [[shares[0][0], 1], *shares[1:]],
        lambda shares: ["x", *shares[1:]],
        lambda shares: [5, *shares[1:]],
    ],
)
def test_shares_are_one_for_each_listed_act_in_their_order(
    approved: Drive, change: Callable[[list[list[str]]], object]
) -> None:
    approved.witness()
    shares = [[b64u(a), b64u(approved.sealed[a].shares[1])] for a in approved.round.listed]
    with pytest.raises(Malformed):
        approved.perform(ZHUHAI, "share.release", {"freeze": leaf(approved), "shares": change(shares)})


@pytest.fixture
def released(approved: Drive) -> Drive:
    approved.witness()
    approved.release(ZHONGSHAN)
    return approved


def test_it_opens_with_k_releases_and_a_late_one_is_still_taken(released: Drive) -> None:
    with pytest.raises(TooFewShares):
        released.open()
    released.release(ZHUHAI)
    opened = released.open()
    assert [entry.type for entry in opened] == ["SheetOpened"] * 5 + ["SheetsOpened"]
    with pytest.raises(AlreadyOpened):
        released.open()
    with pytest.raises(AlreadyDone):
        released.perform("seat-1", "freeze.dispute", {"freeze": leaf(released)})
    released.release(FINANCE)
    assert set(released.round.releases) == set(HOLDERS)


def test_nothing_but_the_committed_plaintext_opens(released: Drive) -> None:
    """protocols.md section 3: from G2 on the result is fixed."""
    released.release(ZHUHAI)
    listed = released.round.listed
    right = tuple((act, released.sealed[act].plaintext) for act in listed)
    forged = sheet.build(
        released.state.evaluation.place("seat-1", 1),
        {item: Decimal("1.00") for item, _ in released.state.evaluation.asked()},
        released.state.evaluation.asked(),
        bytes(32),
    )
    with pytest.raises(CommitmentMismatch):
        released.execute(OpenRound("sheet", 1, ((listed[0], forged), *right[1:])))
    for wrong in (right[1:], right[::-1], (*right, right[0]), ()):
        with pytest.raises(Malformed):
            released.execute(OpenRound("sheet", 1, wrong))
    with pytest.raises(NoSuchRound):
        released.execute(OpenRound("ballot", 9, right))
    with pytest.raises(Malformed):
        released.execute(OpenRound("sheet", 1, ((listed[0], "No Code!"), *right[1:])))
    released.execute(OpenRound("sheet", 1, right))


def test_an_unreadable_sheet_is_marked_and_stops_the_tally(drive: Drive) -> None:
    """protocols.md section 3: s right, P bad; provably that seat's fault."""
    bad = drive.sheet("seat-1", SHEETS["seat-1"]).replace(b'"seat":"seat-1"', b'"seat":"seat-2"')
    drive.seal("seat-1", bad)
    for seat in MEMBERS[1:]:
        seal(drive, seat)
    drive.to_opening()
    for domain in HOLDERS:
        drive.release(domain)
    opened = drive.open(broken={"seat-2": "sheet-unreadable"})
    assert [entry.body.get("code") for entry in opened[:2]] == ["sheet-misplaced", "sheet-unreadable"]
    assert [entry.type for entry in opened] == ["SheetUnreadable"] * 2 + ["SheetOpened"] * 3 + ["SheetsOpened"]
    with pytest.raises(SheetIsUnreadable):
        drive.advance()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda p: p.replace(b'"12.12"', b'"99.99"'), "score-out-of-range"),
        (lambda p: p.replace(b'"12.12"', b'"12.1"'), "score-malformed"),
        (lambda p: p.replace(b'["bidder-1","team","12.12",null],', b""), "score-missing"),
        (lambda p: p.replace(b'"bidder-1","team"', b'"bidder-9","team"'), "score-unknown-item"),
        (lambda p: b"no json", "sheet-malformed"),
    ],
)
def test_what_a_sheet_lacks_is_told_by_code(drive: Drive, change: Callable[[bytes], bytes], code: str) -> None:
    """Issue 2, "Bad input"."""
    drive.seal("seat-1", change(drive.sheet("seat-1", SHEETS["seat-1"])))
    for seat in MEMBERS[1:]:
        seal(drive, seat)
    drive.to_opening()
    for domain in HOLDERS:
        drive.release(domain)
    opened = drive.open()
    assert (opened[0].type, opened[0].body["code"]) == ("SheetUnreadable", code)
