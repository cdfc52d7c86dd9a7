"""Report, signatures and close (docs/protocol.md 2.3)."""

from __future__ import annotations

from typing import Any

import pytest

from evaluation.core.results import ranking_digest
from evaluation.errors import StageError, TooEarly, TooLate
from evidence.core.canonical import Object, b64u, sha256
from evidence.errors import Malformed
from sessions.core.commands import AuthoriseSignature, EndRecording, FreezeReport, RecordSignature
from sessions.errors import (
    AlreadyFixed,
    AlreadySigned,
    CommandRefused,
    NotReady,
    Paused,
    ReportRefused,
    SigningTurn,
    WrongCredential,
    WrongDocument,
    WrongRole,
)
from tests.sessions.drive import MEMBERS, Drive

REPORT, CONTENT = sha256(b"report"), sha256(b"content")


def ranking(drive: Drive) -> bytes:
    found = drive.state.evaluation.ranking
    assert found is not None
    return ranking_digest(found)


def test_the_report_is_frozen_once_over_the_ranking_of_the_log() -> None:
    drive = Drive().until("tally")
    with pytest.raises(TooEarly):
        drive.freeze_report()
    drive.advance()
    with pytest.raises(NotReady):
        drive.advance()
    with pytest.raises(ReportRefused):
        drive.execute(FreezeReport(REPORT, 10, CONTENT, sha256(b"another ranking")))
    with pytest.raises(ReportRefused):
        drive.execute(FreezeReport(REPORT, 0, CONTENT, ranking(drive)))
    drive.perform("supervisor-1", "proceeding.pause", {"reason": "x"})
    with pytest.raises(Paused):
        drive.freeze_report()
    drive.perform("supervisor-1", "proceeding.resume", {"reason": "x"})
    drive.freeze_report()
    with pytest.raises(AlreadyFixed):
        drive.freeze_report()


@pytest.fixture
def drive() -> Drive:
    return Drive().until("signing")


def sign_act(drive: Drive, seat: str, **more: Any) -> Any:
    body: Object = {
        "credential": f"credential-{seat}",
        "hashes": [b64u(sha256(b"dtbs"))],
        "document": b64u(REPORT),
        **more,
    }
    return drive.act(seat, "report.sign", body)


def authorise(drive: Drive, seat: str, **more: Any) -> None:
    act = sign_act(drive, seat, **more)
    drive.check(act)
    drive.execute(AuthoriseSignature(act, sha256(b"prepared")))


def test_a_seat_authorises_its_own_credential_for_one_hash_of_this_report(drive: Drive) -> None:
    """protocols.md section 7."""
    with pytest.raises(WrongCredential):
        authorise(drive, "seat-1", credential="credential-seat-2")
    with pytest.raises(WrongDocument):
        authorise(drive, "seat-1", document=b64u(sha256(b"another report")))
    for hashes in ([], [b64u(sha256(b"1")), b64u(sha256(b"2"))], ["x"], [1]):
        with pytest.raises(Malformed):
            authorise(drive, "seat-1", hashes=hashes)
    with pytest.raises(WrongRole):
        authorise(drive, "operator-1")
    with pytest.raises(CommandRefused):
        drive.take(sign_act(drive, "seat-1"))
    vote = drive.act("seat-1", "review.vote", {})
    with pytest.raises(CommandRefused):
        drive.execute(AuthoriseSignature(vote, sha256(b"prepared")))


def test_signatures_follow_one_another(drive: Drive) -> None:
    act = drive.authorise("seat-3")
    with pytest.raises(SigningTurn):
        authorise(drive, "seat-1")
    with pytest.raises(AlreadySigned):
        authorise(drive, "seat-3")
    for wrong in (
        RecordSignature("seat-1", act.id, REPORT, 10),
        RecordSignature("seat-3", sha256(b"another act"), REPORT, 10),
        RecordSignature("seat-3", act.id, REPORT, 0),
    ):
        with pytest.raises(CommandRefused):
            drive.execute(wrong)
    drive.execute(RecordSignature("seat-3", act.id, sha256(b"signed"), 10))
    with pytest.raises(CommandRefused):
        drive.execute(RecordSignature("seat-3", act.id, sha256(b"signed"), 10))
    with pytest.raises(AlreadySigned):
        authorise(drive, "seat-3")
    report = drive.state.report
    assert report is not None
    assert (report.revision, report.signed, report.pending) == (sha256(b"signed"), ("seat-3",), None)


def test_a_missing_signer_keeps_the_proceeding_open(drive: Drive) -> None:
    for seat in MEMBERS[:-1]:
        drive.sign(seat)
    with pytest.raises(NotReady, match="seat-5"):
        drive.advance()
    with pytest.raises(TooEarly):
        drive.perform("operator-1", "proceeding.close", {"report": b64u(REPORT)})


def test_it_closes_over_the_last_revision_when_recording_has_ended(drive: Drive) -> None:
    drive.sign_all()
    drive.advance()
    with pytest.raises(StageError):
        drive.advance()
    with pytest.raises(TooLate):
        authorise(drive, "seat-1")
    report = drive.state.report
    assert report is not None
    last = b64u(report.revision)
    with pytest.raises(NotReady):
        drive.perform("operator-1", "proceeding.close", {"report": last})
    drive.execute(EndRecording(tuple(drive.state.recording)))
    with pytest.raises(WrongDocument):
        drive.perform("operator-1", "proceeding.close", {"report": b64u(REPORT)})
    with pytest.raises(WrongRole):
        drive.perform("operator-2", "proceeding.close", {"report": last})
    drive.perform("operator-1", "proceeding.close", {"report": last})
    assert drive.state.gate == "closed"
