"""Bodies of what follows an evaluation."""

from __future__ import annotations

from web.server.schemas.form import Body
from web.server.schemas.partner import Deed

__all__ = ["AfterDeeds", "Deed", "Opened", "Purged"]


class Opened(Body):
    """`AfterOpened` of the proceeding, with its receipt."""

    entry: str
    receipt: str | None


class AfterDeeds(Body):
    """What a seat keeps: `tongping verify-after` reads it."""

    opened: Opened
    acts: list[Deed]


class Purged(Body):
    """Where the centre log says it, how many objects are gone, and how many the vault's own dates still keep."""

    index: int
    gone: int
    left: int
