"""The administrator's wizard against the rule packs (issue 3, item 6).

Every method of every pack can be set up, and what the rules refuse of a price formula the wizard marks at its field.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evaluation.core import intake, tender
from evaluation.core.rules import shelf
from evaluation.errors import EvaluationError
from evidence.errors import Malformed
from sessions import tender as tenders
from tests.sessions.example import definition

LAW, ORDER_87, ABROAD = "cn-bidding-law/3", "cn-government-procurement/4", "international/1"
DEVIATION: dict[str, Any] = {"kind": "deviation"}
TRIMMED = DEVIATION | {"base": "trimmed-mean", "trimFrom": "5", "drop": "3.5"}
PIECES = [{"upTo": "3", "points": "1"}, {"upTo": "5.5", "points": "1.5"}, {"upTo": "", "points": "2"}]
RIGHT: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "scored": (ORDER_87, "comprehensive-scoring", {"rates": {"small": "10"}}, {"kind": "lowest"}),
    "fixed": (ORDER_87, "comprehensive-scoring", {"technical": "100", "price": "0"}, {"kind": "fixed"}),
    "ordered": (ORDER_87, "lowest-evaluated-price", {}, {"kind": "order"}),
    "reviewed": (LAW, "reviewed-lowest-price", {}, {"kind": "order"}),
    "mean": (LAW, "comprehensive-evaluation", {"trimSheets": "7", "ranked": False}, DEVIATION),
    "trimmed": (
        LAW,
        "comprehensive-evaluation",
        {},
        DEVIATION | {"base": "trimmed-mean", "trimFrom": "5", "drop": "3.5"},
    ),
    "mixed": (
        LAW,
        "comprehensive-evaluation",
        {"ceiling": "2800000"},
        DEVIATION | {"base": "ceiling-mix", "share": "40", "above": PIECES},
    ),
    "drawn": (LAW, "comprehensive-evaluation", {}, DEVIATION | {"drop": "1，2.5, 3"}),
    "works": (LAW, "reviewed-lowest-price", {"category": "works", "rates": {"small": "4"}}, {"kind": "order"}),
    "small firms elsewhere": (LAW, "reviewed-lowest-price", {"rates": {"small": "4"}}, {"kind": "order"}),
    "low": (LAW, "reasonable-low-price", {"technical": "0", "price": "100"}, DEVIATION),
    "coefficients": (ABROAD, "coefficients", {"technical": "30", "price": "70"}, {"kind": "coefficients"}),
    "quality": (ABROAD, "quality-and-cost", {}, {"kind": "quality-cost", "least": "70"}),
}
WRONG: dict[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "weights": ("mean", {"technical": "70"}, {}, "technical"),
    "least weight": ("scored", {"technical": "95", "price": "5"}, {}, "technical"),
    "no weight of price": ("mean", {"technical": "100", "price": "0"}, {}, "technical"),
    "a fixed price that weighs": ("fixed", {"technical": "90", "price": "10"}, {}, "price"),
    "no technical weight": ("quality", {"technical": "0", "price": "100"}, {}, "technical"),
    "the least mark": ("quality", {}, {"least": "100"}, "least"),
    "trimmed sheets": ("mean", {"trimSheets": "5"}, {}, "trim-sheets"),
    "a deduction": ("scored", {"rates": {"small": "9.99"}}, {}, "rate-small"),
    "candidates": ("scored", {"candidates": "4"}, {}, "candidates"),
    "a ceiling above the budget": ("scored", {"ceiling": "3000000.01"}, {}, "ceiling"),
    "a coefficient": ("mean", {}, {"drop": "10.01"}, "drop"),
    "a coefficient among others": ("drawn", {}, {"drop": "1 10.01"}, "drop"),
    "a coefficient twice": ("drawn", {}, {"drop": "1, 2, 1.00"}, "drop"),
    "a deduction of works": ("works", {"rates": {"small": "5.01"}}, {}, "rate-small"),
    "trimmed prices": ("trimmed", {}, {"trimFrom": "3"}, "trim-from"),
    "nothing trimmed": ("trimmed", {}, {"trimFrom": ""}, "trim-from"),
    "a share": ("mixed", {}, {"share": "100.01"}, "share"),
    "no share": ("mixed", {}, {"share": "0"}, "share"),
    "no ceiling": ("mixed", {"ceiling": ""}, {}, "ceiling"),
    "limits that fall": ("mean", {}, {"above": [PIECES[1], PIECES[0], PIECES[2]]}, "above-1-up-to"),
    "a limit that is none": ("mean", {}, {"above": [{"upTo": "三", "points": "1"}, PIECES[2]]}, "above-0-up-to"),
    "no points": ("mean", {}, {"below": [{"upTo": "", "points": "0"}]}, "below-0-points"),
    "no media": ("scored", {"media": " ； "}, {}, "media"),
    "media twice": ("scored", {"media": "甲；甲"}, {}, "media"),
    "no time of the opening": ("mean", {"opened": ""}, {}, "opened"),
    "no place of the opening": ("mean", {"place": " "}, {}, "place"),
    "E1 below E2": ("mean", {}, {"below": [{"upTo": "", "points": "1"}]}, "above-0-points"),
}


NOTES: dict[str, tuple[dict[str, str], dict[str, list[str]], str, list[str]]] = {
    "nothing noted": ({"account": " ； "}, {}, "/notes/bidder-1/account", []),
    "one of each side of a semicolon": (
        {"account": "6222…1234; 6222…9876；", "machine": "00-1A-2B"},
        {"account": ["6222…1234", "6222…9876"], "machine": ["00-1A-2B"]},
        "/notes/bidder-1/machine/0",
        [],
    ),
    "twenty": ({"agent": ";".join(["张"] * 20)}, {"agent": ["张"] * 20}, "/notes/bidder-1/agent", []),
    "twenty-one": ({"agent": ";".join(["张"] * 21)}, {}, "/notes/bidder-1/agent", ["bidder-0-agent"]),
    "longest": ({"contact": "𠮷" * 120}, {"contact": ["𠮷" * 120]}, "/notes/bidder-1/contact/0", []),
    "too long": ({"contact": "x" * 121}, {}, "/notes/bidder-1/contact/0", ["bidder-0-contact"]),
    "a wide space": ({"address": "10.0\u3000.1"}, {}, "/notes/bidder-1/address/0", ["bidder-0-address"]),
    "a tab": ({"address": "x;10.0\t.1"}, {}, "/notes/bidder-1/address/1", ["bidder-0-address"]),
}
"""What is typed of the first bidder, what the tender says of it, where the server points, what the wizard marks."""


def cases() -> list[dict[str, Any]]:
    made = [(pack, method, draft, pricing) for pack, method, draft, pricing in RIGHT.values()]
    for base, draft, pricing, _ in WRONG.values():
        pack, method, *before = RIGHT[base]
        made.append((pack, method, before[0] | draft, before[1] | pricing))
    plain = [{"pack": p, "method": m, "draft": d, "pricing": how} for p, m, d, how in made]
    noted = [plain[0] | {"notes": notes, "pointer": pointer} for notes, _, pointer, _ in NOTES.values()]
    return [*plain, *noted]


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    packs = [{**pack.json, "regime": pack.regime, "form": 2, "rules": pack.value} for pack in shelf.PACKS.values()]
    bidders = [{name: each[name] for name in ("name", "code", "price")} for each in definition()["bidders"]]
    node = str(Path(sys.executable).parent / "node")
    said = subprocess.run(
        [node, str(Path(__file__).with_name("wizard.ts"))],
        input=json.dumps({"packs": packs, "bidders": bidders, "cases": cases()}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    return dict(zip([*RIGHT, *WRONG, *NOTES], json.loads(said.stdout), strict=True))


def refusal(value: dict[str, Any]) -> str | None:
    """What the server says of this tender."""
    try:
        loaded = intake.load(json.dumps(value).encode(), limit=1 << 20)
        read = tenders.read(loaded, origin="hohhot.example/proceedings/x", salt=bytes(32), entropy=bytes)
        tender.parse(read.definition)
    except (EvaluationError, Malformed) as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", RIGHT)
def test_every_method_can_be_set_up(answers: dict[str, dict[str, Any]], name: str) -> None:
    assert answers[name]["wrong"] == []
    assert refusal(answers[name]["tender"]) is None


def test_no_method_of_any_pack_is_left_out() -> None:
    """Under the bidding law the lowest price may be scored, too: that form stands under order 87 already."""
    known = {(pack, method, pricing["kind"]) for pack, method, _, pricing in RIGHT.values()}
    newest: dict[str, shelf.Pack] = {}
    for pack in shelf.PACKS.values():
        newest.setdefault(pack.key[0], pack)
    packs = [pack for pack in newest.values() if "methods" in pack.value]
    methods = [
        ("/".join((p.json["id"], p.json["version"])), name, found)
        for p in packs
        for name, found in p.value["methods"].items()
    ]
    wanted = {(pack, name, kind) for pack, name, found in methods for kind in found["prices"]}
    assert wanted - known == {(LAW, "comprehensive-evaluation", "lowest")}


def test_the_opening_is_typed_in_beijing_time_and_named_where_the_pack_asks(answers: dict[str, dict[str, Any]]) -> None:
    """87号令 58 (1): media, date and place; rules of others ask for none."""
    assert answers["scored"]["tender"]["definition"]["terms"]["publication"] == {
        "media": ["中国政府采购网", "内蒙古自治区公共资源交易网"],
        "opened": "2026-11-20T01:30:00Z",
        "place": "开标一室",
    }
    assert "publication" not in answers["coefficients"]["tender"]["definition"]["terms"]


@pytest.mark.parametrize("name", WRONG)
def test_what_the_rules_refuse_is_marked_at_its_field(answers: dict[str, dict[str, Any]], name: str) -> None:
    assert answers[name]["wrong"] == [WRONG[name][3]]
    assert refusal(answers[name]["tender"]) is not None


@pytest.mark.parametrize("name", NOTES)
def test_what_the_buyer_notes_of_bidders_is_marked_and_refused_alike(answers: dict[str, Any], name: str) -> None:
    """Both name the place; the server's pointer leads to the wizard's field in the bidders' step."""
    _, held, pointer, wrong = NOTES[name]
    said = answers[name]
    assert said["wrong"] == wrong
    assert (said["step"], said["field"]) == (1, f"bidder-0-{pointer.split('/')[3]}")
    if wrong:
        assert (refusal(said["tender"]) or "").startswith(pointer)
    else:
        assert said["tender"].get("notes") == ({"bidder-1": held} if held else None)
        assert refusal(said["tender"]) is None
