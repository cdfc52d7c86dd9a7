"""Ballots: the plaintext of a secret vote (protocols.md section 3)."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.core.sheet import Place, head, read
from evaluation.errors import ChoiceRefused
from evidence.core.canonical import encode


def build(place: Place, choice: str, choices: Sequence[str], salt: bytes) -> bytes:
    """The plaintext P of one vote."""
    plaintext = encode(head(place, salt) | {"choice": choice})
    parse(plaintext, place, choices)
    return plaintext


def parse(plaintext: bytes, place: Place, choices: Sequence[str]) -> str:
    """The seat chosen; refuses a vote for whom the round does not offer."""
    choice = str(read(plaintext, place, {"choice": str})["choice"])
    if choice not in choices:
        raise ChoiceRefused("the vote is for nobody who stands in this round")
    return choice
