"""A report signed by a committee through the real service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from evidence.core.canonical import sha256
from signing.adapters.pades import lock_report, prepare
from signing.core.prepared import Prepared
from signing.ports import CloudSigner, Issued
from tests.signing.people import NOON, Seat


@dataclass(frozen=True, slots=True)
class SignedReport:
    """The bytes, and what a verifier brings itself."""

    pdf: bytes
    locked: bytes
    roots: tuple[bytes, ...]
    expected: Mapping[str, bytes]
    chains: Mapping[str, tuple[bytes, ...]]
    last: Prepared


def prepared_for(seat: Seat, pdf: bytes, issued: Issued, *, at: datetime = NOON) -> Prepared:
    return prepare(pdf, seat=seat.seat, certificates=issued.certificates, reason="同意评审结果", at=at)


def act_over(seat: Seat, issued: Issued, prepared: Prepared, *, at: datetime = NOON) -> str:
    return seat.act(issued.credential, prepared.dtbs, document=prepared.document, iat=int(at.timestamp()))


async def sign_in_turn(
    report: bytes, seats: Sequence[Seat], signer: CloudSigner, *, at: datetime = NOON
) -> SignedReport:
    """Every seat signs, one after the other."""
    locked = pdf = lock_report(report, [seat.seat for seat in seats])
    chains = {}
    for seat in seats:
        issued = await signer.register(seat.holder)
        prepared = prepared_for(seat, pdf, issued, at=at)
        pdf = await signer.finish(prepared, act_jws=act_over(seat, issued, prepared, at=at))
        chains[seat.seat] = issued.certificates
    return SignedReport(
        pdf=pdf,
        locked=locked,
        roots=(issued.certificates[-1],),
        expected={name: sha256(chain[0]) for name, chain in chains.items()},
        chains=chains,
        last=prepared,
    )
