"""What may be asked of the evaluation besides acts."""

from __future__ import annotations

from dataclasses import dataclass

from evidence.core.act import Act


@dataclass(frozen=True, slots=True)
class OpenRound:
    """k releases are in and combined: for each listed act id its plaintext P, or the code of why it cannot be read."""

    purpose: str
    round: int
    plaintexts: tuple[tuple[bytes, bytes | str], ...]


Command = Act | OpenRound
