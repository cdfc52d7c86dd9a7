"""Cloud signatures per second (authorise, sign, two durable commits), beside their floors in the same run: bare ECDSA,
and one bare SQLite commit. `python -m bench.signing [COUNT]`."""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from evidence.core import act as acts
from evidence.core.act import SoftwareSigner
from evidence.core.canonical import b64u
from signing.adapters.certificate_authority import ensure_authority
from signing.adapters.sealed_keys import SealedKeyStore, sign_digest
from signing.adapters.sqlite_register import SqliteRegister
from signing.core.authorisation import ECDSA_SHA256_OID, SHA256_OID, Request
from signing.core.credential import Holder
from signing.service import SigningService

ORIGIN = "bench.example/proceedings/x"


def now() -> datetime:
    return datetime.now(UTC)


def rate(count: int, do: Callable[[int], object]) -> float:
    started = time.perf_counter()
    for number in range(count):
        do(number)
    return count / (time.perf_counter() - started)


def insert(database: sqlite3.Connection, value: bytes) -> None:
    database.execute("INSERT INTO t VALUES (?)", (value,))


def main(count: int) -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        keys = SealedKeyStore(master=os.urandom(32), entropy=os.urandom)
        register = SqliteRegister(path=folder / "register.sqlite")
        authority = ensure_authority(folder / "ca", keys=keys, operator="bench", clock=now)
        service = SigningService(keys=keys, authority=authority, credentials=register, clock=now, entropy=os.urandom)
        seat = SoftwareSigner(ec.generate_private_key(ec.SECP256R1()))
        credential = service.register(Holder(ORIGIN, "seat-1", "bench", "bench", seat.jwk)).credential

        def act(number: int) -> str:
            body = {"credential": credential, "document": b64u(bytes(32)), "hashes": [b64u(digest(number))]}
            made = acts.make(
                seat, act="report.sign", aud=ORIGIN, sub="seat-1", body=body, ctr=number + 1, iat=int(time.time())
            )
            return made.jws

        def digest(number: int) -> bytes:
            return number.to_bytes(32, "big")

        jws = [act(number) for number in range(count)]

        def cloud(number: int) -> object:
            sad, _ = service.authorize(Request(credential, (digest(number),), 1, jws[number]))
            return service.sign_hash(
                credential=credential,
                sad=sad,
                hashes=[digest(number)],
                hash_algo=SHA256_OID,
                sign_algo=ECDSA_SHA256_OID,
            )

        key = ec.generate_private_key(ec.SECP256R1())
        bare = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
        bare.execute("PRAGMA journal_mode=TRUNCATE")
        bare.execute("PRAGMA synchronous=FULL")
        bare.execute("CREATE TABLE t (x BLOB)")
        print(f"cloud signatures      {rate(count, cloud):8.0f}/s")
        print(f"bare ECDSA P-256      {rate(count, lambda n: sign_digest(key, digest(n))):8.0f}/s")
        print(f"bare SQLite commits   {rate(count, lambda n: insert(bare, digest(n))):8.0f}/s")
        bare.close()
        register.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
