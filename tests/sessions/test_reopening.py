"""A report that is made is reopened by the original committee, for a legal reason, and signed anew (87号令 64)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from evaluation.core import leaving
from evaluation.core.results import ranking_digest
from evaluation.step_errors import ReopeningRefused, ReportMade
from evidence.core.canonical import Object, b64u, encode
from evidence.errors import Malformed
from sessions.core.commands import EndRecording, StartRecording
from sessions.core.view import reads_report, view, visibility
from sessions.errors import AlreadyFixed, Closed, NotReady, SigningTurn, WrongDocument, WrongRole, WrongVenue
from tests.evaluation.packs import PROCUREMENT, second
from tests.ranking.logs import ranked_alike
from tests.sessions import drive as play
from tests.sessions.drive import MEMBERS, Drive, founding, spread
from tests.sessions.newcomers import person
from tests.sessions.test_committee_steps import agree, id_of
from tests.sessions.test_rule_pack_proceedings import again
from tests.sessions.test_view import todo

LOW = ("bidder-4", "plan")


def signed(stage: str = "done") -> Drive:
    """Everybody signed although seat-5's sum lies far off: nobody wanted to correct it then."""
    drive = Drive(definition=second(PROCUREMENT, "comprehensive-scoring"))
    base = spread()["seat-1"]
    sheets = {seat: dict(base) for seat in MEMBERS}
    sheets["seat-5"] |= {item: Decimal("0.00") for item in base if item[0] == LOW[0]}
    return drive.until(stage, sheets)


def request(drive: Drive, **change: object) -> Object:
    report = drive.state.report
    assert report is not None
    return {"document": b64u(report.document), "reason": "abnormal", "text": "seat-5 对投标人四评分畸低", **change}


def approval(asked: str, **change: object) -> Object:
    return {"asked": asked, "approve": True, "reason": "由原评标委员会复核", **change}


def test_the_original_committee_corrects_and_signs_a_new_report() -> None:
    """The old report is kept and marked; tally, ranking, report and signatures are made anew."""
    drive = signed()
    drive.execute(EndRecording(tuple(drive.state.recording)))
    old, first = drive.state.report, drive.state.evaluation.ranking
    assert old is not None
    assert first is not None
    asked = id_of(drive.perform("seat-1", "reopening.ask", request(drive)))
    assert todo(drive, "supervisor-1") == ["reopening.approve"]
    answered, reopened = drive.perform("supervisor-1", "reopening.approve", approval(asked))
    assert (answered.type, reopened.type) == ("ReopeningAnswered", "EvaluationReopened")
    assert reopened.body["revision"] == b64u(old.revision)
    assert reopened.body["signed"] == list(MEMBERS)
    assert drive.state.stage == "detailed-review"
    assert (drive.state.report, drive.state.evaluation.ranking) == (None, None)
    assert drive.state.superseded[0].report == old
    assert view(drive.state, "auditor-1")["superseded"] == [[b64u(old.document), b64u(old.revision)]]
    # What nobody opened again is not opened again, and without its recordings it does not go on.
    assert drive.round.opened is not None
    with pytest.raises(NotReady):
        drive.advance()
    drive.execute(StartRecording(("room-1", "room-2", "room-3"), "engine-1"))
    body = {"bidder": LOW[0], "criterion": LOW[1], "score": "30.00", "reason": "abnormal", "text": "漏看一页"}
    drive.perform("seat-5", "score.correct", body)
    drive.advance()
    agree(drive)
    drive.advance()
    ranked_alike(drive)
    drive.freeze_report()
    drive.advance()
    drive.rank_all()
    assert drive.state.evaluation.ranking is not None
    assert ranking_digest(drive.state.evaluation.ranking) != ranking_digest(first) or drive.state.evaluation.rows
    assert todo(drive, "seat-1") == ["report.sign"]
    with pytest.raises(NotReady):
        drive.advance()
    drive.sign_all()
    drive.advance()
    drive.close()
    assert [entry.type for entry in drive.entries].count("ReportFrozen") == 2
    again(drive.entries, encode(drive.definition))
    with pytest.raises(Closed):
        drive.perform("seat-1", "reopening.ask", request(drive))


@pytest.mark.parametrize("reason", ["sum", "range", "objective", "mood", ""])
def test_only_a_legal_reason_that_holds_reopens(reason: str) -> None:
    """Sums are the program's and no score out of range was opened: those reasons hold in no log of ours."""
    drive = signed()
    with pytest.raises(ReopeningRefused):
        drive.perform("seat-1", "reopening.ask", request(drive, reason=reason))


def test_without_a_finding_nothing_is_reopened() -> None:
    """The control: the same request in a proceeding whose sheets are near each other."""
    drive = Drive(definition=second(PROCUREMENT, "comprehensive-scoring")).until("done")
    with pytest.raises(ReopeningRefused):
        drive.perform("seat-1", "reopening.ask", request(drive))
    body = {"from": "done", "to": "detailed-review", "reason": "重评"}
    with pytest.raises(ReportMade):
        drive.perform("operator-1", "stage.back", body)


def test_a_member_or_the_main_operator_asks_and_only_the_supervisor_answers() -> None:
    drive = signed("signing")
    for actor, error in (("operator-2", WrongVenue), ("auditor-1", WrongRole), ("supervisor-1", WrongRole)):
        with pytest.raises(error):
            drive.perform(actor, "reopening.ask", request(drive))
    with pytest.raises(WrongDocument):
        drive.perform("seat-1", "reopening.ask", request(drive, document=b64u(bytes(32))))
    out_of_form: tuple[Object, ...] = ({"text": " "}, {"text": "x" * 501}, {"document": 3}, {"more": 1})
    for change in out_of_form:
        with pytest.raises(Malformed):
            drive.perform("seat-1", "reopening.ask", request(drive, **change))
    asked = id_of(drive.perform("operator-1", "reopening.ask", request(drive)))
    assert drive.state.reopening is not None
    with pytest.raises(AlreadyFixed):
        drive.perform("seat-2", "reopening.ask", request(drive))
    for actor in ("seat-1", "operator-1", "auditor-1"):
        with pytest.raises(WrongRole):
            drive.perform(actor, "reopening.approve", approval(asked))
    with pytest.raises(ReopeningRefused):
        drive.perform("supervisor-1", "reopening.approve", approval(b64u(bytes(32))))
    with pytest.raises(Malformed):
        drive.perform("supervisor-1", "reopening.approve", approval(asked, reason=""))
    (refused,) = drive.perform("supervisor-1", "reopening.approve", approval(asked, approve=False))
    assert refused.type == "ReopeningAnswered"
    assert drive.state.stage == "signing"
    with pytest.raises(ReopeningRefused):
        drive.perform("supervisor-1", "reopening.approve", approval(asked))
    again(drive.entries, encode(drive.definition))


def reopened_with_a_request() -> tuple[Drive, str]:
    """A recusal is asked for after the tally and waits; then the report is reopened."""
    drive = signed("signing")
    asked = id_of(drive.perform("seat-1", "reopening.ask", request(drive)))
    drive.perform("supervisor-1", "reopening.approve", approval(asked))
    ground = drive.state.evaluation.rules.recusal_grounds[0]
    body: Object = {"seat": "seat-5", "from": "supplier", "ground": ground, "text": "来函"}
    return drive, id_of(drive.perform("operator-1", "recusal.request", body))


def test_nobody_leaves_the_original_committee() -> None:
    """87号令 64: by removal, by a request that is granted, by the member's own word: a newcomer would not be original,
    and would score beside a report that everybody has read."""
    drive, asked = reopened_with_a_request()
    ground = drive.state.evaluation.rules.recusal_grounds[0]
    removal: Object = {"seat": "seat-5", "ground": "unfit", "reason": "x"}
    granted: Object = {"request": asked, "recuse": True, "reason": "属实"}
    own: Object = {"recuse": True, "grounds": [ground], "shown": b64u(bytes(32))}
    for actor, name, body in (
        ("supervisor-1", "member.remove", removal),
        ("supervisor-1", "recusal.decide", granted),
        ("seat-5", "recusal.declare", own),
    ):
        with pytest.raises(NotReady):
            drive.perform(actor, name, body)
    assert drive.state.evaluation.seats == MEMBERS
    drive.perform("supervisor-1", "recusal.decide", granted | {"recuse": False})
    again(drive.entries, encode(drive.definition))


def test_a_newcomer_does_not_read_the_report_before_its_own_sheet_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proceeding of the second engine, in which a granted recusal still changes the original committee: whoever comes
    scores without having seen the old report, its digest, or who ranked how."""
    monkeypatch.setattr(play, "founding", lambda identities: founding(identities) | {"engine": "2"})
    drive, asked = reopened_with_a_request()
    drive.perform("supervisor-1", "recusal.decide", {"request": asked, "recuse": True, "reason": "属实"})
    stated: Object = {"label": "expert/province", "reference": "省库 2026-117", "evidence": b64u(bytes(32))}
    drive.perform("supervisor-1", "draw.external", stated)
    body: Object = {"seat": "seat-6", "replaces": "seat-5", "source": {"kind": "external", "label": "expert/province"}}
    drive.take(drive.act("supervisor-1", "member.seat", body, sd=(person("seat-6").digest,)))
    assert leaving.blind(drive.state.evaluation, "seat-6")
    assert reads_report(drive.state, "seat-1")
    assert not reads_report(drive.state, "seat-6")
    told = {"ReportFrozen", "RankingConfirmed", "SheetOpened", "RankingFixed", "ScoresTallied"}
    shown = {visibility(entry, drive.state, "seat-6") for entry in drive.entries if entry.type in told}
    assert shown == {"summary"}
    again(drive.entries, encode(drive.definition))


def test_a_signature_under_way_is_made_first() -> None:
    drive = signed("signing")
    drive.authorise("seat-1")
    asked = id_of(drive.perform("seat-1", "reopening.ask", request(drive)))
    with pytest.raises(SigningTurn):
        drive.perform("supervisor-1", "reopening.approve", approval(asked))
