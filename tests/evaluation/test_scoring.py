"""Points, price, tally and ranking: 87号令 55 and 57, and the vectors of the domain study (section 1.9)."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.core import points
from evaluation.core.price import price_points
from evaluation.core.ranking import candidates, rank
from evaluation.core.results import parse_ranking, parse_rows, ranking_json, rows_json
from evaluation.core.sheet import Sheet
from evaluation.core.tally import Row, tally

D = Decimal
TV1_PRICES = {"a": D("2311110.40"), "b": D("2296472.00"), "c": D("2299360.00"), "d": D("2288231.72")}
TV1_TECHNICAL = {"a": "49.50", "b": "56.00", "c": "49.00", "d": "75.00"}


def one_sheet(technical: dict[str, str], seat: str = "seat-1") -> Sheet:
    return Sheet(seat, {(bidder, "all"): D(text) for bidder, text in technical.items()})


def test_the_award_notice_is_reproduced() -> None:
    """TV1: totals 69.30, 75.93, 68.90, 95.00, ranks 3, 2, 4, 1."""
    rows = tally([one_sheet(TV1_TECHNICAL)], prices=TV1_PRICES, weight=D("20.00"))
    assert [str(row.price) for row in rows] == ["19.80", "19.93", "19.90", "20.00"]
    assert [str(row.total) for row in rows] == ["69.30", "75.93", "68.90", "95.00"]
    ranking = rank(rows, TV1_PRICES)
    assert ranking.places == (("d", 1), ("b", 2), ("a", 3), ("c", 4))
    assert ranking.candidates == ("d", "b", "a")


TV2_PRICES = {"A": D("144.00"), "B": D("81.00")}
TV2_TECHNICAL = {"A": "60.00", "B": "55.62"}


def test_rounding_half_up_decides_the_winner() -> None:
    """TV2: 5.625 becomes 5.63, so A leads by 0.01."""
    rows = tally([one_sheet(TV2_TECHNICAL)], prices=TV2_PRICES, weight=D("10.00"))
    assert [(row.bidder, str(row.price), str(row.total)) for row in rows] == [
        ("A", "5.63", "65.63"),
        ("B", "10.00", "65.62"),
    ]
    assert rank(rows, TV2_PRICES).places == (("A", 1), ("B", 2))


def test_binary_floats_name_another_winner() -> None:
    """TV2 with the control switched off: `round` on floats ties both, and the lower price wins wrongly."""
    totals = {name: D(TV2_TECHNICAL[name]) + D(str(round(81 / float(p) * 10, 2))) for name, p in TV2_PRICES.items()}
    rows = [Row(name, D(TV2_TECHNICAL[name]), total - D(TV2_TECHNICAL[name]), total) for name, total in totals.items()]
    assert rank(rows, TV2_PRICES).places[0] == ("B", 1)


def test_the_mean_is_rounded_once_and_not_its_parts() -> None:
    """Issue 2: the mean of the exact sums is rounded, not each sheet."""
    sheets = [
        Sheet(f"seat-{i}", {("a", "x"): D("10.01"), ("a", "y"): D(y)}) for i, y in enumerate(("0.00", "0.01", "0.01"))
    ]
    (row,) = tally(sheets, prices={"a": D("1.00")}, weight=D("10.00"))
    assert row.technical == D("10.02")
    assert points.half_up(Fraction(30049, 3000)) == D("10.02")
    assert points.half_up(Fraction(10015, 1000)) == D("10.02")
    assert points.half_up(Fraction(10014999, 1000000)) == D("10.01")


def test_the_lowest_price_takes_the_whole_weight_and_none_is_trimmed() -> None:
    """87号令 55: no highest or lowest quote is left out."""
    assert price_points(price=D("0.01"), lowest=D("0.01"), weight=D("30.00")) == D("30.00")
    rows = tally(
        [one_sheet({"a": "0.00", "b": "0.00", "c": "0.00"})],
        prices={"a": D("1.00"), "b": D("100.00"), "c": D("1000000.00")},
        weight=D("30.00"),
    )
    assert [str(row.price) for row in rows] == ["30.00", "0.30", "0.00"]


def row(bidder: str, total: str) -> Row:
    return Row(bidder, D(total), D("0.00"), D(total))


def test_equal_totals_are_ranked_by_price_and_equal_prices_share_a_rank() -> None:
    """87号令 57."""
    prices = {"a": D("2.00"), "b": D("1.00"), "c": D("1.00"), "d": D("1.00")}
    ranking = rank([row("a", "90.00"), row("b", "90.00"), row("c", "90.00"), row("d", "80.00")], prices)
    assert ranking.places == (("b", 1), ("c", 1), ("a", 3), ("d", 4))
    assert ranking.candidates == ("b", "c", "a")


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [
        ((1, 2, 3, 4), "abc"),
        ((1, 2, 3, 3), "ab"),
        ((1, 2, 2, 2), "a"),
        ((1, 1, 1, 4), "abc"),
        ((1, 1, 1, 1), "abcd"),
        ((1, 1, 3, 3), "ab"),
    ],
)
def test_at_most_three_candidates_and_equal_ranks_stand_together(ranks: tuple[int, ...], expected: str) -> None:
    """招标投标法实施条例 53: at most three; a group of equal rank is not cut, and the first is never left out."""
    assert "".join(candidates(list(zip("abcd", ranks, strict=True)))) == expected


scores = st.decimals(min_value=0, max_value=40, places=2)


@given(st.lists(st.tuples(scores, scores, scores), min_size=1, max_size=9), st.randoms(use_true_random=False))
def test_the_order_of_the_sheets_changes_nothing(rows: list[tuple[Decimal, ...]], rng: random.Random) -> None:
    """Votes are equal (87号令 55)."""
    bidders = ("a", "b", "c")
    prices = {"a": D("3.00"), "b": D("2.00"), "c": D("7.00")}
    sheets = [Sheet(f"seat-{i}", {(b, "x"): s for b, s in zip(bidders, r, strict=True)}) for i, r in enumerate(rows)]
    shuffled = sheets[:]
    rng.shuffle(shuffled)
    first, second = (tally(order, prices=prices, weight=D("20.00")) for order in (sheets, shuffled))
    assert first == second
    assert rank(first, prices) == rank(second[::-1], prices)


@given(st.fractions(min_value=0, max_value=10**9))
def test_half_up_is_within_half_a_cent_and_never_below_the_middle(exact: Fraction) -> None:
    rounded = Fraction(points.half_up(exact))
    assert Fraction(-1, 200) < rounded - exact <= Fraction(1, 200)


@pytest.mark.parametrize("text", ["12.5", "12", "012.50", "+1.00", "-1.00", "1.000", "1e2", "NaN", "Infinity", ".50"])
def test_only_plain_decimals_with_two_places_are_read(text: str) -> None:
    with pytest.raises(ValueError, match="two places"):
        points.parse(text)


@pytest.mark.parametrize("text", ["１２.５０", "1٢.50", " 1.00", "1.00\n", "1_0.00", "1,000.00", 1, None, 12.5, True])
def test_other_digits_and_types_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match="two places"):
        points.parse(text)


@pytest.mark.parametrize("value", ["NaN", "-0.00", "-1", "1.001", "Infinity"])
def test_nothing_is_rounded_on_writing(value: str) -> None:
    with pytest.raises(ValueError, match="two places"):
        points.form(D(value))


def test_results_are_read_back_as_written() -> None:
    rows = tally([one_sheet(TV1_TECHNICAL)], prices=TV1_PRICES, weight=D("20.00"))
    assert parse_rows(rows_json(rows)) == rows
    ranking = rank(rows, TV1_PRICES)
    assert parse_ranking(ranking_json(ranking)) == ranking
