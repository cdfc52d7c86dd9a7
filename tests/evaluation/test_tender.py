"""The definition: strict form, and 87号令 55, 政府采购法 36, GB 32100."""

from __future__ import annotations

import copy
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from evaluation.core import credit_code, tender
from evaluation.core.rules import government_procurement as rules
from evaluation.core.tender import Scoring
from evaluation.errors import (
    BiddersRefused,
    CreditCodeRefused,
    CriteriaRefused,
    DefinitionRefused,
    WeightRefused,
)
from evidence.core.canonical import decode, encode, sha256
from evidence.errors import Malformed
from tests.sessions.drive import definition


def parsed(change: Callable[[Any], None] = lambda d: None) -> tender.Definition:
    value = copy.deepcopy(definition())
    change(value)
    return tender.parse(encode(value))


def test_scoring_holds_all_that_the_fold_needs_and_no_name() -> None:
    """docs/protocol.md section 4."""
    scoring = parsed().scoring
    assert scoring.bidders[3] == ("bidder-4", Decimal("2288231.72"))
    assert scoring.criteria == (("plan", Decimal(40)), ("team", Decimal(20)), ("record", Decimal(20)))
    assert Scoring.parse(scoring.json) == scoring
    text = encode(scoring.json).decode()
    assert text.isascii()
    assert "914403001922038216" not in text


@pytest.mark.parametrize(
    "code", ["914403001922038216", "9144030071526726XG", "91330100799655058B", "91110000802100433B"]
)
def test_social_credit_codes_carry_a_check_character(code: str) -> None:
    """TV4, GB 32100-2015: any other single character breaks the code."""
    assert credit_code.valid(code)
    for place in range(18):
        for other in credit_code.ALPHABET:
            if other != code[place]:
                assert not credit_code.valid(code[:place] + other + code[place + 1 :])


@pytest.mark.parametrize("code", ["", "91440300192203821", "9144030019220382166", "I14403001922038216", "９1" * 9])
def test_codes_out_of_form_are_refused(code: str) -> None:
    assert not credit_code.valid(code)


def weights(technical: str, price: str) -> Callable[[Any], None]:
    def change(d: Any) -> None:
        d.update(definition(technical=technical, price=price))

    return change


def test_the_price_weighs_ten_percent_for_services_and_thirty_for_goods() -> None:
    """87号令 55."""
    assert parsed(weights("90.00", "10.00")).price == 10
    with pytest.raises(WeightRefused, match="article 55"):
        parsed(weights("92.00", "8.00"))
    with pytest.raises(WeightRefused, match="article 55"):
        parsed(lambda d: d.update(category="goods"))
    with pytest.raises(WeightRefused):
        parsed(lambda d: d["weights"].update(price="19.99"))


def leaf(name: str = "x", maximum: str = "1.00") -> dict[str, Any]:
    return {"id": name, "name": "n", "max": maximum, "children": []}


REFUSED: list[tuple[type[DefinitionRefused], Callable[[Any], Any]]] = [
    (DefinitionRefused, lambda d: d.update(regime="tendering")),
    (DefinitionRefused, lambda d: d.update(method="lowest-price")),
    (DefinitionRefused, lambda d: d.update(category="works")),
    (DefinitionRefused, lambda d: d.update(v=2)),
    (DefinitionRefused, lambda d: d.update(salt="AAAA")),
    (DefinitionRefused, lambda d: d.update(title=" ")),
    (DefinitionRefused, lambda d: d.update(title="a\nb")),
    (DefinitionRefused, lambda d: d.update(title="a\u202eb")),
    (DefinitionRefused, lambda d: d.update(extra=1)),
    (DefinitionRefused, lambda d: d.pop("members")),
    (DefinitionRefused, lambda d: d["weights"].update(price="20.0")),
    (DefinitionRefused, lambda d: d["weights"].update(price=20)),
    (BiddersRefused, lambda d: d.update(bidders=d["bidders"][:2])),
    (BiddersRefused, lambda d: d["bidders"][1].update(id="bidder-1")),
    (BiddersRefused, lambda d: d["bidders"][1].update(code=d["bidders"][0]["code"])),
    (BiddersRefused, lambda d: d["bidders"][1].update(price="0.00")),
    (CreditCodeRefused, lambda d: d["bidders"][1].update(code="914403001922038217")),
    (DefinitionRefused, lambda d: d["bidders"][1].update(price="-1.00")),
    (DefinitionRefused, lambda d: d["bidders"][1].update(price="1000000000000.00")),
    (DefinitionRefused, lambda d: d["bidders"][1].update(id="Bidder 1")),
    (DefinitionRefused, lambda d: d["bidders"][1].update(id="b" * 33)),
    (CriteriaRefused, lambda d: d.update(criteria=[])),
    (CriteriaRefused, lambda d: d["criteria"].append(leaf())),
    (CriteriaRefused, lambda d: d["criteria"][0].update(max="39.99")),
    (CriteriaRefused, lambda d: d["criteria"][0].update(id="team")),
    (CriteriaRefused, lambda d: d["criteria"][0].update(children=[leaf("a", "20.00"), leaf("b", "19.00")])),
    (CriteriaRefused, lambda d: d["criteria"].append(leaf("zero", "0.00"))),
    (DefinitionRefused, lambda d: d.update(compliance=[])),
    (DefinitionRefused, lambda d: d["compliance"].append(d["compliance"][0])),
    (DefinitionRefused, lambda d: d["documents"].append(d["documents"][0])),
    (DefinitionRefused, lambda d: d["documents"][0].update(bidder="bidder-9")),
    (DefinitionRefused, lambda d: d["documents"][0].update(pages=0)),
    (DefinitionRefused, lambda d: d["documents"][0].update(pages=True)),
    (DefinitionRefused, lambda d: d["documents"][0].update(sha256="AA")),
    (DefinitionRefused, lambda d: d["members"].append(d["members"][0])),
    (DefinitionRefused, lambda d: d["bidders"].append("bidder")),
]


@pytest.mark.parametrize(("error", "change"), REFUSED)
def test_what_cannot_be_evaluated_is_refused(error: type[DefinitionRefused], change: Callable[[Any], Any]) -> None:
    with pytest.raises(DefinitionRefused) as refused:
        parsed(change)
    assert type(refused.value) is error


def test_a_sheet_that_would_not_fit_into_one_part_is_refused() -> None:
    """protocols.md section 3: P has at most 40 000 bytes."""

    def grow(d: Any) -> None:
        d["criteria"] = [leaf(f"criterion-number-{i}", "0.50") for i in range(160)]

    with pytest.raises(DefinitionRefused, match="one part"):
        parsed(grow)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b'{"v":1.5}', b'{"v":1,"v":1}', b"[" * 100_000])
def test_bytes_that_are_no_definition_are_refused(data: bytes) -> None:
    with pytest.raises(DefinitionRefused):
        tender.parse(data)


def test_a_definition_of_more_than_a_mebibyte_is_refused() -> None:
    with pytest.raises(DefinitionRefused, match="allowed"):
        tender.parse(b" " * (tender.MAX_DEFINITION + 1))


@pytest.mark.parametrize("bad", [{}, [], None, {"regime": "x"}])
def test_scoring_out_of_form_is_refused(bad: object) -> None:
    with pytest.raises(Malformed):
        Scoring.parse(bad)
    broken = {**parsed().scoring.json, "bidders": [["bidder-1"]]}
    with pytest.raises(Malformed):
        Scoring.parse(broken)


def test_the_rule_pack_says_what_the_code_does() -> None:
    """The pack is data with a hash; a change of it is a new version (architecture, section 1)."""
    pack = decode(rules.PACK)
    assert (pack["id"], pack["version"]) == (rules.ID, rules.VERSION)
    assert sha256(rules.PACK) == rules.SHA256
    assert rules.SHA256.hex() == "504d7209156a9678bd8592739b917cd1b2fe214108821496f61e0781d6358258"
    assert {name: Decimal(text) for name, text in pack["price"]["least_weight"].items()} == rules.LEAST_PRICE_WEIGHT
    assert tuple(pack["recusal"]["grounds"]) == rules.RECUSAL_GROUNDS
