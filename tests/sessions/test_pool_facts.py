"""Nobody with an interest in a bidder is drawn (政府采购法实施条例 9; domain checklist 7)."""

from __future__ import annotations

import io
from typing import Any

import pytest

from evaluation.core import conflicts, draw, tender
from evaluation.draw_errors import DrawRefused
from evidence.core.canonical import Object, b64u, encode, sha256
from evidence.errors import EvidenceError, Malformed
from sessions import pool_facts, verify
from sessions.core import contents
from sessions.evidence_file import EvidenceFile
from tests.sessions.draws import CANDIDATES, FACTS, FILTER, OUT, ROWS, SALTS, Drawn, audited, expert_draw
from tests.sessions.drive import CODES, Drive
from tests.verify.finished import pack

AT = "2026-11-21T08:00:00.000Z"


def ready() -> Drive:
    return Drive().until("declarations")


def opened(
    drive: Drive,
    rows: list[conflicts.Row],
    filter_: bytes = FILTER,
    named: list[conflicts.Candidate] = CANDIDATES,
) -> tuple[Object, bytes]:
    """What a custodian would hand in: strata of all that it calls in, and the facts behind them."""
    facts = conflicts.write_facts(filter_, named, rows)
    leaves = [draw.pool_leaf(*candidate) for candidate in named]
    strata: list[Object] = []
    for i, name in enumerate(("it", "law")):
        inside = sorted(leaf for row, leaf in zip(rows, leaves, strict=False) if row[2] and row[1] % 2 == i)
        strata.append({"label": f"expert/{name}", "quota": 1, "leaves": [b64u(leaf) for leaf in inside]})
    partition = b64u(draw.root([draw.partition_leaf(*row) for row in rows]))
    body = expert_draw(drive, strata=strata, partition=partition)
    return body | {"filter": b64u(sha256(filter_)), "facts": b64u(sha256(facts))}, facts


def check(drive: Drive, body: Object, facts: bytes, at: str = AT) -> None:
    pool_facts.check(drive.state, body, facts, tender.parse(encode(drive.definition)), at)


def changed(index: int, *line: Any) -> list[conflicts.Row]:
    return [(SALTS[index], index, *line) if row[1] == index else row for row in ROWS]


def test_a_draw_from_a_pool_names_the_facts_and_no_other_draw_does() -> None:
    drive = ready()
    body = expert_draw(drive)
    without = {name: value for name, value in body.items() if name != "facts"}
    for wrong in (without, body | {"facts": "x"}, body | {"facts": None}):
        with pytest.raises((DrawRefused, Malformed)):
            drive.perform("operator-1", "draw.open", wrong)
    public: Object = {"draw": "venues", "attempt": 1, "strata": [{"label": "venue", "quota": 1, "refs": ["a", "b"]}]}
    public |= {"pool": None, "partition": None, "filter": None, "facts": body["facts"]}
    with pytest.raises(DrawRefused):
        drive.perform("operator-1", "draw.open", public)
    drawn = Drawn(drive).by_act(body).to_freeze().reveal()
    drawn.resolve()
    audited(drive)


def test_no_expert_is_drawn_before_the_bidders_are_known() -> None:
    drive = Drive()
    drive.found()
    drive.freeze_holders()
    drive.bind("operator-1")
    with pytest.raises(DrawRefused):
        drive.perform("operator-1", "draw.open", expert_draw(drive))


def test_who_has_no_interest_stands_in_the_draw_and_who_has_one_does_not() -> None:
    drive = ready()
    check(drive, *opened(drive, ROWS))


@pytest.mark.parametrize(
    "rows",
    [
        changed(10, True, "", ""),
        changed(11, True, "", ""),
        changed(10, False, "declared", b64u(bytes(32))),
        changed(3, False, conflicts.BOARD, ""),
        changed(3, False, "", ""),
        changed(3, False, "declared", ""),
        ROWS[:11],
        [*ROWS, ROWS[0]],
    ],
    ids=["employed", "kin", "other-ground", "made-up", "no-ground", "no-evidence", "forgotten", "twice"],
)
def test_a_partition_that_the_facts_do_not_bear_out_opens_no_draw(rows: list[conflicts.Row]) -> None:
    drive = ready()
    with pytest.raises(DrawRefused):
        check(drive, *opened(drive, rows))


def test_an_interest_taken_out_of_the_facts_is_another_pool() -> None:
    """The facts stand in the frozen leaves: the custodian cannot forget one once it knows the bidders."""
    drive = ready()
    clean = [*CANDIDATES[:10], (SALTS[10], "expert-10", {"speciality": "it"}), CANDIDATES[11]]
    with pytest.raises(DrawRefused, match="pool"):
        check(drive, *opened(drive, changed(10, True, "", ""), named=clean))


@pytest.mark.parametrize(
    "filter_",
    [
        conflicts.write(CODES[:3], "2026-11-21", b64u(bytes(16))),
        conflicts.write(CODES, "2026-11-22", b64u(bytes(16))),
        conflicts.write(CODES, "2026-11-19", b64u(bytes(16))),
    ],
    ids=["a-bidder-left-out", "tomorrow", "too-long-ago"],
)
def test_the_filter_is_about_every_bidder_and_this_day(filter_: bytes) -> None:
    drive = ready()
    with pytest.raises(DrawRefused):
        check(drive, *opened(drive, ROWS, filter_))


def test_the_day_is_that_of_the_place() -> None:
    """Half past midnight in China is still yesterday in UTC; what was filtered on the eve is drawn after midnight."""
    drive = ready()
    check(drive, *opened(drive, ROWS), at="2026-11-20T16:30:00.000Z")
    check(drive, *opened(drive, ROWS), at="2026-11-22T15:59:59.999Z")
    for at in ("2026-11-20T15:59:59.999Z", "2026-11-22T16:00:00.000Z"):
        with pytest.raises(DrawRefused):
            check(drive, *opened(drive, ROWS), at=at)


def test_other_facts_than_the_named_ones_are_refused() -> None:
    drive = ready()
    with pytest.raises(DrawRefused):
        check(drive, expert_draw(drive), FACTS + b" ")


def test_the_verifier_demands_the_facts_of_every_draw_from_a_pool() -> None:
    def judge(rows: list[conflicts.Row], *, kept: bool = True) -> None:
        drive = ready()
        body, facts = opened(drive, rows)
        drive.perform("operator-1", "draw.open", body)
        name, document = contents.object_name(sha256(facts)), encode(drive.definition)
        assert contents.objects(drive.entries)[name] == sha256(facts)
        files = {contents.object_name(sha256(document)): document} | ({name: facts} if kept else {})
        verify._pool_facts(EvidenceFile(io.BytesIO(pack(files))), drive.state, drive.entries)

    judge(ROWS)
    with pytest.raises(DrawRefused):
        judge(changed(10, True, "", ""))
    with pytest.raises(EvidenceError):
        judge(ROWS, kept=False)


def test_what_is_handed_in_names_nobody_and_no_organisation() -> None:
    for code in CODES:
        assert code.encode() not in encode([list(candidate) for candidate in CANDIDATES])
    assert {ROWS[i][3] for i in OUT} == {conflicts.EMPLOYED, conflicts.KIN}
