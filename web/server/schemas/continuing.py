"""Bodies of a log that goes on under another origin."""

from __future__ import annotations

from pydantic import Field

from web.server.schemas.form import Body


class LostProof(Body):
    """An entry that is missing, as it was, and its receipt (a tlog-proof)."""

    entry: str = Field(max_length=100_000)
    proof: str = Field(max_length=100_000)


class Order(Body):
    reason: str = Field(min_length=1, max_length=500)


class Left(Body):
    """What is left of the former log, and how many entries were witnessed."""

    origin: str
    size: int
    root: str
    witnessed: int


class Continued(Body):
    """`ProceedingOpened` of the log that goes on, in the centre log."""

    origin: str
    index: int
    continues: Left
