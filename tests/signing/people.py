"""Seats with real device keys, and a clock that tests can set."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from evidence.core import act as acts
from evidence.core.act import SoftwareSigner
from evidence.core.canonical import b64u
from signing.core.credential import Holder

ORIGIN = "hohhot.example/proceedings/01j9zzzzzzzzzzzzzzzzzzzzzz"
SEATS = ("seat-1", "seat-2", "seat-3", "seat-4", "seat-5")
NAMES = ("张伟", "王芳", "李娜", "欧阳修远", "阿依古丽·买买提")
TOKEN = "a token of the tests"
NOON = datetime(2026, 11, 21, 4, 0, 0, 250_000, tzinfo=UTC)


@dataclass(slots=True)
class SettableClock:
    """Time stands still until a test moves it."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


@dataclass(frozen=True, slots=True)
class Seat:
    """A seat whose browser is this program."""

    name: str = "张伟"
    seat: str = "seat-1"
    origin: str = ORIGIN
    signer: SoftwareSigner = field(default_factory=lambda: SoftwareSigner(ec.generate_private_key(ec.SECP256R1())))

    @property
    def holder(self) -> Holder:
        return Holder(self.origin, self.seat, self.name, "内蒙古大学", self.signer.jwk)

    def act(self, credential: str, *hashes: bytes, document: bytes = bytes(32), **changed: Any) -> str:
        """The JWS of `report.sign` over `hashes`; `changed` replaces parts of the act."""
        body = {"credential": credential, "document": b64u(document), "hashes": [b64u(h) for h in hashes]}
        parts: dict[str, Any] = {
            "act": "report.sign",
            "aud": self.origin,
            "sub": self.seat,
            "body": body,
            "ctr": 1,
            "iat": int(NOON.timestamp()),
        }
        return acts.make(self.signer, **{**parts, **changed}).jws


def committee() -> tuple[Seat, ...]:
    return tuple(Seat(name, seat) for name, seat in zip(NAMES, SEATS, strict=True))
