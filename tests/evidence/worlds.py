"""A centre with witnesses, for tests of the keeper: real keys, witnesses that decide by the real recipe."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.adapters.memory import MemoryLedger, MemoryWitness
from evidence.core import act as acts
from evidence.core.act import SoftwareSigner
from evidence.core.entry import Draft
from evidence.core.note import COSIGNATURE_V1, ED25519, NoteSigner
from evidence.core.policy import Policy
from evidence.core.witness import AddCheckpoint, AddLog
from evidence.errors import Unavailable
from evidence.ports import Ledger, Witness
from evidence.service import LogKeeper
from evidence.witnessing import Pace

CENTRE = "main.example/centre"
PROCEEDING = "main.example/proceedings/one"
# The product's pace is for people; the tests' is for machines.
QUICK = Pace(batch=0.01, cadence=0.02, pause=0.01, pause_max=0.05, lease=30)
WITHIN_S = 20.0


def ed25519() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


class ShakyWitness:
    """A witness that can be switched off and slowed down, and remembers what it was asked."""

    def __init__(self, inner: MemoryWitness) -> None:
        self.inner = inner
        self.vkey = inner.vkey
        self.down = False
        self.requests: list[AddCheckpoint] = []

    async def add_checkpoint(self, request: AddCheckpoint) -> list[str]:
        self.requests.append(request)
        if self.down:
            raise Unavailable("switched off")
        return await self.inner.add_checkpoint(request)

    async def add_log(self, request: AddLog) -> None:
        if self.down:
            raise Unavailable("switched off")
        await self.inner.add_log(request)


@dataclass
class World:
    """`count` witnesses, of which `quorum` must cosign."""

    count: int = 3
    quorum: int = 3
    ledger: Ledger = field(default_factory=MemoryLedger)
    centre: NoteSigner = field(default_factory=lambda: NoteSigner(CENTRE, ED25519, ed25519()))
    log: NoteSigner = field(default_factory=lambda: NoteSigner(PROCEEDING, ED25519, ed25519()))
    identity: SoftwareSigner = field(default_factory=lambda: SoftwareSigner(ec.generate_private_key(ec.SECP256R1())))
    time: float = 1_795_248_000.0

    def __post_init__(self) -> None:
        signers = [NoteSigner(f"city{i}.example", COSIGNATURE_V1, ed25519()) for i in range(1, self.count + 1)]
        self.policy = Policy(self.centre.vkey, tuple(s.vkey for s in signers), self.quorum)
        self.witnesses = [
            ShakyWitness(MemoryWitness(signer=s, pin=self.policy, identity=self.identity.jwk, clock=lambda: self.time))
            for s in signers
        ]

    async def keeper(
        self,
        *,
        signer: NoteSigner | None = None,
        owner: str = "web-1",
        ledger: Ledger | None = None,
        witnesses: Sequence[Witness] | None = None,
        introduction: AddLog | None = None,
        pace: Pace = QUICK,
    ) -> LogKeeper:
        signer = signer or self.centre
        return await LogKeeper.open(
            origin=signer.name,
            owner=owner,
            ledger=ledger or self.ledger,
            signer=signer,
            policy=self.policy,
            witnesses=self.witnesses if witnesses is None else witnesses,
            clock=lambda: datetime.fromtimestamp(self.time, UTC),
            entropy=secrets.token_bytes,
            pace=pace,
            introduction=introduction,
        )

    def opening(self, signer: NoteSigner | None = None, *, ctr: int = 1) -> Draft:
        """`ProceedingOpened` for the log of `signer`."""
        signer = signer or self.log
        body = {"kind": "real", "origin": signer.name, "vkey": str(signer.vkey)}
        act = acts.make(
            self.identity, act="proceeding.open", aud=CENTRE, sub="main.example", body=body, ctr=ctr, iat=1_795_248_000
        )
        return Draft("ProceedingOpened", {}, act=act)


def page(number: int = 0) -> Draft:
    return Draft("PageShown", {"page": number})
