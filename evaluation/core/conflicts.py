"""Facts that keep an expert out of a draw (政府采购法实施条例 9, 财库〔2016〕198号 16; 12号令 12; 招标投标法 37).

What a pool knows of its candidates stands in its leaves, so it was there before anybody knew the bidders:
`"employers"`, `"boards"`, `"shares"` are `[[code, from day, until day or null]…]`, `"kin"` the codes of those to whose
heads the expert declared to be related; each code is `blinded` by the leaf's own salt, and a leaf's reference is the
custodian's, no name. The filter of a draw names the bidders and the day from which the years count back. Whoever reads
a partition with its candidates finds again who had to be left out and that everybody else was not; of other
organisations, and of who is who, it tells nothing to a reader who does not try all codes that there are.
Grounds that no leaf can know (a declaration, a block list) are a person's, and stand there with their evidence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from evaluation.core import credit_code, draw
from evaluation.draw_errors import DrawRefused
from evidence.core.canonical import (
    JSON,
    Object,
    ascii_bytes,
    b64u,
    decode_object,
    encode,
    members,
    sha256,
    tagged,
    unb64u,
    z,
)
from evidence.errors import Malformed

YEARS = 3
"""政府采购法实施条例 9: within three years before the procurement."""
EMPLOYED, BOARD = "employed-by-a-bidder", "on-a-bidders-board"
SHARES, KIN = "holds-a-bidders-shares", "related-to-a-bidders-head"
_LISTS = {"employers": EMPLOYED, "boards": BOARD, "shares": SHARES}
OF_FACTS = frozenset({EMPLOYED, BOARD, SHARES, KIN})
_SALT_BYTES = 16
# A working life; a larger number is an error of typing.
_MOST_YEARS = 50
MAX_BYTES = 4 * 1024 * 1024
"""Of the facts of one pool: some twenty thousand candidates."""
# A custodian's reference: letters that no name is written in, or a digest.
_REF = re.compile(r"[A-Za-z0-9_-]{1,60}", re.ASCII)

Row = tuple[str, int, bool, str, str]
"""A line of the partition: salt, index, in, ground, evidence digest."""
Candidate = tuple[str, str, Object]
"""A leaf of the pool: salt, reference, attributes."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a draw leaves out: interests in these bidders, in the years before this day."""

    bidders: frozenset[str]
    day: date
    years: int

    @property
    def since(self) -> date:
        """The first day that counts. 29 February of a year that has none is 28 February: the earlier day is strict."""
        year = self.day.year - self.years
        leap = (self.day.month, self.day.day) == (2, 29)
        return date(year, 2, 28) if leap else self.day.replace(year=year)


def write(bidders: Sequence[str], day: str, salt: str) -> bytes:
    """The filter's bytes; their hash stands in `draw.open`, so its bidders cannot be guessed from it."""
    return encode({"v": 1, "salt": salt, "bidders": sorted(bidders), "day": day, "years": YEARS})


def read(data: bytes) -> Filter:
    """Strictly; Malformed otherwise."""
    value = members(decode_object(data), {"v": int, "salt": str, "bidders": list, "day": str, "years": int})
    unb64u(value["salt"], _SALT_BYTES)
    codes = value["bidders"]
    if any(not isinstance(code, str) or not credit_code.valid(code) for code in codes) or codes != sorted(set(codes)):
        raise Malformed("bidders are credit codes, ascending, each once")
    if value["v"] != 1 or not YEARS <= value["years"] <= _MOST_YEARS or not codes:
        raise Malformed(f"a filter names bidders, and {YEARS} to {_MOST_YEARS} years")
    return Filter(frozenset(codes), _day(value["day"]), value["years"])


def blinded(salt: str, code: str) -> str:
    """A credit code as it stands in the leaf of this salt."""
    return b64u(tagged("pool-fact", z(salt) + ascii_bytes(code)))


def ground(salt: str, attributes: Object, asked: Filter) -> str:
    """The first ground on which the facts of this leaf keep its expert out; "" where there is none."""
    bidders = {blinded(salt, code) for code in asked.bidders}
    for name, found in _LISTS.items():
        for held in _list(attributes, name):
            match held:
                case [str(code), str(start), None | str() as end]:
                    begun, over = _day(start) <= asked.day, end is not None and _day(end) < asked.since
                    if code in bidders and begun and not over:
                        return found
                case _:
                    raise Malformed(f"{name} are [code, from, until or null]")
    return KIN if bidders.intersection(map(str, _list(attributes, "kin"))) else ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a custodian hands in for a draw from its pool."""

    filter_: bytes
    candidates: tuple[Candidate, ...]
    rows: tuple[Row, ...]


def write_facts(filter_: bytes, candidates: Sequence[Candidate], rows: Sequence[Row]) -> bytes:
    """The facts' canonical bytes, whose hash stands in `draw.open`."""
    told = [[salt, index, "in" if taken else "out", stated, evidence] for salt, index, taken, stated, evidence in rows]
    listed = [list(each) for each in candidates]
    return encode({"v": 1, "filter": decode_object(filter_), "candidates": listed, "partition": told})


def read_facts(data: bytes) -> Facts:
    """Strictly; Malformed otherwise."""
    shape = {"v": int, "filter": dict, "candidates": list, "partition": list}
    value = members(decode_object(data, limit=MAX_BYTES), shape)
    if value["v"] != 1:
        raise Malformed("unknown version of the facts")
    candidates: list[Candidate] = []
    for each in value["candidates"]:
        match each:
            case [str(salt), str(ref), dict(attributes)] if _REF.fullmatch(ref):
                candidates.append((salt, ref, attributes))
            case _:
                raise Malformed("a candidate is [salt, reference without a name, attributes]")
    rows: list[Row] = []
    for each in value["partition"]:
        match each:
            case [str(salt), int(index), "in" | "out" as side, str(stated), str(evidence)]:
                rows.append((salt, index, side == "in", stated, evidence))
            case _:
                raise Malformed("a line of the partition is [salt, index, in or out, ground, evidence]")
    return Facts(encode(value["filter"]), tuple(candidates), tuple(rows))


def check(
    rows: Sequence[Row],
    candidates: Sequence[Candidate],
    *,
    filter_: bytes,
    digest: bytes,
    partition: bytes,
    pool_digest: bytes,
    strata: Sequence[draw.Stratum],
) -> None:
    """A disclosed partition against the facts; DrawRefused says which line is wrong.

    (1) Pool, partition and strata are the frozen ones, nobody is left out without a ground (`draw.check_partition`).
    (2) The filter is the one whose hash was frozen with them.
    (3) Whoever has an interest in a bidder is out, on that ground.
    (4) Nobody is out on a ground of facts that the facts do not show; other grounds have their evidence.
    """
    # (1)
    pool = [draw.pool_leaf(*candidate) for candidate in candidates]
    draw.check_partition(rows, partition=partition, pool=pool, pool_digest=pool_digest, strata=strata)
    # (2)
    if sha256(filter_) != digest:
        raise DrawRefused("another filter than the one that was frozen")
    asked = read(filter_)
    for (_, index, taken, stated, evidence), (salt, _, attributes) in zip(rows, candidates, strict=True):
        shown = ground(salt, attributes, asked)
        # (3)
        if shown and (taken or stated not in OF_FACTS):
            raise DrawRefused(f"index {index}: {shown}, and it is not left out on that ground")
        # (4)
        if not taken and stated in OF_FACTS and not shown:
            raise DrawRefused(f"index {index}: {stated} is not what the facts show")
        if not taken and stated not in OF_FACTS and not evidence:
            raise DrawRefused(f"index {index}: {stated[:40]} needs its evidence")


def _list(attributes: Object, name: str) -> list[JSON]:
    found = attributes.get(name, [])
    if not isinstance(found, list):
        raise Malformed(f"{name} is a list")
    return found


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Malformed("a day is written 2026-11-23") from error
