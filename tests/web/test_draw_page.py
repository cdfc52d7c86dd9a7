"""The page of a draw: what it hands in the rules take, what it refuses has words, and it says how far a draw is."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from evaluation.core import conflicts
from evaluation.core import draw as rules
from evaluation.core import pool as pools
from evidence.core.canonical import Object, b64u, decode_object, encode
from sessions.core.view import view
from tests.crypto.node import node
from tests.e2e.words import word
from tests.evaluation.test_pool import FILTER, POOL, entropy
from tests.sessions.draws import Drawn
from tests.sessions.drive import CODES, FINANCE, HOLDERS, Drive
from tests.sessions.newcomers import OpenDrive
from tests.sessions.test_drawn_list import IT, LAW

SCRIPT = Path(__file__).with_name("draw_page.ts")
PLAN = pools.plan(POOL, name="experts", filter_=FILTER, wanted=(LAW, IT), excluded={}, entropy=entropy(b"plan"))
DRAW = encode(PLAN.body)


def asked(*questions: list[Any]) -> list[Any]:
    run = subprocess.run(
        [node(), str(SCRIPT)], input=json.dumps(questions), capture_output=True, text=True, timeout=60, check=True
    )
    found: list[Any] = json.loads(run.stdout)
    return found


def prepare(state: Object, *files: bytes) -> list[Any]:
    return ["prepare", [file.hex() for file in files], state]


def handed(drive: Drive, name: str, body: Object) -> Object:
    """What `tongping pool` writes: the same act is then performed."""
    return {"act": drive.act(FINANCE, name, body).jws, "disclosures": []}


def test_a_prepared_draw_is_shown_and_the_rules_take_what_is_handed_in() -> None:
    drive = OpenDrive()
    drive.to_holders()
    frozen = handed(drive, "pool.freeze", POOL.public)
    early = view(drive.state, "operator-1")
    drive.perform(FINANCE, "pool.freeze", POOL.public)
    state = view(drive.state, "operator-1")
    other = encode(decode_object(PLAN.facts, limit=conflicts.MAX_BYTES) | {"v": 2})
    twisted = encode(PLAN.body | {"strata": [{"label": "expert/law", "quota": 2, "leaves": ["x"]}]})
    good, backwards, *refused, said = asked(
        prepare(state, DRAW, PLAN.facts),
        prepare(state, PLAN.facts, DRAW),
        prepare(state, DRAW),
        prepare(state, DRAW, DRAW),
        prepare(state, DRAW, b"{"),
        prepare(state, DRAW, other),
        prepare(early, DRAW, PLAN.facts),
        prepare(state, twisted, PLAN.facts),
        ["statement", encode(frozen).hex()],
    )
    assert good == backwards
    assert [each["code"] for each in refused] == [
        "two-files",
        "two-files",
        "not-a-draw",
        "other-facts",
        "no-pool",
        "not-a-draw",
    ]
    assert (said["act"], said["centre"], said["count"], said["body"]) == ("pool.freeze", FINANCE, 12, frozen)
    assert bytes.fromhex(good["facts"]) == PLAN.facts
    assert (good["inside"], good["bidders"], good["pool"]["custodian"]) == (10, len(CODES), FINANCE)
    assert [(each["label"], each["quota"]) for each in good["strata"]] == [("expert/law", 2), ("expert/it", 1)]
    assert good["out"] == [[conflicts.EMPLOYED, 1], [conflicts.KIN, 1]]
    drive.perform("operator-1", "draw.open", good["body"])
    (again,) = asked(prepare(view(drive.state, "operator-1"), DRAW, PLAN.facts))
    assert again == {"code": "draw-stands"}


def test_a_file_that_is_no_custodians_is_not_handed_in() -> None:
    drive = Drive()
    drive.found()
    drive.freeze_holders()
    foreign = handed(drive, "draw.contribute", {"opened": b64u(bytes(32)), "envelope": {}})
    named = handed(drive, "pool.freeze", POOL.public) | {"disclosures": [7]}
    files = [encode(foreign), encode(named), b"[]", b"\xff", encode({"act": "x", "disclosures": []})]
    codes = [each["code"] for each in asked(*(["statement", file.hex()] for file in files))]
    assert codes == ["no-statement", "no-statement", "not-a-draw", "not-a-draw", "not-a-draw"]


def test_the_page_says_how_far_a_draw_is_and_who_is_asked_next() -> None:
    drive = OpenDrive()
    drive.to_holders()
    drive.perform(FINANCE, "pool.freeze", POOL.public)
    (good,) = asked(prepare(view(drive.state, "operator-1"), DRAW, PLAN.facts))
    drawn = Drawn(drive).by_act(good["body"])
    shown: list[Any] = []

    def look(seconds: int = 0) -> None:
        found = view(drive.state, "operator-1")["draws"][0]
        shown.append(["progress", found, found["commit_by"] - 1 + seconds])

    look()
    look(2)
    drawn.to_freeze()
    look()
    drawn.reveal(*HOLDERS[:-1])
    look()
    drawn.reveal(HOLDERS[-1])
    drawn.resolve()
    look()
    paper = b64u(bytes(32))
    answers: Object = {"opened": b64u(drawn.opened), "answers": [[0, 0, "declined", paper], [0, 1, "accepted", None]]}
    stated = drive.perform(FINANCE, "draw.answer", answers)[0].act
    assert stated is not None
    look()
    drive.perform("supervisor-1", "draw.countersign", {"statement": b64u(stated.id)})
    look()
    later: Object = {"opened": b64u(drawn.opened), "answers": [[0, 1, "recused", paper], [0, 2, "accepted", None]]}
    stated = drive.perform(FINANCE, "draw.answer", later)[0].act
    assert stated is not None
    drive.perform("supervisor-1", "draw.countersign", {"statement": b64u(stated.id)})
    look()

    told = asked(*shown)
    states = [[each["state"] for each in steps] for steps, _ in told]
    assert states[:5] == [
        ["now", "waits", "waits", "waits"],
        ["late", "waits", "waits", "waits"],
        ["done", "done", "now", "waits"],
        ["done", "done", "now", "waits"],
        ["done", "done", "done", "done"],
    ]
    assert told[0][0][0]["missing"] == list(HOLDERS)
    assert told[3][0][2]["missing"] == [HOLDERS[-1]]

    def law(n: int) -> list[tuple[int, str, bool, bool]]:
        rows = told[n][1][0]["positions"]
        return [(row["position"], row["said"], row["waiting"], row["next"]) for row in rows]

    assert law(3) == []
    assert law(4) == [(0, "", False, True)]
    assert law(5) == [(0, "declined", True, False), (1, "accepted", True, False), (2, "", False, True)]
    assert law(6)[:2] == [(0, "declined", False, False), (1, "accepted", False, False)]
    assert [row[1] for row in law(7)] == ["declined", "recused", "accepted", ""]
    assert told[6][1][0]["positions"][0]["evidence"] == paper
    assert [told[n][1][0]["accepted"] for n in (5, 6, 7)] == [0, 1, 1]
    assert told[7][1][0]["quota"] == 2


@pytest.mark.parametrize("language", ["zh", "en"])
def test_everything_that_the_page_says_has_words(language: str) -> None:
    def said(group: str, *names: str) -> None:
        for name in names:
            assert word(language, f"draw.{group}.{name}"), name

    said("said", *rules.ANSWERS, "none")
    said("grounds", *conflicts.OF_FACTS, pools.OUTSIDE, "declared")
    said("problems", "two-files", "not-a-draw", "other-facts", "no-pool", "no-statement")
    said("problems", "draw-stands", "draw-refused", "seating-refused", "answer-refused", "object-missing", "act-gap")
    said("steps", "contribute", "freeze", "reveal", "result")
    said("states", "done", "now", "late", "waits")
    said("answers.states", "signed", "waiting", "next")
    for group in ("handIn.acts", "handIn.says"):
        said(group, "pool-freeze", "draw-answer", "member-seat")
