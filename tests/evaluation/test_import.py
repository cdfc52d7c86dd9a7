"""Bad input of a tender or workbook is refused with the place and the reason (issue 4, "Bad input")."""

from __future__ import annotations

import copy
import json
import zipfile
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from evaluation.adapters import workbook_xlsx
from evaluation.core import intake
from evaluation.errors import ImportRefused
from sessions import tender as tenders
from tests.commands import typed
from tests.evaluation.packs import BIDDING, PROCUREMENT, second
from tests.sessions.example import CODES, ROOMS, SEATS, VENUES, definition


def given(value: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in value.items() if name not in ("v", "salt", "origin")}


def bidder(**change: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda d: d["bidders"][1].update(change)


REFUSED: list[tuple[str, str, Callable[[dict[str, Any]], Any]]] = [
    ("/colour", "unknown field", lambda d: d.update(colour="red")),
    ("/bidders/1/e-mail", "unknown field", lambda d: d["bidders"][1].update({"e-mail": "x"})),
    ("/bidders/1/a~1b", "unknown field", lambda d: d["bidders"][1].update({"a/b": 1})),
    ("/members", "missing", lambda d: d.pop("members")),
    ("/bidders/1/code", "missing", lambda d: d["bidders"][1].pop("code")),
    ("/bidders/1", "object", lambda d: d["bidders"].__setitem__(1, "x")),
    ("/bidders", "list", lambda d: d.update(bidders={})),
    ("/bidders/1/price", "negative", bidder(price="-1.00")),
    ("/bidders/1/price", "negative", bidder(price="-0.00")),
    ("/bidders/1/price", "larger", bidder(price="10000000000000.00")),
    ("/bidders/1/price", "not a number", bidder(price="NaN")),
    ("/bidders/1/price", "not a number", bidder(price="-Infinity")),
    ("/bidders/1/price", "full-width", bidder(price="１２.５０")),
    ("/bidders/1/price", "full-width", bidder(price="12．50")),
    ("/bidders/1/price", "formula", bidder(price="=SUM(A1:A9)")),
    ("/bidders/1/price", "two decimals", bidder(price="12.5")),
    ("/bidders/1/price", "two decimals", bidder(price="1,200.00")),
    ("/bidders/1/price", "two decimals", bidder(price="1e3")),
    ("/bidders/1/price", "two decimals", bidder(price=12)),
    ("/bidders/1/price", "two decimals", bidder(price=None)),
    ("/bidders/1/price", "above zero", bidder(price="0.00")),
    ("/bidders/1/code", "check character", bidder(code="914403001922038217")),
    ("/bidders/1/code", "18 characters", bidder(code="91440300192203821")),
    ("/bidders/1/code", "4.3", bidder(code="I14403001922038216")),
    ("/bidders/1/code", "full-width", bidder(code="９１４４０３００１９２２０３８２１６")),
    ("/bidders/1/code", "the same as /bidders/0/code", lambda d: d["bidders"][1].update(code=d["bidders"][0]["code"])),
    ("/bidders/1/id", "the same as /bidders/0/id", bidder(id="bidder-1")),
    ("/bidders/1/id", "hyphens", bidder(id="Bidder 1")),
    ("/bidders/1/name", "does not print", bidder(name="a\u202eb")),
    ("/bidders/1/name", "formula", bidder(name="=HYPERLINK(1)")),
    ("/bidders/1/name", "characters", bidder(name=" ")),
    ("/criteria/1/max", "sum to", lambda d: d["criteria"][1].update(max="39.00")),
    ("/criteria/1/children/0/max", "negative", lambda d: d["criteria"][1]["children"][0].update(max="-1.00")),
    ("/weights/price", "two decimals", lambda d: d["weights"].update(price="20")),
    ("/documents/0/pages", "whole number", lambda d: d["documents"][0].update(pages=True)),
]


def test_what_is_right_is_taken() -> None:
    intake.definition(given(definition()))
    for pack in (PROCUREMENT, BIDDING):
        for method in pack.value["methods"]:
            intake.definition(given(second(pack, method)))


@pytest.mark.parametrize(("place", "reason", "change"), REFUSED, ids=range(len(REFUSED)))
@pytest.mark.parametrize("version", [1, 2])
def test_a_wrong_field_is_named_by_its_pointer(
    version: int, place: str, reason: str, change: Callable[[dict[str, Any]], Any]
) -> None:
    """RFC 6901, for both versions of the definition."""
    value = copy.deepcopy(given(definition() if version == 1 else second()))
    change(value)
    with pytest.raises(ImportRefused, match=reason) as refused:
        intake.definition(value)
    assert refused.value.place == place


WHOLE: dict[str, Any] = {
    "kind": "real",
    "definition": {},
    "venues": [{"id": "venue-1", "centre": "a.example", "kind": "main"}],
    "rooms": [{"id": "room-1", "venue": "venue-1"}],
    "seats": [{"id": "seat-1", "role": "expert", "venue": "venue-1", "centre": "a.example", "stratum": "designated"}],
    "special": {"reference": "x", "document": "y"},
}


@pytest.mark.parametrize(
    ("place", "change"),
    [
        ("/bribe", lambda d: d.update(bribe=1)),
        ("/seats", lambda d: d.pop("seats")),
        ("/venues/0/city", lambda d: d["venues"][0].update(city="x")),
        ("/venues/0/kind", lambda d: d["venues"][0].pop("kind")),
        ("/rooms/0/floor", lambda d: d["rooms"][0].update(floor=3)),
        ("/rooms", lambda d: d.update(rooms={"room-1": "venue-1"})),
        ("/seats/0/name", lambda d: d["seats"][0].update(name="x")),
        ("/seats/0", lambda d: d.update(seats=["seat-1"])),
        ("/seats/0/stratum", lambda d: d["seats"][0].update(stratum=7)),
        ("/special/by", lambda d: d["special"].update(by="x")),
    ],
)
def test_what_stands_around_a_definition_has_places_too(place: str, change: Callable[[dict[str, Any]], Any]) -> None:
    intake.tender(WHOLE)
    value = copy.deepcopy(WHOLE)
    change(value)
    with pytest.raises(ImportRefused) as refused:
        intake.tender(value)
    assert refused.value.place == place


@pytest.mark.parametrize(
    ("place", "change"),
    [
        ("/terms/rates/small", lambda d: d["terms"].update(rates={"small": 10})),
        ("/terms/price/above/0/1", lambda d: d["terms"]["price"].update(above=[[None, "=1"]])),
        ("/terms/price/above/0", lambda d: d["terms"]["price"].update(above=[[None]])),
        ("/terms/ranked", lambda d: d["terms"].update(ranked=1)),
        ("/terms/extra", lambda d: d["terms"].update(extra=1)),
        (
            "/bidders/0/quote/lines",
            lambda d: d["bidders"][0].update(quote=dict.fromkeys(("opening", "figures", "words"), "1.00")),
        ),
        ("/bidders/0/plus", lambda d: d["bidders"][0].update(plus="-5.00")),
    ],
)
def test_terms_have_places_too(place: str, change: Callable[[dict[str, Any]], Any]) -> None:
    value = copy.deepcopy(given(second(BIDDING, "comprehensive-evaluation")))
    change(value)
    with pytest.raises(ImportRefused) as refused:
        intake.definition(value)
    assert refused.value.place == place


@pytest.mark.parametrize(
    ("data", "place", "reason"),
    [
        (b'{"bidders":[{"price":12.50}]}', "/bidders/0/price", "12.50"),
        (b'{"bidders":[{"price":NaN}]}', "/bidders/0/price", "NaN"),
        (b'{"bidders":[{"price":1e999}]}', "/bidders/0/price", "1e999"),
        (b'{"a":{"b":1,"b":2}}', "/a/b", "twice"),
        (b'{"a":9007199254740993}', "/a", "2\\^53"),
        (b'{"a":', "", "line 1"),
        (b"\xff", "", "UTF-8"),
        (b"[]", "", "object"),
        (b"[" * 3000, "", "not JSON"),
    ],
)
def test_json_that_hides_a_figure_is_refused_with_its_place(data: bytes, place: str, reason: str) -> None:
    """Binary floats, NaN and double keys never get as far as a tender."""
    with pytest.raises(ImportRefused, match=reason) as refused:
        intake.load(data, limit=10_000)
    assert refused.value.place == place


def test_the_door_of_tenders_answers_with_the_pointer() -> None:
    value = given(definition())
    value["documents"] = []
    value["bidders"][2]["price"] = "１.００"
    tender = {"definition": value, "venues": VENUES, "rooms": ROOMS, "seats": SEATS}
    with pytest.raises(ImportRefused) as refused:
        tenders.read(tender, origin="hohhot.example/proceedings/" + "k3" * 13, salt=bytes(32), entropy=bytes)
    assert str(refused.value) == "/definition/bidders/2/price: full-width characters"
    value["bidders"][2]["price"] = "1.00"
    assert (
        tenders.read(tender, origin="hohhot.example/proceedings/" + "k3" * 13, salt=bytes(32), entropy=bytes).plan.size
        > 1000
    )


# --- workbooks

HEAD = ["投标人名称", "统一社会信用代码", "投标报价（元）"]
GOOD = [["甲公司", CODES[0], "100.00"], ["乙公司", CODES[1], "90.50"]]


def book(rows: Sequence[Sequence[str | None]], **parts: bytes) -> bytes:
    """A workbook of inline strings; a cell `=…` is a formula, `#1.5` a binary number."""

    def cell(place: str, value: str | None) -> str:
        if value is None:
            return f'<c r="{place}"/>'
        if value.startswith("="):
            return f'<c r="{place}"><f>{escape(value[1:])}</f><v>5</v></c>'
        if value.startswith("#"):
            return f'<c r="{place}"><v>{value[1:]}</v></c>'
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'

    body = "".join(
        f'<row r="{n}">{"".join(cell(f"{chr(65 + i)}{n}", value) for i, value in enumerate(row))}</row>'
        for n, row in enumerate(rows, 1)
    )
    sheet = f'<worksheet xmlns="{workbook_xlsx._NS[1:-1]}"><sheetData>{body}</sheetData></worksheet>'
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(workbook_xlsx.SHEET, parts.get("sheet", sheet.encode()))
    return out.getvalue()


def read(tmp_path: Path, data: bytes) -> tuple[int, str]:
    file = tmp_path / "t.xlsx"
    file.write_bytes(data)
    status, *said = typed("bidders", file)
    return status, "".join(said)


def test_bidders_come_from_a_workbook(tmp_path: Path) -> None:
    """`tongping bidders FILE` prints what a definition takes."""
    status, output = read(tmp_path, book([HEAD, *GOOD, [None, None, None]]))
    assert status == 0
    found = json.loads(output)
    assert [b["price"] for b in found] == ["100.00", "90.50"]
    assert found[1] == {"id": "bidder-2", "name": "乙公司", "code": CODES[1], "price": "90.50"}
    value = given(definition())
    value["bidders"] = found
    intake.definition(value)


@pytest.mark.parametrize(
    ("rows", "place", "reason"),
    [
        ([HEAD, *GOOD, ["丙公司", CODES[2], "=B2*2"]], "C4", "formula"),
        ([HEAD, ["甲公司", CODES[0], "#100.5"]], "C2", "binary"),
        ([HEAD, ["甲公司", CODES[0], "１００.００"]], "C2", "full-width"),
        ([HEAD, ["甲公司", CODES[0], "-1.00"]], "C2", "negative"),
        ([HEAD, ["甲公司", CODES[0], "NaN"]], "C2", "not a number"),
        ([HEAD, ["甲公司", CODES[0], "Infinity"]], "C2", "not a number"),
        ([HEAD, ["甲公司", CODES[0], "10000000000000.00"]], "C2", "larger"),
        ([HEAD, ["甲公司", CODES[0], "0.00"]], "C2", "above zero"),
        ([HEAD, ["甲公司", CODES[0], "1,200.00"]], "C2", "two decimals"),
        ([HEAD, ["甲公司", "９１４４０３００１９２２０３８２１６", "1.00"]], "B2", "full-width"),
        ([HEAD, ["甲公司", "I14403001922038216", "1.00"]], "B2", "4.3"),
        ([HEAD, ["@SUM(A1)", CODES[0], "1.00"]], "A2", "formula"),
        ([HEAD, ["甲公司", CODES[0], None]], "C2", "two decimals"),
        ([HEAD, ["甲公司", "914403001922038217", "1.00"]], "B2", "check character"),
        ([HEAD, *GOOD, GOOD[0]], "B4", "twice"),
        ([[*HEAD, "备注"], *GOOD], "D1", "unknown column"),
        ([[*HEAD, HEAD[0]], *GOOD], "D1", "twice"),
        ([HEAD[:2], ["甲公司", CODES[0]]], "1:1", "price is missing"),
        ([HEAD, [*GOOD[0], "x"]], "D2", "beyond"),
        ([HEAD], "A2", "no bidder"),
        ([], "A1", "empty"),
    ],
)
def test_a_wrong_cell_is_named(tmp_path: Path, rows: list[list[str | None]], place: str, reason: str) -> None:
    status, output = read(tmp_path, book(rows))
    assert status == 2
    assert f"import-refused: t.xlsx!{place}: " in output
    assert reason in output


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        b"x" * (workbook_xlsx.MAX_BYTES + 1),
        book([], sheet=b'<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>'),
        book([], sheet='<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16")),
        book([], sheet=b"<a"),
        book([], sheet=f'<a xmlns="{workbook_xlsx._NS[1:-1]}"><c r="A99999"/></a>'.encode()),
        book([], sheet=f'<a xmlns="{workbook_xlsx._NS[1:-1]}"><c r="XFD1"/></a>'.encode()),
        book([], sheet=f'<a xmlns="{workbook_xlsx._NS[1:-1]}"><c/></a>'.encode()),
        book([], sheet=f'<a xmlns="{workbook_xlsx._NS[1:-1]}"><c r="A1" t="e"><v>#N/A</v></c></a>'.encode()),
        book([], sheet=f'<a xmlns="{workbook_xlsx._NS[1:-1]}"><c r="A1" t="s"><v>7</v></c></a>'.encode()),
        book([], sheet=b" " * (workbook_xlsx.MAX_PART + 1)),
    ],
    ids=range(12),
)
def test_hostile_workbooks_are_refused(tmp_path: Path, data: bytes) -> None:
    """Truncated, unfolding, beyond its bounds, with a document type: one line, no traceback."""
    status, output = read(tmp_path, data)
    assert status == 2
    assert output.startswith("tongping: import-refused: ")
    assert output.count("\n") == 1
