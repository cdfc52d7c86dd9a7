"""A seat's device on disk: one chain of acts, whatever happens to the process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evidence.core import act as acts
from evidence.core.act import NO_ACT, NOTHING_SEEN
from evidence.core.entry import Draft
from evidence.errors import Untrusted
from tests.sessions.node_world import NOW, PROCEEDING, Log, new_log_signer
from web.device.device import Device
from web.device.errors import ActPending, JournalBroken

Opened = Callable[..., Device]


@pytest.fixture
def device() -> Iterator[Opened]:
    """Opens a device; the one that was open in that folder is closed as a killed process would be."""
    held: dict[Path, Device] = {}

    def opened(folder: Path, sub: str = "seat-3") -> Device:
        if folder in held:
            held.pop(folder).close()
        held[folder] = Device(folder=folder, origin=PROCEEDING, sub=sub, clock=lambda: float(NOW))
        return held[folder]

    yield opened
    for left in held.values():
        left.close()


def log_of(count: int) -> Log:
    log = Log(PROCEEDING, new_log_signer(PROCEEDING))
    log.append([Draft("Witnessed", {"size": n}) for n in range(count)])
    return log


def test_acts_are_a_chain_of_one_key(tmp_path: Path, device: Opened) -> None:
    """protocols.md 1.3: ctr counts 1, 2, 3…, prev is the id before."""
    seat = device(tmp_path)
    first = seat.sign("presence.here", {})
    seat.accepted(7, bytes(32))
    second = seat.sign("presence.here", {})
    acts.verify(first, seat.jwk)
    assert (first.ctr, first.prev, first.seen) == (1, NO_ACT, NOTHING_SEEN)
    assert (second.ctr, second.prev, second.kid) == (2, first.id, seat.thumbprint)


def test_a_restarted_device_has_the_same_key_and_sends_the_same_octets(tmp_path: Path, device: Opened) -> None:
    before = device(tmp_path)
    before.sign("a.b", {"n": 1})
    before.accepted(7, bytes(32))
    pending = before.sign("a.b", {"n": 2})
    before.keep("sheet-1", b"kept")
    after = device(tmp_path)
    assert (after.jwk, after.pending, after.kept("sheet-1")) == (before.jwk, pending, b"kept")
    assert [(a.act.ctr, a.index) for a in after.answered] == [(1, 7)]
    with pytest.raises(ActPending):
        after.sign("a.b", {"n": 3})


def test_a_refused_act_gives_its_ctr_back(tmp_path: Path, device: Opened) -> None:
    seat = device(tmp_path)
    refused = seat.sign("a.b", {"n": 1})
    seat.refused("too-early")
    again = device(tmp_path).sign("a.b", {"n": 2})
    assert (again.ctr, again.prev) == (refused.ctr, NO_ACT)
    assert again.id != refused.id


def test_a_torn_line_was_never_sent_and_is_cut_off(tmp_path: Path, device: Opened) -> None:
    """kill -9 in the middle of a write; a half line in the middle of the journal is refused."""
    seat = device(tmp_path)
    seat.sign("a.b", {"n": 1})
    seat.accepted(3, bytes(32))
    journal = tmp_path / "journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"act":"ey')
    seat = device(tmp_path)
    assert seat.pending is None
    seat.sign("a.b", {"n": 2})
    assert device(tmp_path).pending is not None
    journal.write_bytes(whole + b'{"act":"ey\n' + whole)
    with pytest.raises(JournalBroken):
        device(tmp_path)


def test_a_journal_of_another_key_or_seat_is_refused(tmp_path: Path, device: Opened) -> None:
    device(tmp_path / "a").sign("a.b", {})
    device(tmp_path / "b")
    (tmp_path / "b" / "journal").write_bytes((tmp_path / "a" / "journal").read_bytes())
    with pytest.raises(JournalBroken):
        device(tmp_path / "b")
    with pytest.raises(JournalBroken):
        device(tmp_path / "a", sub="seat-4")


def test_only_the_owner_can_read_the_key(tmp_path: Path, device: Opened) -> None:
    device(tmp_path)
    assert (tmp_path / "seat.key").stat().st_mode & 0o077 == 0


def test_seen_moves_along_one_history_only(tmp_path: Path, device: Opened) -> None:
    """`seen` = newest checkpoint that the signer has verified; a fork stops the device."""
    log, seat = log_of(5), device(tmp_path)
    seat.verified(log.note(3), [], log.signer.vkey)
    seat.verified(log.note(5), log.tree.consistency(3, 5), log.signer.vkey)
    assert seat.sign("a.b", {}).seen == (5, log.tree.root())
    seat = device(tmp_path)
    assert seat.seen == (5, log.tree.root())
    fork = log_of(6)
    fork.signer = log.signer
    for proof in (fork.tree.consistency(5, 6), log.tree.consistency(3, 5), []):
        with pytest.raises(Untrusted):
            seat.verified(fork.note(6), proof, log.signer.vkey)
    with pytest.raises(Untrusted):
        seat.verified(fork.note(5), [], log.signer.vkey)
    with pytest.raises(Untrusted):
        seat.verified(log_of(6).note(6), [], log.signer.vkey)
    assert seat.seen == (5, log.tree.root())
    fresh = device(tmp_path / "fresh")
    fresh.verified(fork.note(6), [], log.signer.vkey)
    assert fresh.seen[0] == 6, "a device without memory would have followed the fork"


def test_two_processes_cannot_act_with_one_device(tmp_path: Path, device: Opened) -> None:
    """protocols.md 6, "two acts with one ctr": the second tab does not get that far."""
    device(tmp_path)
    with pytest.raises(JournalBroken):
        Device(folder=tmp_path, origin=PROCEEDING, sub="seat-3")
