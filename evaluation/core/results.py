"""Tally and ranking as the log and the report write them."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.core import points
from evaluation.core.ranking import Ranking
from evaluation.core.tally import Row
from evidence.core.canonical import Object, encode, sha256


def rows_json(rows: Sequence[Row]) -> Object:
    """Body of `ScoresTallied`."""
    return {
        "rows": [
            {
                "bidder": row.bidder,
                "technical": points.form(row.technical),
                "price": points.form(row.price),
                "total": points.form(row.total),
                **({} if row.evaluated is None else {"evaluated": points.form(row.evaluated)}),
            }
            for row in rows
        ]
    }


def parse_rows(body: Object) -> tuple[Row, ...]:
    """Read `rows_json` back."""
    return tuple(
        Row(
            row["bidder"],
            points.parse(row["technical"]),
            points.parse(row["price"]),
            points.parse(row["total"]),
            points.parse(row["evaluated"]) if "evaluated" in row else None,
        )
        for row in body["rows"]
    )


def ranking_json(ranking: Ranking) -> Object:
    """Body of `RankingFixed`."""
    value: Object = {"ranking": [list(place) for place in ranking.places], "candidates": list(ranking.candidates)}
    if ranking.version == 1:
        return value
    return value | {
        "v": ranking.version,
        "ranked": ranking.ranked,
        "excluded": [list(pair) for pair in ranking.excluded],
        "undecided": [[by, matter, list(bidders)] for by, matter, bidders in ranking.undecided],
    }


def parse_ranking(body: Object) -> Ranking:
    """Read `ranking_json` back."""
    places = tuple((str(bidder), int(rank)) for bidder, rank in body["ranking"])
    if "v" not in body:
        return Ranking(places, tuple(body["candidates"]))
    return Ranking(
        places,
        tuple(body["candidates"]),
        body["v"],
        body["ranked"],
        tuple((str(bidder), str(why)) for bidder, why in body["excluded"]),
        tuple((str(by), str(matter), tuple(bidders)) for by, matter, bidders in body["undecided"]),
    )


def ranking_digest(ranking: Ranking) -> bytes:
    """`ranking` of `ReportFrozen`: SHA-256 of the canonical body of `RankingFixed`."""
    return sha256(encode(ranking_json(ranking)))
