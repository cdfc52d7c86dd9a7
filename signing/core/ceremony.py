"""The ceremony: who signs the report, in which order, and who still has to.

Signatures in a PDF follow one another: each is an incremental update over all before it, so only one seat signs at
a time. Who dissents signs with reasons, who does neither is deemed to agree (政府采购法实施条例 41); `dissents` is
where the written reasons will be listed, it is not used yet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from signing.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Ceremony:
    """The seats in signing order, and those that have signed, in the order they did."""

    order: tuple[str, ...]
    signed: tuple[str, ...] = ()
    dissents: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.order or len(set(self.order)) != len(self.order):
            raise InvalidRequest("each seat signs once")

    @property
    def pending(self) -> tuple[str, ...]:
        """Who still has to sign, next first."""
        return tuple(seat for seat in self.order if seat not in self.signed)

    @property
    def turn(self) -> str | None:
        """Whose turn it is; None when all have signed."""
        return next(iter(self.pending), None)

    @property
    def complete(self) -> bool:
        return not self.pending

    def sign(self, seat: str) -> Ceremony:
        """The ceremony after `seat` signed; any pending seat may, the order only says whom to ask."""
        if seat not in self.pending:
            raise InvalidRequest(f"{seat} has nothing to sign")
        return replace(self, signed=(*self.signed, seat))
