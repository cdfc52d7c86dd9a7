"""One contract for every `CredentialRegister`, and what only a durable one can promise."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from signing.adapters.memory import MemoryRegister
from signing.adapters.sqlite_register import SqliteRegister
from signing.core.authorisation import Authorisation, Grant, spend
from signing.core.credential import Credential
from signing.errors import SadSpent, SadUnknown, UnknownCredential
from signing.ports import CredentialRegister
from tests.signing.people import NOON, Seat

ONE, TWO = b"\x01" * 32, b"\x02" * 32
SAD, SECOND = b"s" * 32, b"t" * 32


@pytest.fixture(params=["sqlite", "memory"])
def register(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CredentialRegister]:
    if request.param == "memory":
        yield MemoryRegister()
        return
    sqlite = SqliteRegister(path=tmp_path / "register.sqlite")
    yield sqlite
    sqlite.close()


def credential(identity: str = "c1", seat: str = "seat-1") -> Credential:
    return Credential(identity, 1, Seat(seat=seat).holder, (b"leaf", b"issuing", b"root"), b"sealed")


def authorised(*hashes: bytes, act: bytes = b"a" * 32) -> Authorisation:
    return Authorisation(act=act, jws="h.p.s", credential="c1", hashes=hashes, document=bytes(32))


class Pen:
    """Signs so that every signature is another one: a second signing cannot go unnoticed."""

    def __init__(self) -> None:
        self.strokes = 0

    def __call__(self, digest: bytes) -> bytes:
        self.strokes += 1
        return digest[:1] + bytes([self.strokes])


def redeem(register: CredentialRegister, sad: bytes, *hashes: bytes, pen: Pen, by: str = "c1") -> tuple[bytes, ...]:
    def check(grant: Grant | None) -> Grant:
        return spend(grant, credential=by, hashes=hashes, now=NOON)

    return register.redeem(sad, hashes=hashes, check=check, sign=pen)


def granted(register: CredentialRegister, *hashes: bytes) -> None:
    register.add(credential())
    register.grant(authorised(*hashes), sad_hash=SAD, expires=NOON + timedelta(seconds=300))


def test_a_credential_is_found_again(register: CredentialRegister) -> None:
    kept = register.add(credential())
    assert kept == register.get("c1") == register.find(kept.holder.origin, "seat-1")
    assert register.find(kept.holder.origin, "seat-2") is None
    with pytest.raises(UnknownCredential):
        register.get("c2")


def test_the_first_credential_of_a_seat_stands(register: CredentialRegister) -> None:
    first = register.add(credential("c1"))
    assert register.add(replace(credential("c2"), sealed=b"other")) == first
    with pytest.raises(UnknownCredential):
        register.get("c2")
    assert register.add(credential("c3", "seat-3")).id == "c3"


def test_two_at_once_get_the_same_credential(register: CredentialRegister) -> None:
    with ThreadPoolExecutor(8) as pool:
        kept = set(pool.map(lambda n: register.add(credential(f"c{n}")).id, range(32)))
    assert len(kept) == 1


def test_ids_come_in_pages(register: CredentialRegister) -> None:
    for n in (3, 1, 2):
        register.add(credential(f"c{n}", f"seat-{n}"))
    assert register.ids(after="", limit=2) == ("c1", "c2")
    assert register.ids(after="c2", limit=2) == ("c3",)
    assert register.ids(after="c3", limit=2) == ()


def test_a_hash_is_signed_once_per_act(register: CredentialRegister) -> None:
    """A retry with the same act gets the stored signature, under a new SAD; a used SAD gets nothing."""
    granted(register, ONE, TWO)
    pen = Pen()
    first = redeem(register, SAD, TWO, ONE, pen=pen)
    assert first == (TWO[:1] + b"\x01", ONE[:1] + b"\x02")
    with pytest.raises(SadSpent):
        redeem(register, SAD, ONE, pen=pen)
    register.grant(authorised(ONE, TWO), sad_hash=SECOND, expires=NOON + timedelta(seconds=300))
    assert redeem(register, SECOND, ONE, TWO, pen=pen) == (first[1], first[0])
    assert pen.strokes == 2


def test_another_act_is_another_signature(register: CredentialRegister) -> None:
    granted(register, ONE)
    register.grant(authorised(ONE, act=b"b" * 32), sad_hash=SECOND, expires=NOON + timedelta(seconds=300))
    pen = Pen()
    assert redeem(register, SAD, ONE, pen=pen) != redeem(register, SECOND, ONE, pen=pen)


def test_a_refusal_keeps_nothing(register: CredentialRegister) -> None:
    granted(register, ONE, TWO)

    def broken(digest: bytes) -> bytes:
        if digest == TWO:
            raise OSError("the token was pulled out")
        return b"signed"

    with pytest.raises(OSError, match="pulled out"):
        register.redeem(
            SAD, hashes=(ONE, TWO), check=lambda g: spend(g, credential="c1", hashes=(ONE, TWO), now=NOON), sign=broken
        )
    for sad, by in ((SECOND, "c1"), (SAD, "c2")):
        with pytest.raises(SadUnknown):
            redeem(register, sad, ONE, pen=Pen(), by=by)
    pen = Pen()
    assert len(redeem(register, SAD, ONE, TWO, pen=pen)) == pen.strokes == 2


def test_one_sad_in_parallel_signs_once(register: CredentialRegister) -> None:
    granted(register, ONE)
    pen = Pen()

    def attempt(_: int) -> str:
        try:
            return redeem(register, SAD, ONE, pen=pen)[0].hex()
        except SadSpent:
            return "spent"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(16)))
    assert outcomes.count("spent") == 15
    assert pen.strokes == 1


def test_the_file_is_private_and_holds_no_sad(tmp_path: Path) -> None:
    path = tmp_path / "register.sqlite"
    register = SqliteRegister(path=path)
    granted(register, ONE)
    register.close()
    assert path.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT sad FROM activations").fetchall() == [(SAD,)]
    database.close()


def test_everything_is_there_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "register.sqlite"
    first = SqliteRegister(path=path)
    granted(first, ONE, TWO)
    signed = redeem(first, SAD, ONE, pen=Pen())
    first.close()
    second = SqliteRegister(path=path)
    assert second.get("c1").certificates == (b"leaf", b"issuing", b"root")
    with pytest.raises(SadSpent):
        redeem(second, SAD, ONE, pen=Pen())
    assert redeem(second, SAD, TWO, pen=Pen())
    second.grant(authorised(ONE), sad_hash=SECOND, expires=NOON + timedelta(seconds=300))
    assert redeem(second, SECOND, ONE, pen=Pen()) == signed
    second.close()


DYING = """
import os, signal, sys
from pathlib import Path
from signing.adapters.sqlite_register import SqliteRegister
from tests.signing.test_register import ONE, SAD, TWO, granted
register = SqliteRegister(path=Path(sys.argv[1]))
granted(register, ONE, TWO)
def sign(digest):
    if digest == TWO:
        os.kill(os.getpid(), signal.SIGKILL)
    return b"signed before the end"
register.redeem(SAD, hashes=(ONE, TWO), check=lambda grant: grant, sign=sign)
"""


def test_kill_9_inside_the_signing_transaction_leaves_no_half_state(tmp_path: Path) -> None:
    """The process dies after the first of two signatures: neither counts, and the SAD is as good as before."""
    path = tmp_path / "register.sqlite"
    died = subprocess.run([sys.executable, "-c", DYING, str(path)], check=False, capture_output=True)
    assert died.returncode == -9, died.stderr
    register = SqliteRegister(path=path)
    pen = Pen()
    assert len(redeem(register, SAD, ONE, TWO, pen=pen)) == pen.strokes == 2
    register.close()
