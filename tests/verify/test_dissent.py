"""Through the real service into the evidence file: a question answered by its bidder, a member who dissents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evidence.core.act import Act, thumbprint
from evidence.core.canonical import Object, b64u
from sessions.core import contents
from sessions.service import ProceedingKeeper
from sessions.verdict import INVALID, VALID
from signing.adapters.pades_validation import validate_report
from signing.core.verdict import ReportVerdict
from tests.sessions.drive import signer_of
from tests.sessions.service_people import People
from tests.verify.finished import Finished, finish, judged, pack

BIDDER = "bidder-1"


class Outspoken(People):
    """The chair asks a bidder before it votes; seat-5 dissents instead of signing."""

    async def do(self, keeper: ProceedingKeeper, seat: str, name: str) -> bool:
        if name == "review.vote" and seat == keeper.state.evaluation.chair:
            if not keeper.state.evaluation.steps.questions:
                await self._ask(keeper, seat)
        elif name == "clarification.approve":
            await self._approve(keeper, seat)
            return True
        elif name == "report.sign" and seat == "seat-5":
            assert keeper.state.report is not None
            body: Object = {"document": b64u(keeper.state.report.document), "reason": "对评分标准的理解不同"}
            await keeper.perform(self.act(keeper, seat, "report.dissent", body).jws)
            return True
        return await super().do(keeper, seat, name)

    async def _ask(self, keeper: ProceedingKeeper, seat: str) -> None:
        fixed = keeper.state.evaluation.fixed
        assert fixed is not None
        document = b64u(fixed.scoring.documents[0][0])
        question = {"bidder": BIDDER, "kind": "unclear", "text": "工期如何计算？", "document": document, "page": 1}
        await keeper.perform(self.act(keeper, seat, "clarification.ask", question).jws)

    async def _approve(self, keeper: ProceedingKeeper, seat: str) -> None:
        question = b64u(keeper.state.evaluation.steps.questions[0].id)
        until = (datetime.now(UTC) + timedelta(minutes=30)).isoformat(timespec="milliseconds")
        body: Object = {"question": question, "until": until}
        await keeper.perform(self.act(keeper, seat, "clarification.approve", body).jws)
        jwk = signer_of("the bidder").jwk
        first = await keeper.vouch_bidder(question, jwk)
        assert first == await keeper.vouch_bidder(question, jwk)
        await keeper.perform(self.answer(keeper, question).jws)

    def answer(self, keeper: ProceedingKeeper, question: str) -> Act:
        assert thumbprint(signer_of("the bidder").jwk) in keeper.state.keys
        return self.act(
            keeper, "the bidder", "clarification.answer", {"question": question, "text": "日历天"}, sub=BIDDER
        )


@pytest.fixture(scope="module")
def outspoken(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return finish(tmp_path_factory.mktemp("outspoken"), people=Outspoken)


def test_the_file_is_valid_without_the_dissenters_signature(outspoken: Finished) -> None:
    """实施条例 53: four signatures and a dissent with reasons; the answer stands under the bidder's own key."""
    verdict = judged(pack(outspoken.files), outspoken.policy)
    assert (verdict.outcome, verdict.signers) == (VALID, 4)
    found = {entry.type: entry for entry in outspoken.entries}
    assert found["ReportDissented"].act is not None
    assert found["ReportDissented"].act.sub == "seat-5"
    assert found["ClarificationAnswered"].act is not None
    assert found["ClarificationAnswered"].act.sub == BIDDER


def test_without_the_dissent_in_the_log_the_missing_signature_would_be_found(outspoken: Finished) -> None:
    """The control switched off: a verifier that excuses nobody refuses the same file."""

    def strict(pdf: bytes, **given: Any) -> ReportVerdict:
        return validate_report(pdf, **{**given, "excused": frozenset()})

    assert judged(pack(outspoken.files), outspoken.policy, validate=strict).outcome == INVALID


def test_the_addendum_notes_the_dissent_and_is_the_verifiers_own_bytes(outspoken: Finished) -> None:
    """实施条例 53: the report is signed before anybody can dissent from it, so the page beside it says so."""
    page = outspoken.files[contents.ADDENDUM].decode()
    found = {entry.type: entry for entry in outspoken.entries}
    for said in ("对评分标准的理解不同", "seat-5", f"日志 #{found['ReportDissented'].n}", "财政部令第87号第六十一条"):
        assert said in page, said
    other = {**outspoken.files, contents.ADDENDUM: page.replace("理解不同", "理解相同").encode()}
    assert judged(pack(other), outspoken.policy).outcome == INVALID
    without = {name: data for name, data in outspoken.files.items() if name != contents.ADDENDUM}
    assert judged(pack(without), outspoken.policy).outcome == INVALID
