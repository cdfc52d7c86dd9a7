"""Ledgers to run the contract on, and the entries to put into them."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.adapters.database import DatabaseLedger, prepare
from evidence.adapters.disclosure_keys import DisclosureKeys
from evidence.adapters.memory import MemoryLedger
from evidence.core import act as acts
from evidence.core.act import Act, SoftwareSigner
from evidence.core.entry import Draft, Entry, write
from evidence.core.merkle import Tree
from evidence.core.note import COSIGNATURE_V1, ED25519, Checkpoint, NoteSigner, sign
from evidence.ports import Ledger
from tests.postgres import Cluster

ORIGIN = "centre.example/proceedings/one"
OTHER = "centre.example/proceedings/two"
SIGNER = SoftwareSigner(ec.derive_private_key(7, ec.SECP256R1()))
LOG = NoteSigner(ORIGIN, ED25519, Ed25519PrivateKey.from_private_bytes(bytes(32)))
WITNESSES = [
    NoteSigner(f"w{i}.example", COSIGNATURE_V1, Ed25519PrivateKey.from_private_bytes(bytes([i]) * 32))
    for i in (1, 2, 3)
]


def act(ctr: int, origin: str = ORIGIN) -> Act:
    return acts.make(SIGNER, act="page.ack", aud=origin, sub="seat-1", body={}, ctr=ctr, iat=1_795_248_000)


def entry(n: int, origin: str = ORIGIN, *, act: Act | None = None, body: object = 0) -> Entry:
    draft = Draft("PageShown", {"x": body}, act=act)
    return write(draft, n=n, origin=origin, at="2026-11-21T08:00:00.123Z", salt=n.to_bytes(16, "big"))


def row(start: int, stop: int, origin: str = ORIGIN) -> list[Entry]:
    return [entry(n, origin) for n in range(start, stop)]


def checkpoint(entries: Sequence[Entry]) -> bytes:
    return sign(Checkpoint(ORIGIN, len(entries), Tree([e.leaf for e in entries]).root()), LOG)


class Ledgers:
    """Opens fresh stores of one kind; `reopen` opens the same store again, as another process would."""

    def __init__(self, kind: str, folder: Path, cluster: Cluster) -> None:
        self.kind = kind
        self._memory = MemoryLedger()
        self.url = f"sqlite:///{folder / 'ledger.sqlite'}"
        self.keys = DisclosureKeys(folder / "keys", master=bytes(32), entropy=os.urandom)
        if kind == "postgresql":
            name = f"ledger{next(_NUMBERS)}"
            cluster.create(name)
            self.url = cluster.url(name)
            self.owner_url = cluster.url(name, "owner")
            self.superuser_url = cluster.url(name, "postgres")
            prepare(self.owner_url, app_role="app")
        else:
            prepare(self.url)

    @asynccontextmanager
    async def reopen(self) -> AsyncIterator[Ledger]:
        if self.kind == "memory":
            yield self._memory
            return
        ledger = DatabaseLedger(self.url, keys=self.keys)
        try:
            yield ledger
        finally:
            ledger.close()


_NUMBERS: Iterator[int] = itertools.count()
KINDS = [pytest.param(kind, id=kind) for kind in ("memory", "sqlite", "postgresql")]
