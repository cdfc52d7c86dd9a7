"""Rule packs: bytes that never change, and what tenders are held against; refusals cite the article."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from evaluation.core import chair, committee, points
from evaluation.core.committee import Member
from evaluation.core.rules import shelf
from evaluation.core.tender import Scoring
from evaluation.errors import (
    BiddersRefused,
    CommitteeRefused,
    CriteriaRefused,
    DefinitionRefused,
    EvaluationError,
    TermsRefused,
    UnknownRulePack,
    WeightRefused,
)
from evidence.core.canonical import b64u, encode, sha256
from evidence.errors import Malformed
from tests.evaluation.packs import ABROAD, BIDDING, DEVIATION, NEW_BIDDING, NEW_PROCUREMENT, PROCUREMENT, parsed, second
from tests.sessions.example import definition

HASHES = {
    ("cn-government-procurement", "1"): "504d7209156a9678bd8592739b917cd1b2fe214108821496f61e0781d6358258",
    ("cn-government-procurement", "2"): "a46abc6c81d02cde5937f67e0814de6c67c9c20ebcd01c7a9798f81b4a494343",
    ("cn-bidding-law", "1"): "e557dc0c1cfe54bf5ecd7ae1e1b38025da06bb7cb7c13b5c2597c6bcd86113e4",
    ("cn-government-procurement", "3"): "f496b7a835a1d5811a2d5d7912178421d53c01ebc72c17d5e4c9023b450ce3bc",
    ("cn-government-procurement", "4"): "9ae1c3c89fdeb7d237a42f4efd71a726afdec656370697e07b394c54d70cfc60",
    ("cn-bidding-law", "2"): "629847806b54503aa4bcc93ee043e1f680ca997db60bb7557714af08b016754f",
    ("cn-bidding-law", "3"): "79c50df6ad13143e3e839bb663acc35163f70f552eb6b1c61196a43de433a4f7",
    ("international", "1"): "cf1e2005b4cb0972e87d28b36bce7802578f9f9b085b7afa7d067335721b0ca9",
    ("cn-government-procurement", "5"): "400234b832d400251015ab9e4e0665cb33c9fd63b67b4d522a421b91b9386add",
    ("cn-bidding-law", "4"): "e6c3a733c7ab228df5740b0fe4ca408d41167b4888518dc1ba3fb8d8f6783469",
    ("international", "2"): "fd9dae8907daabdfa0050afcff0823529ac59e702f5228f9850587a1d7f4cf36",
}
METHODS = [
    (pack, name)
    for pack in (PROCUREMENT, NEW_PROCUREMENT, BIDDING, NEW_BIDDING, ABROAD)
    for name in pack.value["methods"]
]


def test_the_bytes_of_a_released_pack_never_change() -> None:
    """Logs name packs by hash and outlive releases: a changed rule is a new version."""
    assert {key: pack.sha256.hex() for key, pack in shelf.PACKS.items()} == HASHES


def test_every_rule_of_a_pack_names_its_source_and_how_sure_it_is() -> None:
    """Domain study: V read, K known, U uncertain; nothing uncertain poses as law."""

    def walk(value: Any, path: str) -> None:
        if isinstance(value, dict):
            if "source" in value:
                assert value["source"], path
                assert value["mark"] in ("V", "K", "U"), path
            for name, part in value.items():
                walk(part, f"{path}/{name}")

    for pack in shelf.PACKS.values():
        if pack.form == 2:
            walk(pack.value, "")
            sections = ("in_force", "committee", "chair", "recusal", "compliance", "rejection", "corrections", "policy")
            for name in (*sections, "candidates", "report"):
                assert pack.source(name)


@pytest.mark.parametrize(("pack", "method"), METHODS, ids=lambda part: part if isinstance(part, str) else part.key[0])
def test_a_tender_of_every_method_is_set_up(pack: shelf.Pack, method: str) -> None:
    scoring = parsed(second(pack, method)).scoring
    assert scoring.terms is not None
    assert scoring.terms.rules is pack
    assert Scoring.parse(scoring.json) == scoring
    assert encode(scoring.json).isascii()


def test_a_pack_is_found_by_its_hash_only() -> None:
    assert shelf.find(BIDDING.json) is BIDDING
    for change in ({"sha256": b64u(sha256(b"x"))}, {"version": "9"}, {"id": "x"}):
        with pytest.raises(UnknownRulePack):
            shelf.find(BIDDING.json | change)
        with pytest.raises(UnknownRulePack):
            parsed(second() | {"rule_pack": BIDDING.json | change})


def terms(**change: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda d: d["terms"].update(change)


def weights(technical: str, price: str) -> Callable[[dict[str, Any]], Any]:
    return lambda d: d.update(weights={"technical": technical, "price": price})


def deviation(**change: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda d: d["terms"].update(price=DEVIATION | change)


SCORING, LOWEST = (PROCUREMENT, "comprehensive-scoring"), (PROCUREMENT, "lowest-evaluated-price")
EVALUATION, REVIEWED = (BIDDING, "comprehensive-evaluation"), (BIDDING, "reviewed-lowest-price")
NEW_SCORING, NEW_LOWEST = (NEW_PROCUREMENT, "comprehensive-scoring"), (NEW_PROCUREMENT, "lowest-evaluated-price")
NEW_EVALUATION, NEW_REVIEWED = (NEW_BIDDING, "comprehensive-evaluation"), (NEW_BIDDING, "reviewed-lowest-price")
REFUSED: list[tuple[tuple[shelf.Pack, str], type[EvaluationError], str, Callable[[dict[str, Any]], Any]]] = [
    (SCORING, WeightRefused, "第五十五条", weights("92.00", "8.00")),
    (SCORING, WeightRefused, "第五十五条", lambda d: d.update(category="goods")),
    (SCORING, WeightRefused, "第五十五条", weights("80.00", "19.99")),
    (SCORING, WeightRefused, "第五十五条", terms(price={"kind": "fixed"})),
    (SCORING, TermsRefused, "第五十五条", terms(price=DEVIATION)),
    (SCORING, TermsRefused, "第五十五条", terms(trim_sheets=5)),
    (SCORING, TermsRefused, "第五十五条", terms(tie="buyer")),
    (SCORING, TermsRefused, "goods, services", lambda d: d.update(category="works")),
    (SCORING, TermsRefused, "第八十八条", terms(announced="2016-01-01")),
    (SCORING, TermsRefused, "第五十八条", terms(candidates=4)),
    (SCORING, TermsRefused, "第八十八条", lambda d: d.update(category="works")),
    (SCORING, TermsRefused, "第五十七条|第五十五条", terms(brand="price")),
    (NEW_SCORING, TermsRefused, "第三十一条", terms(brand="buyer")),
    (NEW_LOWEST, TermsRefused, "第三十一条", terms(brand="price")),
    (NEW_SCORING, TermsRefused, "第八十五条", terms(conditions=["classified"])),
    (NEW_SCORING, TermsRefused, "第四条", lambda d: d.update(category="works")),
    (EVALUATION, TermsRefused, "第三十五条", deviation(drop=["1.00", "2.00"])),
    (NEW_EVALUATION, TermsRefused, "公路工程", deviation(drop=["1.00"])),
    (NEW_EVALUATION, TermsRefused, "公路工程", deviation(drop=["1.00", "1.00"])),
    (NEW_EVALUATION, TermsRefused, "公路工程", deviation(drop=["1.00", "10.01"])),
    (NEW_EVALUATION, TermsRefused, "第三十五条", deviation(below=[[None, "1.00"]])),
    (NEW_EVALUATION, TermsRefused, "第三十五条", terms(trim_sheets=5)),
    (NEW_REVIEWED, TermsRefused, "46号", terms(rates={"small": "4.00"})),
    (NEW_REVIEWED, TermsRefused, "46号", lambda d: (d.update(category="works"), terms(rates={"small": "5.01"})(d))),
    (SCORING, TermsRefused, "第六十三条", terms(budget="10.00", ceiling="11.00")),
    (SCORING, TermsRefused, "财库", terms(rates={"small": "9.99"})),
    (SCORING, TermsRefused, "财库", terms(rates={"friends": "10.00"})),
    (SCORING, TermsRefused, "classified", terms(conditions=["classified"])),
    (SCORING, BiddersRefused, "deduction", lambda d: d["bidders"][0].update(policy="small")),
    (SCORING, BiddersRefused, "第五十五条", lambda d: d["bidders"][0].update(plus="1.00")),
    (SCORING, DefinitionRefused, "regime", lambda d: d.update(regime="bidding-law")),
    (SCORING, DefinitionRefused, "comprehensive-scoring", lambda d: d.update(method="auction")),
    (SCORING, DefinitionRefused, "second form", lambda d: d.update(rule_pack=shelf.FIRST.json)),
    (SCORING, BiddersRefused, "第三十六条", lambda d: d.update(bidders=d["bidders"][:2])),
    (SCORING, CriteriaRefused, "sum", weights("70.00", "30.00")),
    (SCORING, DefinitionRefused, "announced", terms(announced="2026-13-01")),
    (SCORING, DefinitionRefused, "conditions", terms(conditions=["easy"])),
    (SCORING, DefinitionRefused, "member", terms(surprise=1)),
    (SCORING, DefinitionRefused, "trim_sheets", terms(trim_sheets=True)),
    (LOWEST, WeightRefused, "第五十六条", weights("80.00", "20.00")),
    (LOWEST, CriteriaRefused, "only prices", lambda d: d.update(criteria=second()["criteria"])),
    (LOWEST, TermsRefused, "第五十四条", terms(ranked=False)),
    (EVALUATION, TermsRefused, "第三十五条", terms(trim_sheets=4)),
    (EVALUATION, TermsRefused, "第三十五条", terms(tie="equality")),
    (EVALUATION, BiddersRefused, "brands", lambda d: d["bidders"][0].update(brand="acme")),
    (EVALUATION, WeightRefused, "100.00", weights("80.00", "30.00")),
    (EVALUATION, TermsRefused, "E1 > E2", deviation(below=[[None, "1.00"]])),
    (EVALUATION, TermsRefused, "E1 > E2", deviation(below=[["3.00", "0.50"], [None, "2.00"]])),
    (EVALUATION, TermsRefused, "ceiling", deviation(base="ceiling-mix", ceiling="9.00", share="40.00")),
    (EVALUATION, DefinitionRefused, "mix", deviation(base="ceiling-mix", share="40.00")),
    (EVALUATION, DefinitionRefused, "trimmed", deviation(base="trimmed-mean")),
    (EVALUATION, DefinitionRefused, "trimmed", deviation(base="trimmed-mean", trim_from=3)),
    (EVALUATION, DefinitionRefused, "base", deviation(drop="10.01")),
    (EVALUATION, DefinitionRefused, "without end", deviation(above=[["3.00", "1.00"]])),
    (EVALUATION, DefinitionRefused, "rise", deviation(above=[["3.00", "1.00"], ["2.00", "1.00"], [None, "1.00"]])),
    (EVALUATION, DefinitionRefused, "slope", deviation(above=["1.00"])),
    (REVIEWED, BiddersRefused, "no price", lambda d: d["bidders"][0].update(minus="99999999.00")),
    ((ABROAD, "coefficients"), WeightRefused, "barbecue", weights("31.00", "69.00")),
    ((ABROAD, "quality-and-cost"), TermsRefused, "least", terms(price={"kind": "quality-cost", "least": "100.00"})),
]


@pytest.mark.parametrize(("tender", "error", "words", "change"), REFUSED, ids=range(len(REFUSED)))
def test_what_the_pack_does_not_allow_is_refused_with_the_article(
    tender: tuple[shelf.Pack, str], error: type[EvaluationError], words: str, change: Callable[[dict[str, Any]], Any]
) -> None:
    """Issue 4, item 1."""
    value = second(*tender)
    change(value)
    with pytest.raises(error, match=words) as refused:
        parsed(value)
    assert type(refused.value) is error


@pytest.mark.parametrize(
    ("pack", "change", "members"),
    [
        (PROCUREMENT, {}, 5),
        (PROCUREMENT, {"budget": "10000000.00"}, 7),
        (PROCUREMENT, {"budget": "9999999.99"}, 5),
        (PROCUREMENT, {"conditions": ["complex"]}, 7),
        (PROCUREMENT, {"conditions": ["high-impact"]}, 7),
        (BIDDING, {"budget": "99999999.00"}, 5),
        (BIDDING, {"conditions": ["water"]}, 7),
    ],
)
def test_large_and_difficult_tenders_need_seven_members(pack: shelf.Pack, change: dict[str, Any], members: int) -> None:
    """87号令 47; CTS-EBS01-2016 B-022 for water-conservancy works."""
    value = second(pack, next(iter(pack.value["methods"])))
    value["terms"].update(change)
    asked = parsed(value).terms
    assert asked is not None
    assert asked.members == members
    five = [Member(f"seat-{i}", "expert") for i in range(5)]
    if members == 7:
        with pytest.raises(CommitteeRefused, match="at least 7"):
            committee.check(five, least=asked.members, experts=pack.experts)
    else:
        committee.check(five, least=asked.members, experts=pack.experts)


def test_who_may_be_chair_is_the_packs() -> None:
    """87号令 45 forbids the buyer's representative, 12号令 9 does not."""
    people = [Member("seat-1", "expert"), Member("seat-2", "buyer-representative")]
    assert chair.eligible(people, buyer=PROCUREMENT.buyer_may_chair) == ("seat-1",)
    assert chair.eligible(people, buyer=BIDDING.buyer_may_chair) == ("seat-1", "seat-2")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(part, (*path, key))


@pytest.mark.parametrize(("pack", "method"), METHODS, ids=lambda part: part if isinstance(part, str) else part.key[0])
def test_terms_out_of_form_have_a_code_wherever_they_stand(pack: shelf.Pack, method: str) -> None:
    """A hostile log: each member of `terms` turned into something else is refused, or read as exactly what it says."""
    right = parsed(second(pack, method)).scoring.json
    for path in places(right["terms"]):
        others: tuple[Any, ...] = (None, 1, -1, True, "x", "1.00", [], {}, [[]])
        for other in others:
            value = copy.deepcopy(right)
            parent = value["terms"]
            for key in path[:-1]:
                parent = parent[key]
            parent[path[-1]] = other
            try:
                read = Scoring.parse(value)
            except Malformed:
                continue
            assert read.json == value


def first(**change: Any) -> dict[str, Any]:
    return definition() | change


DEVIATING = second(NEW_BIDDING, "comprehensive-evaluation")
UNMET: list[tuple[str, str, dict[str, Any]]] = [
    ("/definition/weights/technical", "第五十五条", second() | {"weights": {"technical": "70.00", "price": "20.00"}}),
    ("/definition/weights/technical", "article 55", first(weights={"technical": "70.00", "price": "20.00"})),
    ("/definition/criteria", "第五十七条", second() | {"criteria": second()["criteria"][:1]}),
    ("/definition/criteria", "article 55", first(criteria=first()["criteria"][:1])),
    ("/definition/criteria", "第五十七条", second() | {"criteria": []}),
    ("/definition/method", "第五十四条", second() | {"method": "lottery"}),
    ("/definition/method", "article 55", first(method="lottery")),
    ("/definition/category", "第八十八条", second() | {"category": "works"}),
    (
        "/definition/terms/conditions",
        "secrets",
        second() | {"terms": second()["terms"] | {"conditions": ["classified"]}},
    ),
    (
        "/definition/terms/price/above/0/1",
        "E1 > E2; 12",
        DEVIATING | {"terms": DEVIATING["terms"] | {"price": DEVIATION | {"below": [[None, "1.00"]]}}},
    ),
]


@pytest.mark.parametrize(("place", "source", "value"), UNMET, ids=range(len(UNMET)))
def test_what_the_law_refuses_has_its_place_and_its_article(place: str, source: str, value: dict[str, Any]) -> None:
    """Issue 4: refused with the place and the reason."""
    with pytest.raises(DefinitionRefused, match=source) as refused:
        parsed(value)
    assert refused.value.place == place


def test_parameters_that_the_code_holds_as_its_own_are_those_of_every_pack() -> None:
    """What no line reads from a pack may differ in none: a pack that says otherwise needs the code that does it."""
    for pack in shelf.PACKS.values():
        if pack.form != 2:
            continue
        rules = pack.value
        assert rules["committee"]["odd"] is True
        assert rules["chair"]["votes"] == "equal-secret"
        assert rules["chair"]["then"] == "lot"
        assert rules["compliance"]["rule"] == "majority"
        assert rules["corrections"]["unconfirmed"] == "invalid"
        assert rules["rounding"]["places"] == points.PLACES
        assert rules["rounding"]["mode"] == "half-up"
        assert rules["rounding"]["rounded"] == ["technical", "price", "evaluated"]
        brands = {method.same_brand for name in rules["methods"] if (method := pack.method(name)) is not None}
        assert brands == {rules["compliance"]["same_brand_counts_once"]}
    for pack in (NEW_PROCUREMENT, NEW_BIDDING):
        assert pack.source("rounding")
        assert pack.source("checks")


def test_an_elections_tied_rounds_are_the_packs() -> None:
    """Domain study 1.5: the practice's loop is bounded; then the lot."""
    assert {pack.tied_rounds for pack in shelf.PACKS.values()} == {3}
