"""Text that two bids have in common and the tender documents do not have (实施条例 40(4), 87号令 37(4)).

A page's text is reduced to its letters and digits, so that layout, spaces and punctuation play no part. Every window of
`WIDTH` characters is a shingle; one in `SAMPLE` of them, chosen by its own content and therefore the same ones in every
document, is kept with the first page on which it stands. Exact and the same everywhere: nothing is estimated.
"""

from __future__ import annotations

import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

WIDTH = 24
"""Characters of a shingle. About one clause in Chinese: shorter runs are shared by any two texts on one subject."""
SAMPLE = 16
"""One in so many shingles is kept: a common run of 300 characters still leaves some twenty, in little memory."""
LEAST = 20
"""Common shingles below which nothing is said: about a third of a page."""
LEAST_PERMILLE = 50
"""Of the shorter bid's own shingles; what lies below is quotations that any two bids may share."""
MAX_PAGES = 20
"""Pairs of pages that are shown of two bids, those with most in common first."""
_BYTES = 2 * WIDTH

Place = tuple[bytes, int]
"""A document's hash and a page in it, from 1."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Two bids: how many shingles they share, how many in a thousand of the shorter bid's, and where the most are."""

    shared: int
    permille: int
    pages: tuple[tuple[Place, Place, int], ...]


def plain(text: str) -> str:
    """Letters and digits alone, in one form."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def shingles(pages: Iterable[str]) -> dict[int, int]:
    """Kept shingle -> first page of these pages, which are `plain` already. A shingle lies on one page."""
    found: dict[int, int] = {}
    for number, text in enumerate(pages, 1):
        data = text.encode("utf-16-le", "surrogatepass")
        for start in range(0, len(data) - _BYTES + 1, 2):
            window = data[start : start + _BYTES]
            if zlib.crc32(window) % SAMPLE == 0:
                found.setdefault(int.from_bytes(blake2b(window, digest_size=8).digest(), "big"), number)
    return found


def compare(one: Mapping[int, Place], other: Mapping[int, Place]) -> Alike | None:
    """What two bids have in common, those of the tender taken away before; None where it is too little to be told."""
    common = one.keys() & other.keys()
    shorter = min(len(one), len(other))
    if len(common) < LEAST or 1000 * len(common) < LEAST_PERMILLE * shorter:
        return None
    pairs = Counter((one[each], other[each]) for each in common)
    most = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_PAGES]
    return Alike(len(common), 1000 * len(common) // shorter, tuple((a, b, count) for (a, b), count in most))
