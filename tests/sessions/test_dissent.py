"""Dissent at signing, silence that counts as agreement, and legal items without which nobody signs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evaluation.core import legal_items
from evaluation.step_errors import LegalItemsUnmet
from evidence.core.canonical import Object, b64u, encode
from evidence.errors import Malformed
from sessions.core.todo import todo
from sessions.errors import AlreadySigned, CommandRefused, NotReady, SigningTurn, WrongDocument, WrongRole
from tests.sessions.drive import MEMBERS, Drive
from tests.sessions.test_committee_steps import later, pass_time, refused
from tests.sessions.test_rule_pack_proceedings import again


@pytest.fixture
def drive() -> Drive:
    return Drive().until("signing")


def dissent(drive: Drive, **more: str) -> Object:
    assert drive.state.report is not None
    return {"document": b64u(drive.state.report.document), "reason": "对业绩认定有不同意见", **more}


def test_dissent_with_reasons_stands_instead_of_a_signature(drive: Drive) -> None:
    """实施条例 53: written, with reasons; the report can be completed without the signature."""
    refused(
        WrongDocument,
        lambda: drive.perform("seat-5", "report.dissent", dissent(drive, document=b64u(bytes(32)))),
        drive,
    )
    refused(Malformed, lambda: drive.perform("seat-5", "report.dissent", dissent(drive, reason=" ")), drive)
    for seat in ("operator-1", "supervisor-1", "auditor-1"):
        with pytest.raises(WrongRole):
            drive.perform(seat, "report.dissent", dissent(drive))
    drive.perform("seat-5", "report.dissent", dissent(drive))
    refused(AlreadySigned, lambda: drive.perform("seat-5", "report.dissent", dissent(drive)), drive)
    assert "report.sign" not in todo(drive.state, drive.state.seat("seat-5"))
    for seat in MEMBERS[:-1]:
        drive.sign(seat)
    drive.advance()
    drive.close()
    again(drive.entries, encode(drive.definition))


def test_who_dissents_may_sign_beside_it(drive: Drive) -> None:
    drive.perform("seat-5", "report.dissent", dissent(drive))
    drive.sign_all()
    drive.advance()
    drive.close()
    again(drive.entries, encode(drive.definition))


def test_a_report_that_nobody_signs_is_not_completed(drive: Drive) -> None:
    for seat in MEMBERS:
        drive.perform(seat, "report.dissent", dissent(drive))
    refused(NotReady, drive.advance, drive)
    drive.sign("seat-1")
    drive.advance()


def test_silence_until_the_deadline_is_agreement_and_the_chair_records_it(drive: Drive) -> None:
    """实施条例 53, 12号令 43: refusing to sign without written reasons is deemed agreement."""
    for seat in MEMBERS[:-1]:
        drive.sign(seat)
    refused(NotReady, drive.advance, drive)
    silent: Object = {"seat": "seat-5", "reason": "拒绝签字又未书面说明"}
    refused(NotReady, lambda: drive.perform("seat-1", "member.deem", silent), drive)
    call: Object = {"seat": "seat-5", "until": later(drive, 10)}
    for seat in ("seat-2", "supervisor-1"):
        with pytest.raises(WrongRole):
            drive.perform(seat, "signing.call", call)
    refused(CommandRefused, lambda: drive.perform("seat-1", "signing.call", call | {"until": later(drive, 1)}), drive)
    refused(Malformed, lambda: drive.perform("seat-1", "signing.call", call | {"until": "soon"}), drive)
    refused(AlreadySigned, lambda: drive.perform("seat-1", "signing.call", call | {"seat": "seat-2"}), drive)
    drive.perform("seat-1", "signing.call", call)
    refused(CommandRefused, lambda: drive.perform("seat-1", "signing.call", call), drive)
    refused(NotReady, lambda: drive.perform("seat-1", "member.deem", silent), drive)
    pass_time(drive, 11)
    refused(WrongRole, lambda: drive.perform("seat-2", "member.deem", silent), drive)
    refused(Malformed, lambda: drive.perform("seat-1", "member.deem", silent | {"reason": ""}), drive)
    drive.perform("seat-1", "member.deem", silent)
    refused(AlreadySigned, lambda: drive.perform("seat-1", "member.deem", silent), drive)
    refused(CommandRefused, lambda: drive.perform("seat-5", "report.dissent", dissent(drive)), drive)
    drive.advance()
    drive.close()
    again(drive.entries, encode(drive.definition))


def test_the_supervisor_records_the_chairs_silence_and_a_signature_under_way_is_awaited(drive: Drive) -> None:
    call: Object = {"seat": "seat-1", "until": later(drive, 10)}
    with pytest.raises(WrongRole):
        drive.perform("seat-1", "signing.call", call)
    drive.perform("supervisor-1", "signing.call", call)
    drive.authorise("seat-1")
    pass_time(drive, 11)
    silent: Object = {"seat": "seat-1", "reason": "未签字"}
    refused(SigningTurn, lambda: drive.perform("supervisor-1", "member.deem", silent), drive)


def test_unmet_legal_items_are_listed_and_block_report_and_signature(drive: Drive) -> None:
    """87号令 58: each with its article; with the item back in place the signature is taken."""
    whole = drive.state
    assert legal_items.unmet(whole.evaluation) == ()
    drive.state = replace(whole, evaluation=replace(whole.evaluation, chair=None, commitments={}))
    assert [name for name, _ in legal_items.unmet(drive.state.evaluation)] == ["commitments", "chair"]
    assert all(source for _, source in legal_items.unmet(drive.state.evaluation))
    with pytest.raises(LegalItemsUnmet, match="chair"):
        drive.authorise("seat-1")
    drive.state = replace(drive.state, report=None, evaluation=replace(drive.state.evaluation, stage="report"))
    with pytest.raises(LegalItemsUnmet, match="commitments"):
        drive.freeze_report()
    drive.state = whole
    drive.authorise("seat-1")
