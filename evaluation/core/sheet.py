"""Score sheets: the plaintext P that a member seals (protocols.md section 3, docs/protocol.md 2.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from evaluation.core import points
from evaluation.core.tender import Scoring
from evaluation.errors import (
    ScoreDuplicated,
    ScoreMalformed,
    ScoreMissing,
    ScoreOutOfOrder,
    ScoreOutOfRange,
    ScoreUnknownItem,
    SheetMalformed,
    SheetMisplaced,
    SheetTooLarge,
)
from evidence.core.canonical import Object, b64u, decode_object, encode, members, unb64u
from evidence.errors import Malformed

# protocols.md section 3: larger tenders would seal several parts.
MAX_PLAINTEXT = 40_000
SALT_BYTES = 32
PART = [1, 1]

Item = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """What every plaintext is bound to."""

    aud: str
    seat: str
    round: int
    definition: bytes


@dataclass(frozen=True, slots=True)
class Sheet:
    """An opened sheet: one score for each valid bidder and each leaf criterion."""

    seat: str
    scores: Mapping[Item, Decimal]

    @property
    def sums(self) -> dict[str, Decimal]:
        """The exact technical sum of every bidder, in one pass."""
        scores: dict[str, list[Decimal]] = {}
        for (bidder, _), score in self.scores.items():
            scores.setdefault(bidder, []).append(score)
        return {bidder: points.total(found) for bidder, found in scores.items()}

    def sum_of(self, bidder: str) -> Decimal:
        """The exact technical sum of one bidder."""
        return points.total([score for (found, _), score in self.scores.items() if found == bidder])


def items(scoring: Scoring, valid: Sequence[str]) -> tuple[tuple[Item, Decimal], ...]:
    """Every (bidder, criterion) with its maximum: bidder by bidder, criterion by criterion, as in the definition."""
    return tuple(
        ((bidder, criterion), maximum)
        for bidder, _ in scoring.bidders
        if bidder in valid
        for criterion, maximum in scoring.criteria
    )


def build(place: Place, scores: Mapping[Item, Decimal], asked: Sequence[tuple[Item, Decimal]], salt: bytes) -> bytes:
    """The plaintext P of these scores; refuses what `parse` would refuse, so that a bad sheet is never sealed."""
    rows: list[list[object]] = []
    for item, _ in asked:
        if item not in scores:
            raise ScoreMissing(f"no score for {item[0]}, {item[1]}")
        try:
            rows.append([*item, points.form(scores[item]), None])
        except (ValueError, ArithmeticError) as error:
            raise ScoreMalformed(f"the score for {item[0]}, {item[1]} is no decimal with two places") from error
    if extra := set(scores) - {item for item, _ in asked}:
        raise ScoreUnknownItem(f"{sorted(extra)[0]} is not asked for")
    plaintext = encode(head(place, salt) | {"items": rows})
    parse(plaintext, place, asked)
    return plaintext


def parse(plaintext: bytes, place: Place, asked: Sequence[tuple[Item, Decimal]]) -> Sheet:
    """Read P strictly: right place, and exactly the scores asked for, in their order and range."""
    value = read(plaintext, place, {"items": list})
    rows = value["items"]
    seen: set[Item] = set()
    maxima = dict(asked)
    scores: dict[Item, Decimal] = {}
    for row in rows:
        if not isinstance(row, list) or len(row) != 4 or not isinstance(row[0], str) or not isinstance(row[1], str):
            raise SheetMalformed("an item is [bidder, criterion, score, comment digest or null]")
        item = (row[0], row[1])
        if item not in maxima:
            raise ScoreUnknownItem(f"{row[0][:40]}, {row[1][:40]} is not asked for")
        if item in seen:
            raise ScoreDuplicated(f"{row[0]}, {row[1]} stands twice")
        seen.add(item)
        scores[item] = _score(row[2], maxima[item])
        if row[3] is not None:
            _digest(row[3])
    for item in maxima:
        if item not in seen:
            raise ScoreMissing(f"no score for {item[0]}, {item[1]}")
    if list(scores) != list(maxima):
        raise ScoreOutOfOrder("items stand in another order than the definition's")
    return Sheet(place.seat, scores)


def head(place: Place, salt: bytes) -> Object:
    """The members that sheets and ballots share. The salt keeps a commitment from being guessed."""
    if len(salt) != SALT_BYTES:
        raise SheetMalformed("a plaintext takes 32 bytes of salt")
    return {
        "aud": place.aud,
        "definition": b64u(place.definition),
        "part": PART,
        "round": place.round,
        "salt": b64u(salt),
        "seat": place.seat,
        "v": 1,
    }


def read(plaintext: bytes, place: Place, more: Mapping[str, type]) -> Object:
    """A plaintext's members, checked to be canonical and bound to `place`."""
    if len(plaintext) > MAX_PLAINTEXT:
        raise SheetTooLarge(f"{len(plaintext)} bytes")
    shared = {"aud": str, "definition": str, "part": list, "round": int, "salt": str, "seat": str, "v": int}
    try:
        value = members(decode_object(plaintext), {**shared, **more})
        unb64u(value["salt"], SALT_BYTES)
        canonical = encode(value) == plaintext
    except Malformed as error:
        raise SheetMalformed(str(error)) from error
    if value["v"] != 1 or encode(value["part"]) != encode(PART) or not canonical:
        raise SheetMalformed("unknown version or part, or not in canonical form")
    found = (value["aud"], value["seat"], value["round"], value["definition"])
    if found != (place.aud, place.seat, place.round, b64u(place.definition)):
        raise SheetMisplaced("made for another log, seat, round or definition")
    return value


def _score(text: object, maximum: Decimal) -> Decimal:
    try:
        score = points.parse(text)
    except ValueError as error:
        raise ScoreMalformed("a score is a decimal with exactly two places") from error
    if score > maximum:
        raise ScoreOutOfRange(f"{score} of at most {maximum}")
    return score


def _digest(text: object) -> None:
    try:
        unb64u(text, 32)
    except Malformed as error:
        raise SheetMalformed("the fourth member is null or a digest") from error
