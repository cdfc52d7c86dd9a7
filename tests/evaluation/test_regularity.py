"""Prices that differ in a regular way (实施条例 40(4), 87号令 37(4)): what is told, and what chance or law explains."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from evaluation.core import collusion, points, regularity
from evaluation.core.corrections import Line
from evaluation.core.regularity import Series
from evaluation.core.rules import shelf
from tests.evaluation.packs import ABROAD, BIDDING, NEW_BIDDING, NEW_PROCUREMENT, PROCUREMENT, parsed, second

LIMITS = NEW_BIDDING.regular
assert LIMITS is not None
BOUNDS = LIMITS


def totals(*prices: str, ceiling: str | None = None) -> list[Series]:
    own = None if ceiling is None else ("ceiling", Decimal(ceiling))
    return regularity.totals({f"bidder-{n}": Decimal(price) for n, price in enumerate(prices, 1)}, own, BOUNDS)


def told(found: Sequence[Series]) -> list[tuple[str, str, list[int]]]:
    return [(each.kind, each.value, [int(who[7:]) for who in each.bidders]) for each in found]


# --- totals: the shapes that decisions of supervisors name


@pytest.mark.parametrize(
    ("prices", "ceiling", "expected"),
    [
        # The same last digits, ten thousand apart.
        (["4563218.37", "4583218.37", "4573218.37"], None, [("progression", "10000.00", [1, 2, 3])]),
        # Two series in one tender, and somebody else.
        (
            ["1000003.11", "1000103.11", "1000203.11", "7777123.45", "7778123.45", "7779123.45", "3141592.65"],
            None,
            [("progression", "100.00", [1, 2, 3]), ("progression", "1000.00", [4, 5, 6])],
        ),
        # Each bid 98.5 % of the one above it, rounded to the cent, and to the yuan.
        (["2345678.90", "2310493.72", "2275836.31"], None, [("ratio", "1.015228", [1, 2, 3])]),
        (["98765432.00", "97283951.00", "95824692.00"], None, [("ratio", "1.015228", [1, 2, 3])]),
        # One, two and four steps below the ceiling.
        (["2986543.21", "2973086.42", "2946172.84"], "3000000.00", [("base", "13456.79", [1, 2, 3])]),
        # Around their own mean, which nobody bids.
        (["1000000.13", "1000123.13", "1000369.13", "1000492.13"], None, [("base", "123.00", [1, 2, 3, 4])]),
    ],
)
def test_a_series_of_totals_is_told_with_its_step(
    prices: list[str], ceiling: str | None, expected: list[tuple[str, str, list[int]]]
) -> None:
    assert told(totals(*prices, ceiling=ceiling)) == expected


def test_a_series_says_which_total_has_which_place_and_from_what_it_counts() -> None:
    (found,) = totals("2986543.21", "2973086.42", "2946172.84", ceiling="3000000.00")
    assert found.json == {
        "base": ["ceiling", "3000000.00"],
        "terms": [["bidder-3", "2946172.84", -4], ["bidder-2", "2973086.42", -2], ["bidder-1", "2986543.21", -1]],
        "lines": [],
        "matched": 0,
        "compared": 0,
    }


@pytest.mark.parametrize(
    ("prices", "ceiling"),
    [
        # Three bids that have nothing to do with one another, and those of a real award notice (TV1).
        (["4563218.37", "4491807.02", "4612745.50"], "4800000.00"),
        (["2311110.40", "2296472.00", "2299360.00", "2288231.72"], "2400000.00"),
        # Rounded to ten thousands, and to thousands: any three such prices may lie evenly.
        (["980000.00", "960000.00", "940000.00"], "1000000.00"),
        (["1985000.00", "1970000.00", "1955000.00"], "2000000.00"),
        # Whole percents off a ceiling that is not round: people choose such discounts.
        (["3233333.33", "3200000.00", "3133333.33"], "3333333.33"),
        # A price that the law or the tender sets.
        (["126000.00"] * 5, "126000.00"),
        (["1234567.89"] * 3, None),
        # Two bids prove nothing.
        (["4563218.37", "4573218.37"], "4600000.00"),
        (["1.00", "2.00", "3.00"], "4.00"),
        ([], None),
    ],
)
def test_what_chance_or_law_explains_is_not_told(prices: list[str], ceiling: str | None) -> None:
    assert totals(*prices, ceiling=ceiling) == []


def test_many_bidders_make_chance_likelier_so_more_is_asked() -> None:
    """Three bids that lie evenly four yuan apart are told of three; of thirty bids some three always do."""
    three = ["1000000.01", "1000004.01", "1000008.01"]
    assert len(totals(*three)) == 1
    others = [f"{1_100_000 + 7_919 * n**3 % 2_000_003}.{13 * n % 100:02}" for n in range(27)]
    assert totals(*three, *others) == []


few = settings(max_examples=40, deadline=None)
CENTS = st.integers(100_000_00, 900_000_00)


def money(cents: int | Fraction) -> str:
    return points.form(points.half_up(Fraction(cents) / 100))


@few
@given(CENTS, st.integers(1_000, 50_000), st.integers(3, 8), st.randoms(use_true_random=False))
@example(100_000_00, 1_000, 3, None)
def test_every_progression_beyond_chance_is_found_in_any_order(start: int, step: int, count: int, chance: Any) -> None:
    """On the grain of a cent; a step that the grain explains is another test."""
    start += 1 if start % 10 == 0 else 0
    prices = [money(start + step * n) for n in range(count)]
    if chance is not None:
        chance.shuffle(prices)
    found = totals(*prices)
    assert found[0].kind == "progression"
    assert len(found[0].bidders) == count
    assert Decimal(found[0].value) * 100 == step


@few
@given(CENTS, st.integers(9_500, 9_950), st.integers(3, 6))
def test_every_constant_ratio_is_found_through_the_rounding_to_cents(start: int, rate: int, count: int) -> None:
    exact = [Fraction(start) * Fraction(rate, 10_000) ** n for n in range(count)]
    # Prices that happen to be round say less.
    assume(any(round(total) % 10 for total in exact))
    found = totals(*map(money, exact))
    assert [(each.kind, len(each.bidders)) for each in found] == [("ratio", count)]


@few
@given(st.lists(CENTS, min_size=3, max_size=9, unique=True))
def test_who_is_who_and_in_which_order_changes_nothing(cents: list[int]) -> None:
    there = {f"bidder-{n}": Decimal(money(each)) for n, each in enumerate(cents)}
    back = dict(reversed(there.items()))
    assert regularity.totals(there, None, BOUNDS) == regularity.totals(back, None, BOUNDS)


def test_chance_shows_a_rule_in_no_more_tenders_than_the_odds_say() -> None:
    """Prices in thousands, drawn evenly: 6 of 1 400 tenders showed a rule, twice, and 15 once. Of as few as these, up
    to twice as many as one of a hundred may."""
    chance = random.Random(4711)
    tenders = [[f"{chance.randint(900, 1000)}000.00" for _ in range(3 + n % 7)] for n in range(420)]
    told = sum(totals(*prices, ceiling="1050000.00") != [] for prices in tenders)
    assert told * BOUNDS.odds < 2 * len(tenders)


# --- priced lists

UNITS = [
    "123.45",
    "67.80",
    "4500.00",
    "38.16",
    "912.07",
    "55.55",
    "1380.90",
    "241.33",
    "19.99",
    "77.01",
    "640.50",
    "88.88",
]


def lists(**units: Sequence[str]) -> list[Series]:
    quotes = {name: lines(given_) for name, given_ in units.items()}
    return regularity.lists(quotes, BOUNDS)


def lines(units: Sequence[str], quantity: str = "3.00") -> list[Line]:
    return [Line(Decimal(quantity), Decimal(unit), Decimal("0.00"), False) for unit in units]


def scaled(change: Callable[[Decimal], Decimal], units: Sequence[str] = UNITS) -> list[str]:
    return [points.form(points.half_up(Fraction(change(Decimal(unit))))) for unit in units]


def unrelated(seed: int) -> list[str]:
    return [
        money(int(Decimal(unit) * 100) * (700 + (seed * 7919 * (n + 3) ** 3) % 600) // 1000)
        for n, unit in enumerate(UNITS)
    ]


def test_one_ratio_of_all_unit_prices_is_told_with_its_lines() -> None:
    (found,) = lists(a=UNITS, b=scaled(lambda unit: unit * Decimal("0.965")), c=unrelated(3))
    assert (found.kind, found.bidders, found.matched, found.compared) == ("line-ratio", ("a", "b"), 12, 12)
    assert found.value.startswith("0.965")
    assert found.lines == tuple(range(1, 13))


def test_one_difference_of_all_unit_prices_is_told() -> None:
    (found,) = lists(a=UNITS, b=scaled(lambda unit: unit + 10), c=unrelated(5))
    assert (found.kind, found.bidders, found.value) == ("line-step", ("a", "b"), "10.00")


def test_a_line_or_two_that_were_changed_hide_nothing() -> None:
    (found,) = lists(a=UNITS, b=["200.00", *scaled(lambda unit: unit * Decimal("1.02"))[1:]], c=unrelated(3))
    assert (found.kind, found.matched, found.compared) == ("line-ratio", 11, 12)
    assert found.lines == tuple(range(2, 13))


@pytest.mark.parametrize(
    "units",
    [
        # Nothing to do with one another.
        {"a": UNITS, "b": unrelated(3), "c": unrelated(5)},
        # Set by the tender or by statute: the same for everybody.
        {"a": UNITS, "b": UNITS, "c": UNITS},
        {"a": UNITS, "b": [*UNITS[:6], *unrelated(3)[6:]], "c": [*UNITS[:6], *unrelated(5)[6:]]},
        # Too few lines, and unit prices of which rounding leaves nothing.
        {"a": UNITS[:9], "b": scaled(lambda unit: unit * Decimal("0.965"), UNITS[:9])},
        {"a": ["0.50"] * 20, "b": ["0.49"] * 20},
        {"a": UNITS},
        {},
    ],
)
def test_lists_that_say_nothing_are_not_told(units: Mapping[str, Sequence[str]]) -> None:
    assert lists(**units) == []


def test_lists_of_other_quantities_are_not_held_side_by_side() -> None:
    other = {"a": lines(UNITS), "b": lines(UNITS, "4.00"), "c": lines(unrelated(3))}
    assert regularity.lists(other, BOUNDS) == []


# --- as facts of the advice


def regular(pack: shelf.Pack = NEW_PROCUREMENT, **changed: Any) -> dict[str, Any]:
    value = second(
        pack, next(iter(pack.value["methods"])), prices=("2400003.11", "2410003.11", "2420003.11", "2288231.72")
    )
    value["terms"] |= changed
    return value


def test_a_fact_names_the_item_the_bidders_and_the_prices_it_rests_on() -> None:
    (fact,) = collusion.regular(parsed(regular()))
    assert (fact.kind, fact.json["item"], fact.value) == ("progression", 4, "10000.00")
    assert fact.places == tuple((f"bidder-{n}", None, 0, "opening") for n in (1, 2, 3))
    assert fact.json["series"]["terms"][0] == ["bidder-1", "2400003.11", 0]


def test_the_price_of_the_opening_is_compared_and_not_what_corrections_made_of_it() -> None:
    value = regular()
    quote = {"opening": "2400003.11", "figures": "2400003.11", "words": "2400003.11", "confirmed": True}
    row = {"quantity": "1.00", "unit": "2300000.00", "amount": "2300000.00", "misplaced": False}
    value["bidders"][0]["quote"] = quote | {"lines": [row]}
    definition = parsed(value)
    assert definition.bidders[0].price == Decimal("2300000.00")
    assert [fact.bidders for fact in collusion.regular(definition)] == [("bidder-1", "bidder-2", "bidder-3")]


@pytest.mark.parametrize("pack", [PROCUREMENT, BIDDING, ABROAD], ids=lambda pack: "-".join(pack.key))
def test_packs_that_do_not_compare_prices_keep_their_advice_byte_for_byte(pack: shelf.Pack) -> None:
    """Earlier versions are read for ever; abroad, prices may be opened after the technical marks."""
    definition = parsed(regular(pack))
    assert pack.regular is None
    assert collusion.regular(definition) == []
    data = collusion.Comparison(definition).document(engine="e", salt=bytes(16))
    assert collusion.read(data)["v"] == 1


def test_the_packs_say_since_when_prices_are_known_and_how_sure_each_figure_is() -> None:
    for pack in (NEW_PROCUREMENT, NEW_BIDDING):
        told_ = pack.value["collusion"]
        assert told_["prices"]["known"]["from"] == "opening"
        assert (told_["prices"]["mark"], told_["prices"]["known"]["mark"] in ("V", "K")) == ("U", True)
        assert (
            collusion.read(collusion.Comparison(parsed(regular(pack))).document(engine="e", salt=bytes(16)))["v"] == 2
        )
