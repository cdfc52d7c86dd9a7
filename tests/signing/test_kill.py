"""`kill -9` of the real signing process: nothing acknowledged is lost, nothing is signed twice."""

from __future__ import annotations

import asyncio
import base64
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from signing.adapters.csc_client import CscCloudSigner
from signing.adapters.pades import lock_report
from signing.adapters.pades_validation import validate_report
from signing.core.prepared import Prepared
from signing.errors import SigningUnavailable
from signing.ports import Issued
from tests.signing.people import SEATS, TOKEN, Seat, committee
from tests.signing.signed_report import act_over, prepared_for, sign_in_turn
from tests.signing.signing_process import Running

ONE = b"\x01" * 32
SHA256, ECDSA_SHA256 = "2.16.840.1.101.3.4.2.1", "1.2.840.10045.4.3.2"


def now() -> datetime:
    return datetime.now(UTC)


def post(running: Running, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = httpx2.post(running.url + path, json=body, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


def registration(seat: Seat) -> dict[str, Any]:
    holder = seat.holder
    return {name: getattr(holder, name) for name in ("origin", "seat", "name", "organisation", "jwk")}


def test_killed_between_authorize_and_sign_hash(tmp_path: Path) -> None:
    """The SAD that was given before the crash works after it, once."""
    seat, hashes = Seat(), [base64.b64encode(ONE).decode()]
    with Running(tmp_path, TOKEN) as running:
        issued = post(running, "/ra/v1/credentials", registration(seat))
        credential = issued["credential"]
        asked = {"credentialID": credential, "hash": hashes, "numSignatures": 1}
        asked["clientData"] = seat.act(credential, ONE, iat=int(now().timestamp()))
        sad = post(running, "/csc/v1/credentials/authorize", asked)["SAD"]
        running.kill()
        running.start()
        assert post(running, "/ra/v1/credentials", registration(seat)) == issued
        to_sign = {"credentialID": credential, "SAD": sad, "hash": hashes, "hashAlgo": SHA256, "signAlgo": ECDSA_SHA256}
        signatures = post(running, "/csc/v1/signatures/signHash", to_sign)
        running.kill()
        running.start()
        with pytest.raises(AssertionError, match="sad-spent"):
            post(running, "/csc/v1/signatures/signHash", to_sign)
        again = post(running, "/csc/v1/credentials/authorize", asked)["SAD"]
        assert post(running, "/csc/v1/signatures/signHash", {**to_sign, "SAD": again}) == signatures


async def finish(running: Running, prepared: Prepared, jws: str) -> bytes | None:
    """The revision, or None if the service died under the request."""
    signer = CscCloudSigner(url=running.url, token=TOKEN)
    try:
        return await signer.finish(prepared, act_jws=jws)
    except SigningUnavailable:
        return None
    finally:
        await signer.aclose()


async def register(running: Running, seat: Seat) -> Issued:
    signer = CscCloudSigner(url=running.url, token=TOKEN)
    try:
        return await signer.register(seat.holder)
    finally:
        await signer.aclose()


def test_killed_at_any_moment_of_a_signature(tmp_path: Path, report: bytes) -> None:
    """Killed some milliseconds into `finish`; after the restart the same act finishes the same bytes, and the register
    holds one signature per act."""
    locked = lock_report(report, SEATS)
    with Running(tmp_path, TOKEN) as running:
        seats = [Seat(seat=f"seat-{n % 5 + 1}", origin=f"x/proceedings/{n}") for n in range(6)]
        for number, seat in enumerate(seats):
            issued = asyncio.run(register(running, seat))
            prepared = prepared_for(seat, locked, issued, at=now())
            jws = act_over(seat, issued, prepared, at=now())
            killer = threading.Timer(0.004 * number, running.kill)
            killer.start()
            interrupted = asyncio.run(finish(running, prepared, jws))
            killer.join()
            running.start()
            finished = asyncio.run(finish(running, prepared, jws))
            assert finished is not None
            assert interrupted in (None, finished)
            assert asyncio.run(register(running, seat)) == issued
    with closing(sqlite3.connect(tmp_path / "register.sqlite")) as database:
        assert database.execute("SELECT COUNT(*), COUNT(DISTINCT act) FROM signatures").fetchall() == [(6, 6)]
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_report_signed_across_a_kill_is_valid(tmp_path: Path, report: bytes) -> None:
    async def two_halves(running: Running) -> None:
        signer = CscCloudSigner(url=running.url, token=TOKEN)
        seat = committee()[0]
        issued = await signer.register(seat.holder)
        running.kill()
        await signer.aclose()
        running.start()
        signer = CscCloudSigner(url=running.url, token=TOKEN)
        assert await signer.register(seat.holder) == issued
        signed = await sign_in_turn(report, [seat, *committee()[1:]], signer, at=now())
        await signer.aclose()
        verdict = validate_report(signed.pdf, roots=signed.roots, expected=signed.expected, at=now())
        assert verdict.code == "valid", verdict.findings

    with Running(tmp_path, TOKEN) as running:
        asyncio.run(two_halves(running))
