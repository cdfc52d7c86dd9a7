"""Through the real service into the evidence file: a signed report is reopened, and a second one is signed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from evidence.core.canonical import Object, b64u, sha256
from sessions.core import contents
from sessions.service import ProceedingKeeper
from sessions.verdict import INVALID, VALID
from tests.evaluation.packs import PROCUREMENT, second
from tests.sessions.drive import MEMBERS, spread
from tests.sessions.service_people import People
from tests.sessions.service_world import DOCUMENT, World, tender
from tests.verify.finished import Finished, finish, judged, pack

LOW = "bidder-4"


class Scrupulous(People):
    """The last one who closes asks to look again at seat-5's sums; seat-5 corrects one of them."""

    def __init__(self, world: World, proceeding: str) -> None:
        super().__init__(world, proceeding)
        base = spread()["seat-1"]
        low = {item: Decimal("0.00") if item[0] == LOW else score for item, score in base.items()}
        self.sheets = {seat: low if seat == "seat-5" else dict(base) for seat in MEMBERS}

    async def do(self, keeper: ProceedingKeeper, seat: str, name: str) -> bool:
        state = keeper.state
        if name == "proceeding.close" and not state.superseded and state.report is not None:
            body: Object = {"document": b64u(state.report.document), "reason": "abnormal", "text": "评分畸低"}
            await keeper.perform(self.act(keeper, "seat-1", "reopening.ask", body).jws)
            return True
        if name == "reopening.approve":
            assert state.reopening is not None
            approval: Object = {"asked": b64u(state.reopening[0]), "approve": True, "reason": "由原评标委员会复核"}
            await keeper.perform(self.act(keeper, seat, name, approval).jws)
            return True
        if name == "stage.advance" and state.superseded and not state.evaluation.steps.corrections:
            body = {"bidder": LOW, "criterion": "plan", "score": "30.00", "reason": "abnormal", "text": "漏看一页"}
            await keeper.perform(self.act(keeper, "seat-5", "score.correct", body).jws)
            return True
        return await super().do(keeper, seat, name)


def case() -> Object:
    value = second(PROCUREMENT, "comprehensive-scoring")
    value["documents"] = [{"sha256": b64u(sha256(DOCUMENT)), "name": "招标文件.pdf", "bidder": None, "pages": 3}]
    return tender(definition={name: part for name, part in value.items() if name not in ("v", "salt", "origin")})


@pytest.fixture(scope="module")
def reopened(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return finish(tmp_path_factory.mktemp("reopened"), people=Scrupulous, case=case())


def test_both_reports_are_in_the_file_and_all_signatures_hold(reopened: Finished) -> None:
    """87号令 64: the new report is signed by all, the old one is kept and marked, recordings went on."""
    verdict = judged(pack(reopened.files), reopened.policy)
    assert (verdict.outcome, verdict.signers) == (VALID, 5)
    bodies: list[Any] = [entry.body for entry in reopened.entries if entry.type == "EvaluationReopened"]
    (old,) = [name for name in reopened.files if name.startswith("superseded/") and name.endswith(".pdf")]
    assert bodies[0]["signed"] == list(MEMBERS)
    assert b64u(sha256(reopened.files[old])) == bodies[0]["revision"]
    assert reopened.files[old] != reopened.files[contents.REPORT]
    types = [entry.type for entry in reopened.entries]
    assert types.count("ReportSigned") == 10
    assert "SegmentsClosed" in types[types.index("EvaluationReopened") :]


def test_another_old_report_is_found(reopened: Finished) -> None:
    """Marked is not gone: neither changed, exchanged for the new one, nor left out."""
    (old,) = [name for name in reopened.files if name.startswith("superseded/") and name.endswith(".pdf")]
    others = (reopened.files[contents.REPORT], reopened.files[old][:-1] + b"\x00")
    changed = [{**reopened.files, old: other} for other in others]
    changed.append({name: data for name, data in reopened.files.items() if name != old})
    for files in changed:
        assert judged(pack(files), reopened.policy).outcome == INVALID
