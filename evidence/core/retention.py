"""Whether an object may go: only where a date was set for it, and only once that date has come."""

from __future__ import annotations

from datetime import datetime

from evidence.errors import NotRetained, Retained


def check_date(name: str, until: datetime | None, now: datetime) -> None:
    """Return, or raise NotRetained or Retained."""
    if until is None:
        raise NotRetained(f"no date was set for {name}")
    if now < until:
        raise Retained(f"{name} is kept until {until.isoformat()}")
