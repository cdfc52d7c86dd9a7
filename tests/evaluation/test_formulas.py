"""Prices by every formula, with figures worked out by hand (domain study 1.9; 标准施工招标文件 2007)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.core.benchmark import Benchmark, deducted
from evaluation.core.outcome import Outcome, outcome
from evaluation.core.sheet import Sheet
from evaluation.errors import StageIncomplete, TermsRefused
from tests.evaluation.packs import (
    ABROAD,
    BIDDING,
    DEVIATION,
    NEW_BIDDING,
    NEW_PROCUREMENT,
    PROCUREMENT,
    parsed,
    second,
)
from tests.ranking import second as other

D = Decimal
Totals = tuple[str, ...]


def result(value: dict[str, Any], *sheets: Totals, lots: dict[str, list[str]] | None = None) -> Outcome:
    """The outcome where each sheet gives the i-th bidder a technical sum, whatever the criteria are."""
    scoring = parsed(value).scoring
    names = [bidder for bidder, _ in scoring.bidders]
    made = [
        Sheet(f"seat-{n}", {(b, "all"): D(t) for b, t in zip(names, row, strict=True)}) for n, row in enumerate(sheets)
    ]
    return outcome(scoring, names, made, lots)


def both(value: dict[str, Any], *sheets: Totals, lots: dict[str, list[str]] | None = None) -> Outcome:
    """The same, once the client's own ranking has said it, too."""
    found, scoring = result(value, *sheets, lots=lots), parsed(value).scoring
    names = [bidder for bidder, _ in scoring.bidders]
    given = [[[b, "all", t, None] for b, t in zip(names, row, strict=True)] for row in sheets]
    told = other.ask({"scoring": scoring.json, "valid": names, "sheets": given, "lots": lots or {}})
    assert (told["rows"], told["ranking"]) == (found.tallied["rows"], found.ranked)
    assert told["base"] == found.tallied.get("base")
    return found


def prices(found: Outcome) -> list[str]:
    return [str(row.price) for row in found.rows]


def deviating(*quotes: str, pack: Any = BIDDING, **change: Any) -> dict[str, Any]:
    """Comprehensive evaluation, price weight 60, with this benchmark."""
    value = second(pack, "comprehensive-evaluation", prices=quotes)
    value["weights"] = {"technical": "40.00", "price": "60.00"}
    value["criteria"] = [{"id": "plan", "name": "方案", "max": "40.00", "children": []}]
    value["terms"]["price"] = DEVIATION | change
    return value


ZERO = ("0.00",) * 4


def test_deviation_from_the_mean() -> None:
    """Mean 100: 104 loses 4 x 1, 102 loses 2 x 1, 98 loses 2 x 0.5, 96 loses 4 x 0.5."""
    found = result(deviating("104.00", "102.00", "98.00", "96.00"), ZERO)
    assert found.base == D("100.00")
    assert prices(found) == ["56.00", "58.00", "59.00", "58.00"]


def test_parts_of_a_percent_cost_their_part() -> None:
    """Mean 100: 100.33 is 0.33 % above and loses 0.33, 99.67 is 0.33 % below and loses 0.165, rounded half up once."""
    found = result(deviating("100.33", "99.67", "100.00", "100.00"), ZERO)
    assert prices(found) == ["59.67", "59.84", "60.00", "60.00"]


def test_one_highest_and_one_lowest_are_left_out_from_n_quotes_on() -> None:
    """100, 100, 106, 50: without 50 and 106 the base is 100; with one more quote asked for, nothing is left out."""
    quotes = ("100.00", "100.00", "106.00", "50.00")
    trimmed = result(deviating(*quotes, base="trimmed-mean", trim_from=4), ZERO)
    assert trimmed.base == D("100.00")
    assert prices(trimmed) == ["60.00", "60.00", "54.00", "35.00"]
    assert result(deviating(*quotes, base="trimmed-mean", trim_from=5), ZERO).base == D("89.00")


def test_of_equal_highest_quotes_exactly_one_is_left_out() -> None:
    """Domain study 1.9 E: 120, 120, 90, 60 keep 120 and 90."""
    assert result(deviating("120.00", "120.00", "90.00", "60.00", base="trimmed-mean", trim_from=4), ZERO).base == 105


def test_the_ceiling_is_mixed_in_and_the_drawn_coefficient_lowers_the_base() -> None:
    """Ceiling 200 at 40 %, mean 100 at 60 %: 140; lowered by 5 %: 133."""
    value = deviating("104.00", "102.00", "98.00", "96.00", base="ceiling-mix", ceiling="200.00", share="40.00")
    value["terms"]["ceiling"] = "200.00"
    assert result(value, ZERO).base == D("140.00")
    value["terms"]["price"]["drop"] = "5.00"
    assert result(value, ZERO).base == D("133.00")


def test_slopes_may_grow_with_the_distance_and_no_price_falls_below_zero() -> None:
    """Above: 1 for each of the first 3 percent, 2 beyond. 110 loses 3 + 14 = 17; 200 loses more than there is."""
    steep = {"above": [["3.00", "1.00"], [None, "2.00"]]}
    assert deducted(Fraction(110), Fraction(100), [(D(3), D(1)), (None, D(2))], [(None, D(1))]) == 17
    assert prices(result(deviating("400.00", "10.00", "10.00", "20.00", **steep), ZERO))[0] == "0.00"


def test_reasonable_low_price_is_the_price_alone() -> None:
    """公路工程标准施工招标文件 2018: 100 points for the price, nothing is scored."""
    value = second(BIDDING, "reasonable-low-price", prices=("104.00", "102.00", "98.00", "96.00"))
    found = result(value, ZERO)
    assert prices(found) == ["96.00", "98.00", "99.00", "98.00"]
    assert found.ranking.places == (("bidder-3", 1), ("bidder-4", 2), ("bidder-2", 3), ("bidder-1", 4))


def test_lowest_evaluated_price_with_policy_deduction() -> None:
    """87号令 54, 56; 财库〔2020〕46号: P x (1 - 10 %) orders, and the contract price stays."""
    value = second(PROCUREMENT, "lowest-evaluated-price", prices=("100.00", "95.00", "90.00", "90.00"))
    value["terms"]["rates"] = {"small": "10.00"}
    value["bidders"][0]["policy"] = "small"
    found = result(value, ZERO)
    assert [str(row.evaluated) for row in found.rows] == ["90.00", "95.00", "90.00", "90.00"]
    assert found.ranking.places == (("bidder-1", 1), ("bidder-3", 1), ("bidder-4", 1), ("bidder-2", 4))
    assert parsed(value).bidders[0].price == 100


def test_an_adjusted_price_stands_in_both_places_of_the_formula() -> None:
    """87号令 55: with 10 % off, 100 becomes 90 and is the lowest: 90/95 x 20."""
    value = second(prices=("100.00", "95.00", "95.00", "180.00"))
    value["terms"]["rates"] = {"small": "10.00"}
    value["bidders"][0]["policy"] = "small"
    assert prices(result(value, ZERO)) == ["20.00", "18.95", "18.95", "10.00"]


def test_reviewed_lowest_price_quantifies_deviations() -> None:
    """12号令 30-33: equal evaluated prices go by the lower quote, then the buyer decides."""
    value = second(BIDDING, "reviewed-lowest-price", prices=("95.00", "100.00", "100.00", "120.00"))
    value["bidders"][0]["plus"] = "5.00"
    value["bidders"][3] |= {"minus": "40.00"}
    found = result(value, ZERO).ranking
    assert found.places == (("bidder-4", 1), ("bidder-1", 2), ("bidder-2", 3), ("bidder-3", 3))
    assert found.undecided == (("buyer", "place-3", ("bidder-2", "bidder-3")),)
    assert found.candidates == ("bidder-4", "bidder-1")


def test_a_lot_settles_equal_bidders_where_the_tender_says_so() -> None:
    """Domain checklist 23: as declared."""
    value = second(BIDDING, "reviewed-lowest-price", prices=("100.00", "100.00", "90.00", "120.00"))
    value["terms"]["tie"] = "lot"
    assert result(value, ZERO).ranking.undecided == (("lot", "place-2", ("bidder-1", "bidder-2")),)
    settled = result(value, ZERO, lots={"place-2": ["bidder-2", "bidder-1"]}).ranking
    assert settled.places == (("bidder-3", 1), ("bidder-2", 2), ("bidder-1", 3), ("bidder-4", 4))
    assert settled.undecided == ()
    foreign = result(value, ZERO, lots={"place-2": ["bidder-2", "bidder-3"]}).ranking
    assert foreign.undecided == (("lot", "place-2", ("bidder-1", "bidder-2")),)


def test_of_one_brand_only_the_best_stands_and_equal_ones_draw_lots() -> None:
    """87号令 31."""
    value = second(prices=("100.00", "100.00", "100.00", "100.00"))
    for i in (0, 1, 2):
        value["bidders"][i]["brand"] = "acme"
    found = result(value, ("50.00", "60.00", "55.00", "40.00")).ranking
    assert found.places == (("bidder-2", 1), ("bidder-4", 2))
    assert found.excluded == (("bidder-1", "same-brand"), ("bidder-3", "same-brand"))
    equal = ("60.00", "60.00", "55.00", "40.00")
    assert result(value, equal).ranking.undecided == (("lot", "brand-acme", ("bidder-1", "bidder-2")),)
    drawn = result(value, equal, lots={"brand-acme": ["bidder-1", "bidder-2"]}).ranking
    assert drawn.places == (("bidder-1", 1), ("bidder-4", 2))


def test_of_one_brand_the_highest_total_stands_whatever_its_price() -> None:
    """87号令 31: 评审得分相同的 decides, not the price. 64 + 80/100 x 20 = 80.00, and 60 + 80/80 x 20 = 80.00."""
    value = second(NEW_PROCUREMENT, prices=("100.00", "80.00", "100.00", "160.00"))
    value["bidders"][0]["brand"] = value["bidders"][1]["brand"] = "acme"
    equal = ("64.00", "60.00", "50.00", "40.00")
    # What the tender document does not settle is drawn; the older version gave it to the cheaper one.
    silent = both(value, equal)
    assert [str(row.total) for row in silent.rows] == ["80.00", "80.00", "66.00", "50.00"]
    assert silent.ranking.undecided == (("lot", "brand-acme", ("bidder-1", "bidder-2")),)
    drawn = both(value, equal, lots={"brand-acme": ["bidder-1", "bidder-2"]}).ranking
    assert drawn.places == (("bidder-1", 1), ("bidder-3", 2), ("bidder-4", 3))
    assert drawn.excluded == (("bidder-2", "same-brand"),)
    # The tender document's way.
    for way, out in (("price", "bidder-1"), ("technical", "bidder-2")):
        value["terms"]["brand"] = way
        found = both(value, equal).ranking
        assert (found.excluded, found.undecided) == (((out, "same-brand"),), ())
    # A higher total needs no way.
    better = both(value, ("64.01", "60.00", "50.00", "40.00")).ranking
    assert better.excluded == (("bidder-2", "same-brand"),)
    value |= {"rule_pack": PROCUREMENT.json}
    del value["terms"]["brand"]
    assert both(value, equal).ranking.excluded == (("bidder-1", "same-brand"),)


def test_of_one_brand_the_lowest_quote_takes_part_not_the_lowest_evaluated_price() -> None:
    """87号令 31: 报价最低的参加评标. 100 less 10 % is evaluated at 90, but 95 was quoted."""
    value = second(NEW_PROCUREMENT, "lowest-evaluated-price", prices=("100.00", "95.00", "90.00", "120.00"))
    value["terms"]["rates"] = {"small": "10.00"}
    value["bidders"][0] |= {"policy": "small", "brand": "acme"}
    value["bidders"][1]["brand"] = "acme"
    found = both(value, ZERO).ranking
    assert found.excluded == (("bidder-1", "same-brand"),)
    assert found.places == (("bidder-3", 1), ("bidder-2", 2), ("bidder-4", 3))
    value["bidders"][1]["price"] = "100.00"
    assert both(value, ZERO).ranking.undecided == (("lot", "brand-acme", ("bidder-1", "bidder-2")),)
    value |= {"rule_pack": PROCUREMENT.json}
    assert both(value, ZERO).ranking.excluded == (("bidder-2", "same-brand"),)


def test_the_drawn_coefficient_lowers_the_base_and_none_is_tallied_before() -> None:
    """Mean 100. Drawn 4 %: base 96, 104 loses 8.33, 102 loses 6.25, 98 loses 2.08. Drawn 2 %: base 98, 96 loses
    2.04 x 0.5."""
    candidates = ["2.00", "5.00", "4.00"]
    value = deviating("104.00", "102.00", "98.00", "96.00", pack=NEW_BIDDING, drop=candidates)
    for lots in (None, {"coefficient": ["4.00", "5.00"]}, {"coefficient": ["4.00", "5.00", "3.00"]}):
        with pytest.raises(StageIncomplete):
            result(value, ZERO, lots=lots)
    four = both(value, ZERO, lots={"coefficient": ["4.00", "2.00", "5.00"]})
    assert (str(four.base), prices(four)) == ("96.00", ["51.67", "53.75", "57.92", "60.00"])
    two = both(value, ZERO, lots={"coefficient": ["2.00", "5.00", "4.00"]})
    assert (str(two.base), prices(two)) == ("98.00", ["53.88", "55.92", "60.00", "58.98"])


def test_small_firms_in_works_get_more_points_where_no_lowest_price_is_scored() -> None:
    """财库〔2020〕46号 9: 104 deviates by 4 %, 56 of 60 points; 5 % more are 58.80. Price and base stay."""
    value = deviating("104.00", "102.00", "98.00", "96.00", pack=NEW_BIDDING) | {"category": "works"}
    value["terms"]["rates"] = {"small": "5.00"}
    value["bidders"][0]["policy"] = "small"
    found = both(value, ZERO)
    assert (found.base, prices(found)) == (D("100.00"), ["58.80", "58.00", "59.00", "58.00"])
    assert str(found.rows[0].evaluated) == "104.00"


def test_small_firms_in_works_are_evaluated_at_less_where_the_lowest_price_counts() -> None:
    """财库〔2020〕46号 9: 100 less 5 % is 95, before 96; a group with small firms gets 2 %: 98."""
    value = second(NEW_BIDDING, "reviewed-lowest-price", prices=("100.00", "100.00", "96.00", "99.00"))
    value |= {"category": "works"}
    value["terms"]["rates"] = {"small": "5.00", "joint": "2.00"}
    value["bidders"][0]["policy"], value["bidders"][1]["policy"] = "small", "joint"
    found = both(value, ZERO)
    assert [str(row.evaluated) for row in found.rows] == ["95.00", "98.00", "96.00", "99.00"]
    assert [bidder for bidder, _ in found.ranking.places] == ["bidder-1", "bidder-3", "bidder-2", "bidder-4"]


def test_more_than_five_sheets_are_trimmed_under_the_newest_pack() -> None:
    """Domain study 1.9 E: more than five. 10, 10, 20, 30, 30, 30, 45 keep five of mean 24; all seven have 25."""
    value = second(NEW_BIDDING, "comprehensive-evaluation")
    value["terms"]["trim_sheets"] = 6
    marks = ("10.00", "10.00", "20.00", "30.00", "30.00", "30.00", "45.00")
    sheets = [(mark, *("0.00",) * 3) for mark in marks]
    assert str(both(value, *sheets).rows[0].technical) == "24.00"
    assert str(both(value, *sheets[:5]).rows[0].technical) == "20.00"
    value["terms"]["trim_sheets"] = 5
    with pytest.raises(TermsRefused):
        parsed(value)


def test_coefficients_as_prozorro_weighs_them() -> None:
    """30 % for criteria: 15 points make 1 + 0.15/0.7, so 340 counts as 280.00; 0 points leave 300."""
    value = second(ABROAD, "coefficients", prices=("340.00", "300.00", "299.99", "400.00"))
    found = result(value, ("15.00", "0.00", "0.00", "30.00"))
    assert [str(row.evaluated) for row in found.rows] == ["280.00", "300.00", "299.99", "280.00"]
    assert found.ranking.places == (("bidder-1", 1), ("bidder-4", 2), ("bidder-3", 3), ("bidder-2", 4))


def test_quality_and_cost_as_the_world_bank_weighs_them() -> None:
    """80/20, least mark 60: St x 0.8 + Fm/F x 20; a bid below the mark does not count, not even as the lowest price."""
    value = second(ABROAD, "quality-and-cost", prices=("200.00", "100.00", "125.00", "1.00"))
    found = result(value, ("90.00", "75.00", "80.00", "59.99"))
    assert [(row.bidder, str(row.technical), str(row.price), str(row.total)) for row in found.rows] == [
        ("bidder-1", "72.00", "10.00", "82.00"),
        ("bidder-2", "60.00", "20.00", "80.00"),
        ("bidder-3", "64.00", "16.00", "80.00"),
    ]
    assert found.ranking.places == (("bidder-1", 1), ("bidder-3", 2), ("bidder-2", 3))
    assert found.ranking.excluded == (("bidder-4", "below-least-technical"),)


def test_sheets_are_trimmed_by_exactly_one_highest_and_one_lowest() -> None:
    """Domain checklist 19: 10, 10, 20, 30, 30 keep 10, 20, 30; untrimmed it is 20, too, so one is moved."""
    value = second(BIDDING, "comprehensive-evaluation")
    marks = ("10.00", "10.00", "21.00", "30.00", "40.00")
    sheets = [(mark, *("0.00",) * 3) for mark in marks]
    assert str(result(value, *sheets).rows[0].technical) == "22.20"
    value["terms"]["trim_sheets"] = 5
    assert str(result(value, *sheets).rows[0].technical) == "20.33"
    assert str(result(value, *sheets[:4]).rows[0].technical) == "17.75"


def test_a_price_fixed_by_the_state_is_not_weighed() -> None:
    """87号令 55."""
    value = second()
    value["weights"] = {"technical": "100.00", "price": "0.00"}
    value["criteria"] = [{"id": "plan", "name": "方案", "max": "100.00", "children": []}]
    value["terms"]["price"] = {"kind": "fixed"}
    assert prices(result(value, ("90.00", "80.00", "70.00", "60.00"))) == ["0.00"] * 4


def test_unranked_candidates_stand_in_the_tenders_order() -> None:
    """评定分离: who is best is not said."""
    value = second(BIDDING, "comprehensive-evaluation", prices=("100.00",) * 4)
    value["terms"] |= {"ranked": False, "candidates": 2}
    found = result(value, ("10.00", "20.00", "30.00", "40.00")).ranking
    assert (found.places, found.candidates, found.ranked) == ((), ("bidder-3", "bidder-4"), False)


@given(
    st.lists(st.integers(1, 10**9), min_size=1, max_size=20),
    st.integers(2, 100),
    st.sampled_from(("mean", "trimmed-mean")),
)
def test_the_benchmark_lies_between_the_quotes_and_scales_with_them(quotes: list[int], factor: int, kind: str) -> None:
    """Dearer by a factor for all changes no deviation."""
    how = Benchmark(kind, 4 if kind == "trimmed-mean" else None, None, D("0.00"), D("0.00"))
    exact = [Fraction(quote, 100) for quote in quotes]
    base = how.base(exact)
    assert min(exact) <= base <= max(exact)
    assert how.base([price * factor for price in exact]) == base * factor


# --- corrections


def quoted(pack_method: tuple[Any, str], **change: Any) -> dict[str, Any]:
    value = second(*pack_method)
    figures = value["bidders"][0]["price"]
    quote = {"opening": figures, "figures": figures, "words": figures, "lines": [], "confirmed": True}
    value["bidders"][0]["quote"] = quote | change
    value["bidders"][0]["price"] = change.get("opening", figures)
    return value


SCORING, WORKS = (PROCUREMENT, "comprehensive-scoring"), (BIDDING, "comprehensive-evaluation")


def line(quantity: str, unit: str, amount: str, misplaced: bool = False) -> dict[str, Any]:
    return {"quantity": quantity, "unit": unit, "amount": amount, "misplaced": misplaced}


@pytest.mark.parametrize(
    ("tender", "change", "price", "rules"),
    [
        (SCORING, {}, "2311110.40", ()),
        (SCORING, {"opening": "2300000.00"}, "2300000.00", ("opening-summary",)),
        (SCORING, {"words": "2300000.00"}, "2300000.00", ("words",)),
        (SCORING, {"opening": "2200000.00", "words": "2300000.00"}, "2200000.00", ("opening-summary",)),
        (SCORING, {"lines": [line("2.00", "1000000.00", "2311110.40")]}, "2000000.00", ("unit-prices",)),
        (SCORING, {"lines": [line("2.00", "10000.00", "2311110.40", True)]}, "2311110.40", ()),
        (SCORING, {"lines": [line("3.00", "0.33", "1.00"), line("1.00", "5.00", "5.00")]}, "5.99", ("unit-prices",)),
        (WORKS, {"words": "2300000.00"}, "2300000.00", ("words",)),
        (WORKS, {"words": "5.00", "lines": [line("1.00", "7.00", "7.00")]}, "7.00", ("words", "unit-prices")),
    ],
)
def test_prices_are_corrected_in_the_order_of_the_law(
    tender: tuple[Any, str], change: dict[str, Any], price: str, rules: tuple[str, ...]
) -> None:
    """87号令 59; 12号令 19."""
    bidder = parsed(quoted(tender, **change)).bidders[0]
    assert (str(bidder.price), bidder.corrected) == (price, rules)


def test_a_correction_that_the_bidder_does_not_confirm_makes_the_bid_invalid() -> None:
    """87号令 59; a bid without any correction needs no confirmation."""
    refused = parsed(quoted(SCORING, words="2300000.00", confirmed=False)).terms
    assert refused is not None
    assert refused.bids[0].void == "correction-unconfirmed"
    silent = parsed(quoted(SCORING, confirmed=False)).terms
    assert silent is not None
    assert silent.bids[0].void is None
