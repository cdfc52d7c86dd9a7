"""Bodies of what follows an evaluation."""

from __future__ import annotations

from web.server.schemas.form import Body
from web.server.schemas.partner import Deed, Deeds

__all__ = ["Deed", "Deeds", "Purged"]


class Purged(Body):
    """Where the centre log says it, how many objects are gone, and how many the vault's own dates still keep."""

    index: int
    gone: int
    left: int
