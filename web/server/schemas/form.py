"""The form that all bodies share: known members only, no conversions."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seat = Annotated[str, Field(pattern=r"^(seat|operator|supervisor|auditor|room)-[1-9][0-9]{0,3}$")]
Hash = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""32 bytes, base64url without padding."""
Token = Annotated[str, Field(min_length=1, max_length=64)]


class Body(BaseModel):
    """Refuses unknown members (no mass assignment) and wrong types (no silent conversion)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
