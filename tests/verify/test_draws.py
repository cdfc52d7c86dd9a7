"""V9: a drawn chair in an evidence file, and what a conspiracy of all nodes can make of it (protocols.md 8)."""

from __future__ import annotations

from typing import Any

import pytest

from evaluation.core.stages import COMPLIANCE_REVIEW
from evidence.core.canonical import Object, b64u, decode_object, encode, sha256
from sessions.service import ProceedingKeeper
from tests.recompute_draw import recompute
from tests.sessions.divided import Divided
from tests.verify.finished import Finished, finish, judged, pack

EXTERNAL: Object = {"label": "expert/law", "reference": "list 7 of the province", "evidence": b64u(sha256(b"list"))}


class Elsewhere(Divided):
    """Its experts were drawn by another authority's system, and the supervisor says so."""

    told = False

    async def step(self, keeper: ProceedingKeeper) -> bool:
        if not self.told and keeper.state.stage == COMPLIANCE_REVIEW:
            self.told = True
            await keeper.perform(self.act(keeper, "supervisor-1", "draw.external", EXTERNAL).jws)
        return await super().step(keeper)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return finish(tmp_path_factory.mktemp("drawn"), people=Elsewhere)


def test_a_proceeding_with_a_lot_is_valid_and_says_what_cannot_be_recomputed(drawn: Finished) -> None:
    """protocols.md 4(10): the flag `external-draw`."""
    verdict = judged(pack(drawn.files), drawn.policy)
    assert verdict.outcome == "valid"
    assert "external-draw" in verdict.flags
    assert judged(pack(drawn.forged(entry.data for entry in drawn.entries)), drawn.policy).outcome == "valid"


def test_anybody_recomputes_the_lot_from_the_log_alone(drawn: Finished) -> None:
    """A second implementation, its own curve included, that shares no code with the product."""
    (((chair, *_),),) = recompute(entry.data for entry in drawn.entries)
    (stated,) = [entry.body["seat"] for entry in drawn.entries if entry.type == "ChairDrawn"]
    assert chair == stated
    entries = [entry.data for entry in drawn.entries]
    n = next(entry.n for entry in drawn.entries if entry.type == "DrawResolved")
    body = drawn.entries[n].body
    entries[n] = encode({**decode_object(entries[n]), "body": {**body, "secrets": body["secrets"][::-1]}})
    with pytest.raises(AssertionError):
        recompute(entries)


def test_without_one_there_is_no_flag(finished: Finished) -> None:
    assert "external-draw" not in judged(pack(finished.files), finished.policy).flags


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("DrawOpened", lambda body: {**body, "strata": [{**body["strata"][0], "refs": ["seat-1", "seat-4"]}]}),
        ("DrawOpened", lambda body: {**body, "acks": 1}),
        ("DrawContributed", lambda body: {**body, "late": True}),
        ("DrawFrozen", lambda body: {**body, "contributions": body["contributions"][1:]}),
        ("DrawFrozen", lambda body: {**body, "contributions": body["contributions"][::-1]}),
        ("DrawResolved", lambda body: {**body, "seed": b64u(bytes(32))}),
        ("DrawResolved", lambda body: {**body, "secrets": body["secrets"][::-1]}),
        ("DrawResolved", lambda body: {**body, "strata": [{**body["strata"][0], "digest": b64u(bytes(32))}]}),
        ("ChairDrawn", lambda body: {**body, "seat": "seat-2" if body["seat"] == "seat-1" else "seat-1"}),
    ],
)
def test_a_draw_that_the_rules_do_not_yield(drawn: Finished, kind: str, change: Any) -> None:
    """Every node signs it, and still it is refused."""
    entries = [entry.data for entry in drawn.entries]
    n = max(entry.n for entry in drawn.entries if entry.type == kind)
    entries[n] = encode({**decode_object(entries[n]), "body": change(drawn.entries[n].body)})
    verdict = judged(pack(drawn.forged(entries)), drawn.policy)
    assert verdict.status == 1
    assert verdict.steps[-1].name in {"checkpoints", "rules"}
