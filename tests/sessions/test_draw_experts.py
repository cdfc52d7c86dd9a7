"""Experts drawn from a pool, and who of them comes (protocols.md 4(1), 4(2), 4(8), 4(10))."""

from __future__ import annotations

from typing import Any

import pytest

from evaluation.core import draw as rules
from evaluation.draw_errors import AnswerRefused, DrawNotFrozen, DrawRefused, DrawStands
from evidence.core.canonical import Object, b64u, sha256, unb64u
from evidence.errors import Malformed
from sessions.core.todo import todo
from sessions.core.view import view
from sessions.errors import WrongRole
from tests.sessions.draws import IT, LAW, PARTITION, POOL, ROWS, SALTS, Drawn, audited, expert_draw, tie
from tests.sessions.drive import FINANCE, MAIN, ZHUHAI, Drive
from tests.sessions.rounds import copy_of


@pytest.fixture(scope="module")
def tied() -> Drive:
    return tie(Drive())


def test_experts_are_drawn_from_a_pool_that_only_its_custodian_knows(tied: Drive) -> None:
    drive = copy_of(tied)
    with pytest.raises(WrongRole):
        drive.perform(MAIN, "pool.freeze", {"count": 12, "root": b64u(bytes(32))})
    with pytest.raises(DrawRefused):
        drive.perform("operator-1", "draw.open", expert_draw(drive, pool=b64u(bytes(32))))
    with pytest.raises(Malformed):
        drive.perform("operator-1", "draw.open", expert_draw(drive, partition=None))
    drawn = Drawn(drive).by_act(expert_draw(drive)).to_freeze().reveal()
    (resolved,) = drawn.resolve()
    law, it = drawn.draw.ranked
    assert (set(law), set(it)) == (set(LAW), set(IT))
    assert [each["order"] for each in resolved.body["strata"]] == [None, None]
    assert unb64u(resolved.body["strata"][0]["digest"]) == sha256(b"".join(law))
    shown = view(drive.state, "supervisor-1")["draws"][0]
    assert shown["strata"][0]["order"] is None
    audited(drive)


def test_the_largest_draw_fits_an_entry(tied: Drive) -> None:
    """Every candidate's leaf hash stands in the log: 800 fit into an entry, and who needs more draws twice."""
    drive = copy_of(tied)
    leaves = sorted(rules.pool_leaf(f"{i:032x}", f"expert-{i}", {}) for i in range(801))
    (frozen,) = drive.perform(FINANCE, "pool.freeze", {"count": 801, "root": b64u(rules.pool_root(leaves))})

    def body(n: int) -> Object:
        strata = [{"label": "expert/law", "quota": 7, "leaves": [b64u(leaf) for leaf in leaves[:n]]}]
        return expert_draw(drive, strata=strata, pool=b64u(frozen.leaf))

    with pytest.raises((DrawRefused, Malformed)):
        drive.perform("operator-1", "draw.open", body(801))
    drawn = Drawn(drive).by_act(body(800)).to_freeze().reveal()
    drawn.resolve()
    assert len(set(drawn.draw.ranked[0])) == 800


def test_answers_take_two_signatures_and_skip_nobody(tied: Drive) -> None:
    """A false "declined" is the classic fraud: in order, by the custodian and the supervisor, each one in the log."""
    drive = copy_of(tied)
    drawn = Drawn(drive).by_act(expert_draw(drive)).to_freeze().reveal()

    def state(*answers: list[Any], by: str = FINANCE) -> str:
        (entry,) = drive.perform(by, "draw.answer", {"opened": b64u(drawn.opened), "answers": list(answers)})
        assert entry.act is not None
        return b64u(entry.act.id)

    with pytest.raises(DrawNotFrozen):
        state([0, 0, "accepted", None])
    drawn.resolve()
    with pytest.raises(WrongRole):
        state([0, 0, "accepted", None], by=ZHUHAI)
    for wrong in ([0, 1, "accepted", None], [2, 0, "accepted", None], [0, 0, "perhaps", None]):
        with pytest.raises(AnswerRefused):
            state(wrong)
    for form in ([0, 0, "accepted"], [0, 0, "accepted", "!"], [-1, 0, "accepted", None], "x"):
        with pytest.raises(Malformed):
            state(form)  # type: ignore[arg-type]
    statement = state([0, 0, "declined", b64u(sha256(b"call"))], [0, 1, "accepted", None])
    assert not drawn.draw.answers
    assert "draw.countersign" in todo(drive.state, drive.state.seat("supervisor-1"))
    with pytest.raises(AnswerRefused):
        drive.perform("supervisor-1", "draw.countersign", {"statement": b64u(bytes(32))})
    drive.perform("supervisor-1", "draw.countersign", {"statement": statement})
    with pytest.raises(AnswerRefused):
        drive.perform("supervisor-1", "draw.countersign", {"statement": statement})
    with pytest.raises(AnswerRefused):
        state([0, 0, "accepted", None])
    drive.perform("supervisor-1", "draw.countersign", {"statement": state([0, 2, "accepted", None])})
    with pytest.raises(AnswerRefused):
        state([0, 3, "accepted", None])
    recused = state([0, 1, "recused", None], [0, 3, "accepted", None], [1, 0, "accepted", None])
    drive.perform("supervisor-1", "draw.countersign", {"statement": recused})
    assert rules.settled(drawn.draw.strata, drawn.draw.answers)
    audited(drive)


def test_a_partition_changed_after_the_freeze_is_refused(tied: Drive) -> None:
    """Its disclosure shows who was left out and why; the root binds it before anybody contributes."""
    drive = copy_of(tied)
    drawn = Drawn(drive).by_act(expert_draw(drive)).to_freeze()
    with pytest.raises(DrawStands):
        drive.perform("operator-1", "draw.open", expert_draw(drive, partition=b64u(sha256(b"another"))))
    strata = drawn.draw.strata

    def disclosed(rows: Any, pool: Any = POOL) -> None:
        rules.check_partition(rows, partition=PARTITION, pool=pool, pool_digest=rules.pool_root(POOL), strata=strata)

    disclosed(ROWS)
    with pytest.raises(DrawRefused):
        disclosed([*ROWS[:10], (SALTS[10], 10, True, "", ""), ROWS[11]])
    with pytest.raises(DrawRefused):
        disclosed(ROWS[::-1])
    with pytest.raises(DrawRefused):
        disclosed(ROWS, [*POOL[:11], POOL[0]])


def test_an_external_draw_is_named_and_takes_its_label(tied: Drive) -> None:
    drive = copy_of(tied)
    body: Object = {"label": "expert/law", "reference": "province, list 7", "evidence": b64u(sha256(b"list"))}
    drive.perform("supervisor-1", "draw.external", body)
    with pytest.raises(DrawStands):
        drive.perform("operator-1", "draw.open", expert_draw(drive))
    with pytest.raises(DrawRefused):
        drive.perform("supervisor-1", "draw.external", body | {"label": "lot/chair"})
    for wrong in ({"label": "x"}, {"reference": ""}, {"evidence": "x"}):
        with pytest.raises((DrawRefused, Malformed)):
            drive.perform("supervisor-1", "draw.external", body | wrong)
