"""The unified social credit code of an organisation (统一社会信用代码, GB 32100-2015)."""

from __future__ import annotations

# GB 32100-2015 4.3: digits and capitals without I, O, S, V, Z.
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
LENGTH = 18
# GB 32100-2015 4.4: weight of place i (from 0) is 3^i mod 31.
_WEIGHTS = tuple(pow(3, i, 31) for i in range(LENGTH - 1))


def check_character(first: str) -> str:
    """The 18th character for the first seventeen; ValueError for a character outside the alphabet."""
    if len(first) != LENGTH - 1:
        raise ValueError("seventeen characters come before the check character")
    weighted = sum(ALPHABET.index(c) * weight for c, weight in zip(first, _WEIGHTS, strict=True))
    return ALPHABET[-weighted % 31]


def valid(code: str) -> bool:
    """Whether form and check character hold."""
    if len(code) != LENGTH or any(c not in ALPHABET for c in code):
        return False
    return check_character(code[:-1]) == code[-1]
