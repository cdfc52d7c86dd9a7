"""What the server has to do next is a function of the state (architecture, section 1)."""

from __future__ import annotations

from evidence.core.canonical import b64u, sha256
from sessions.core import duties
from sessions.core.commands import EndRecording
from sessions.core.duties import (
    AskAck,
    AskOffer,
    AskRelease,
    AwaitWitnesses,
    EndRecordings,
    FinishSignature,
    FreezeHolders,
    IssueCredential,
    OpenRound,
    RecordRoot,
    RenderReport,
)
from sessions.core.state import EMPTY
from tests.sessions.drive import FINANCE, HOLDERS, MEMBERS, ZHONGSHAN, ZHUHAI, Drive, spread


def due(drive: Drive) -> set[duties.Duty]:
    return set(duties.duties(drive.state))


def test_founding_asks_for_offers_then_freezes_and_waits_for_witnesses() -> None:
    assert duties.duties(EMPTY) == ()
    drive = Drive()
    drive.found()
    assert due(drive) == {AskOffer(domain) for domain in HOLDERS}
    drive.fix()
    for domain in HOLDERS:
        assert AskOffer(domain) in due(drive)
        assert FreezeHolders() not in due(drive)
        drive.perform(domain, "holder.offer", {"pk": b64u(b"\x04" + sha256(domain.encode()) * 2)})
    assert due(drive) == {FreezeHolders()}
    drive.execute(FreezeHolders())
    assert due(drive) == {AwaitWitnesses(6)}
    drive.witness()
    assert due(drive) == set()


def test_a_bound_member_gets_a_credential() -> None:
    drive = Drive()
    drive.found()
    drive.bind("seat-2")
    drive.bind("operator-2")
    assert {duty for duty in due(drive) if isinstance(duty, IssueCredential)} == {IssueCredential("seat-2")}


def test_each_holder_has_one_queue_in_log_order_that_never_loses_a_question() -> None:
    """A node counts its acts as it answers: a question that vanished after it was answered would break the chain."""
    drive = Drive().until("detailed-review")
    sheets = spread()
    first = drive.seal("seat-1", drive.sheet("seat-1", sheets["seat-1"]))[0].act
    second = drive.seal("seat-2", drive.sheet("seat-2", sheets["seat-2"]))[0].act
    assert first is not None
    assert second is not None
    assert due(drive) == {AskAck(domain, first.id) for domain in HOLDERS}
    again = drive.sheet("seat-1", sheets["seat-1"], salt=bytes(32))
    third = drive.seal("seat-1", again, replaces=b64u(first.id))[0].act
    assert third is not None
    assert duties.queue(drive.state, ZHUHAI) == [AskAck(ZHUHAI, act.id) for act in (first, second, third)]
    drive.perform(ZHUHAI, "share.ack", {"act": b64u(first.id), "index": 2})
    assert due(drive) == {AskAck(ZHONGSHAN, first.id), AskAck(ZHUHAI, second.id), AskAck(FINANCE, first.id)}
    drive.perform("supervisor-1", "proceeding.pause", {"reason": "x"})
    drive.perform(ZHUHAI, "share.reject", {"act": b64u(second.id), "index": 2, "code": "untrusted"})
    assert AskAck(ZHUHAI, third.id) in due(drive)


def test_the_way_of_a_round() -> None:
    """protocols.md section 3: witnesses before shares, k shares before the opening, a late share still asked for."""
    drive = Drive().until("detailed-review")
    for seat, scores in spread().items():
        drive.seal(seat, drive.sheet(seat, scores))
    drive.acknowledge()
    assert due(drive) == set()
    drive.freeze()
    assert due(drive) == {AwaitWitnesses(len(drive.entries))}
    drive.confirm()
    drive.approve()
    assert due(drive) == {AwaitWitnesses(len(drive.entries))}
    drive.witness()
    freeze = drive.round.freeze
    assert freeze is not None
    assert due(drive) == {AskRelease(domain, freeze.leaf) for domain in HOLDERS}
    drive.release(ZHONGSHAN)
    drive.release(FINANCE)
    assert due(drive) == {AskRelease(ZHUHAI, freeze.leaf), OpenRound("sheet", 1)}
    drive.open()
    assert due(drive) == {AskRelease(ZHUHAI, freeze.leaf)}
    drive.release(ZHUHAI)
    assert due(drive) == set()


def test_report_signature_recording_and_root() -> None:
    drive = Drive().until("report")
    assert due(drive) == {RenderReport()}
    drive.freeze_report()
    assert due(drive) == set()
    drive.advance()
    drive.rank_all()
    act = drive.authorise("seat-1")
    assert due(drive) == {FinishSignature("seat-1", act.id)}
    drive = Drive().until("signing")
    for seat in MEMBERS:
        assert due(drive) == set()
        drive.sign(seat)
    rooms = ("room-1", "room-2", "room-3")
    assert due(drive) == {EndRecordings(rooms)}
    drive.advance()
    drive.execute(EndRecording(rooms))
    assert due(drive) == set()
    report = drive.state.report
    assert report is not None
    drive.perform("operator-1", "proceeding.close", {"report": b64u(report.revision)})
    assert due(drive) == {RecordRoot()}


def test_an_abort_ends_the_recordings() -> None:
    drive = Drive().until("declarations")
    drive.perform("supervisor-1", "proceeding.abort", {"reason": "x"})
    assert due(drive) == {EndRecordings(("room-1", "room-2", "room-3"))}
