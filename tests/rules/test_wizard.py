"""The administrator's wizard against the rule packs (issue 3, item 6).

Every method of every pack can be set up, and what the rules refuse of a price formula the wizard marks at its field.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evaluation.core import intake, tender
from evaluation.core.rules import shelf
from evaluation.errors import EvaluationError
from evidence.core.canonical import b64u
from evidence.errors import Malformed
from sessions import tender as tenders
from tests.sessions.example import definition

LAW, ORDER_87, ABROAD = "cn-bidding-law/4", "cn-government-procurement/5", "international/2"
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


NIGHT = {"cutOff": "21:00", "opens": "08:00", "source": "江苏省公共资源交易中心 2025年9月通知"}
WORDS: dict[str, Any] = {"figures": "", "words": "2300000", "lines": [], "confirmed": False}
PAPER = {"sha256": b64u(bytes(32)), "name": "投标文件", "size": 1, "pages": 3, "notes": [], "bidder": 0}
SAID: dict[str, tuple[dict[str, Any], str, list[str], str]] = {
    "brands": (
        {"bid": {"brand": " 联想 "}, "draft": {"brandWay": "price"}},
        "/definition/bidders/0/brand",
        [],
        "brand",
    ),
    "a price in words": (
        {"bid": {"quote": WORDS}, "draft": {"documents": [PAPER]}},
        "/definition/bidders/0/quote",
        [],
        "figures",
    ),
    "no page to show": (
        {"bid": {"quote": WORDS}},
        "/definition/bidders/0/quote",
        [f"bidder-{at}-figures" for at in range(4)],
        "figures",
    ),
    "other figures": (
        {"pack": LAW, "method": "reviewed-lowest-price", "draft": {"documents": [PAPER]}}
        | {"bid": {"quote": WORDS | {"figures": "1"}}, "pricing": {"kind": "order"}},
        "/definition/bidders/0/quote",
        [f"bidder-{at}-figures" for at in range(4)],
        "figures",
    ),
    "a night": ({"draft": {"night": NIGHT}}, "/definition/terms/incidents/cut_off", [], "cut-off"),
    "a night without end": (
        {"draft": {"night": NIGHT | {"opens": "21:00"}}},
        "/definition/terms/incidents/cut_off",
        ["opens"],
        "cut-off",
    ),
    "a drawn seat": ({"seat": {"stratum": "law"}}, "/seats/4/stratum", [], ""),
}
"""What else the definition supports: what is typed, where the server points, what the wizard marks, its field."""


def cases() -> list[dict[str, Any]]:
    made = [(pack, method, draft, pricing) for pack, method, draft, pricing in RIGHT.values()]
    for base, draft, pricing, _ in WRONG.values():
        pack, method, *before = RIGHT[base]
        made.append((pack, method, before[0] | draft, before[1] | pricing))
    plain = [{"pack": p, "method": m, "draft": d, "pricing": how} for p, m, d, how in made]
    noted = [plain[0] | {"notes": notes, "pointer": pointer} for notes, _, pointer, _ in NOTES.values()]
    plainly = {"pack": ORDER_87, "method": "comprehensive-scoring", "draft": {}, "pricing": {}}
    said = [plainly | case | {"pointer": pointer} for case, pointer, _, _ in SAID.values()]
    return [*plain, *noted, *said]


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
    return dict(zip([*RIGHT, *WRONG, *NOTES, *SAID], json.loads(said.stdout), strict=True))


def refusal(value: dict[str, Any]) -> str | None:
    """What the server says of this tender."""
    found = refused(value)
    return None if found is None else str(found)


def refused(value: dict[str, Any]) -> EvaluationError | Malformed | None:
    """The refusal, if there is one."""
    try:
        loaded = intake.load(json.dumps(value).encode(), limit=1 << 20)
        origin, paper = "hohhot.example/proceedings/x", tenders.Staged(Path("paper.pdf"), 3)
        read = tenders.read(loaded, origin=origin, salt=bytes(32), entropy=bytes, staged=lambda _: paper)
        tender.parse(read.definition)
    except (EvaluationError, Malformed) as error:
        return error
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


@pytest.mark.parametrize("name", SAID)
def test_brands_prices_in_words_nights_and_drawn_seats_are_set_up(answers: dict[str, Any], name: str) -> None:
    """What the definition supports can be typed; the server's refusal has its article, and leads to the field."""
    _, pointer, wrong, field = SAID[name]
    said = answers[name]
    assert said["wrong"] == wrong
    if field:
        assert said["field"].endswith(field)
    found = refused(said["tender"])
    if wrong:
        assert getattr(found, "place", None) == pointer
        assert re.search(r"第[一二三四五六七八九十]+条|article \d+", str(found)), found
    else:
        assert found is None


def test_what_is_typed_of_them_stands_in_the_tender(answers: dict[str, Any]) -> None:
    """Equal names are one brand; an empty figure is that of the opening; a drawn seat names nobody."""
    branded = answers["brands"]["tender"]["definition"]
    assert [each["brand"] for each in branded["bidders"]] == ["brand-1"] * 4
    assert branded["terms"]["brand"] == "price"
    (first, *_) = answers["a price in words"]["tender"]["definition"]["bidders"]
    assert first["quote"] == {
        **dict.fromkeys(("opening", "figures"), first["price"]),
        "words": "2300000.00",
        "lines": [],
    }
    night = answers["a night"]["tender"]["definition"]["terms"]["incidents"]
    assert (night["cut_off"], night["opens"], night["before_start"], night["during"]) == ("21:00", "08:00", 7200, 14400)
    drawn = answers["a drawn seat"]["tender"]
    assert [each["seat"] for each in drawn["definition"]["members"]] == [f"seat-{n}" for n in range(1, 5)]
    assert [each["stratum"] for each in drawn["seats"] if "stratum" in each] == ["expert/law"]
    plain = answers["scored"]["tender"]["definition"]
    assert {"incidents", "brand"} & plain["terms"].keys() == set()
    assert {(each["brand"], each["quote"]) for each in plain["bidders"]} == {(None, None)}
