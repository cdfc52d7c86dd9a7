"""The signed report, made by pyHanko's CSC client against the real service (ETSI EN 319 142-1, baseline B-B)."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from evidence.core.canonical import b64u, sha256
from evidence.errors import EvidenceError
from signing.adapters.certificate_authority import FileCertificateAuthority
from signing.adapters.csc_client import CscCloudSigner
from signing.adapters.memory import MemoryCloudSigner
from signing.adapters.pades import embed, lock_report, locked_size, prepare
from signing.adapters.pades_validation import validate_report
from signing.adapters.sealed_keys import SealedKeyStore
from signing.core.prepared import Prepared
from signing.core.verdict import Outcome
from signing.errors import PreparedMismatch, ReportNotSignable, SigningError, SigningRefused, SigningUnavailable
from signing.ports import CloudSigner
from signing.service import SigningService
from tests.signing.people import NAMES, NOON, SEATS, TOKEN, Seat, SettableClock, committee
from tests.signing.signed_report import act_over, prepared_for, sign_in_turn


@pytest_asyncio.fixture(params=["csc", "memory"])
async def signer(request: pytest.FixtureRequest, url: str, service: SigningService) -> AsyncIterator[CloudSigner]:
    """One contract for every `CloudSigner`."""
    if request.param == "memory":
        yield MemoryCloudSigner(doors=service)
        return
    signer = CscCloudSigner(url=url, token=TOKEN)
    yield signer
    await signer.aclose()


def pdfsig(path: Path) -> str:
    """pdfsig ends with a status of its own for certificates that its database does not know."""
    return subprocess.run(["pdfsig", path], check=False, capture_output=True, text=True).stdout


@pytest.mark.asyncio
async def test_five_experts_sign_one_report(report: bytes, signer: CloudSigner, tmp_path: Path) -> None:
    """Five different certificates; a second implementation (poppler, on NSS) calls each signature valid."""
    signed = await sign_in_turn(report, committee(), signer)
    assert signed.pdf.startswith(signed.locked)
    (tmp_path / "report.pdf").write_bytes(signed.pdf)
    shown = await asyncio.to_thread(pdfsig, tmp_path / "report.pdf")
    assert shown.count("Signature Validation: Signature is Valid.") == 5
    assert shown.count("Signature Type: ETSI.CAdES.detached") == 5
    assert shown.count("Not total document signed") == 4
    for name in NAMES:
        assert f"Signer Certificate Common Name: {name}" in shown


@pytest.mark.asyncio
async def test_pyhanko_and_our_rules_call_it_valid(report: bytes, signer: CloudSigner) -> None:
    signed = await sign_in_turn(report, committee(), signer)
    verdict = await asyncio.to_thread(
        validate_report, signed.pdf, roots=signed.roots, expected=signed.expected, at=NOON
    )
    assert (verdict.outcome, verdict.findings) == (Outcome.VALID, ())
    assert [s.seat for s in verdict.signatures] == list(SEATS)
    assert [s.name for s in verdict.signatures] == list(NAMES)
    assert verdict.document == sha256(signed.locked)


def test_locking_is_deterministic(report: bytes) -> None:
    locked = lock_report(report, SEATS)
    assert locked == lock_report(report, SEATS)
    assert locked.startswith(report)
    assert locked_size(locked) == len(locked)
    assert lock_report(report, SEATS[:4]) != locked


@pytest.mark.parametrize("seats", [[], ["seat-1", "seat-1"], ["seat.1"], ["席"], [""]])
def test_fields_are_named_by_seats(report: bytes, seats: list[str]) -> None:
    with pytest.raises(ReportNotSignable):
        lock_report(report, seats)


@pytest.mark.parametrize("pdf", [b"", b"%PDF-1.7\n", b"PK\x03\x04", b"%PDF-1.7\nstartxref\n99\n%%EOF\n"])
def test_what_is_no_pdf_is_refused(pdf: bytes) -> None:
    with pytest.raises(ReportNotSignable):
        lock_report(pdf, SEATS)
    with pytest.raises(ReportNotSignable):
        prepare(pdf, seat="seat-1", certificates=[b"x"], reason=None, at=NOON)


def test_a_report_is_locked_once(report: bytes) -> None:
    with pytest.raises(ReportNotSignable):
        lock_report(lock_report(report, SEATS), SEATS)


@pytest.mark.asyncio
async def test_only_an_empty_field_can_be_signed(report: bytes, signer: CloudSigner) -> None:
    seat, locked = Seat(), lock_report(report, ["seat-1"])
    issued = await signer.register(seat.holder)
    with pytest.raises(ReportNotSignable):
        prepare(locked, seat="seat-2", certificates=issued.certificates, reason=None, at=NOON)
    with pytest.raises(ReportNotSignable):
        prepare(report, seat="seat-1", certificates=issued.certificates, reason=None, at=NOON)
    prepared = prepared_for(seat, locked, issued)
    signed = await signer.finish(prepared, act_jws=act_over(seat, issued, prepared))
    with pytest.raises(ReportNotSignable):
        prepare(signed, seat="seat-1", certificates=issued.certificates, reason=None, at=NOON)


@pytest.mark.asyncio
async def test_a_prepared_revision_survives_a_restart(report: bytes, signer: CloudSigner) -> None:
    """Its JSON gives the same object, and preparing again gives the same bytes under the same time."""
    seat, locked = Seat(), lock_report(report, SEATS)
    issued = await signer.register(seat.holder)
    prepared = prepared_for(seat, locked, issued)
    assert Prepared.from_json(prepared.to_json()) == prepared
    assert prepared_for(seat, locked, issued).to_json() == prepared.to_json()
    assert prepared_for(seat, locked, issued, at=NOON + timedelta(seconds=1)).dtbs != prepared.dtbs
    assert prepared.document == sha256(locked)
    assert len(prepared.revision) > len(locked)


@pytest.mark.asyncio
async def test_finishing_twice_gives_the_same_bytes(report: bytes, signer: CloudSigner) -> None:
    seat, locked = Seat(), lock_report(report, SEATS)
    issued = await signer.register(seat.holder)
    prepared = prepared_for(seat, locked, issued)
    jws = act_over(seat, issued, prepared)
    once = await signer.finish(prepared, act_jws=jws)
    assert await signer.finish(Prepared.from_json(prepared.to_json()), act_jws=jws) == once
    start, end = prepared.hole
    assert once[:start] + once[end:] == prepared.revision[:start] + prepared.revision[end:]


@pytest.mark.asyncio
async def test_an_act_over_anything_else_does_not_finish(report: bytes, signer: CloudSigner) -> None:
    """Attack: swap what is signed between view and sign. The service would not see it; the client refuses."""
    seat, locked = Seat(), lock_report(report, SEATS)
    issued = await signer.register(seat.holder)
    prepared = prepared_for(seat, locked, issued)
    other = prepared_for(seat, locked, issued, at=NOON + timedelta(seconds=1))
    for jws in (
        act_over(seat, issued, other),
        seat.act(issued.credential, prepared.dtbs),
        seat.act(issued.credential, prepared.dtbs, prepared.dtbs, document=prepared.document),
        seat.act(issued.credential, prepared.dtbs, document=prepared.document, sub="seat-2"),
        seat.act(issued.credential, body={}),
    ):
        with pytest.raises(PreparedMismatch):
            await signer.finish(prepared, act_jws=jws)
    with pytest.raises(EvidenceError):
        await signer.finish(prepared, act_jws="no act")


@pytest.mark.asyncio
async def test_the_service_has_the_last_word(report: bytes, signer: CloudSigner, clock: SettableClock) -> None:
    """Refusals carry the service's code, so that the web process knows not to try again."""
    seat, locked = Seat(), lock_report(report, SEATS)
    issued = await signer.register(seat.holder)
    prepared = prepared_for(seat, locked, issued)
    forged = Seat().act(issued.credential, prepared.dtbs, document=prepared.document)
    with pytest.raises(SigningRefused) as refused:
        await signer.finish(prepared, act_jws=forged)
    assert refused.value.reason == "untrusted"
    with pytest.raises(SigningRefused) as refused:
        await signer.register(Seat().holder)
    assert refused.value.reason == "seat-already-bound"
    clock.advance(timedelta(days=31))
    with pytest.raises(SigningRefused) as refused:
        await signer.finish(prepared, act_jws=act_over(seat, issued, prepared))
    assert refused.value.reason == "outside-validity"


@pytest.mark.asyncio
async def test_a_revision_prepared_for_another_certificate_is_not_signed(report: bytes, signer: CloudSigner) -> None:
    seat, other = Seat(), Seat(seat="seat-2")
    locked = lock_report(report, SEATS)
    issued, foreign = await signer.register(seat.holder), await signer.register(other.holder)
    prepared = prepared_for(seat, locked, foreign)
    with pytest.raises(PreparedMismatch):
        await signer.finish(prepared, act_jws=act_over(seat, issued, prepared))


@pytest.mark.asyncio
async def test_a_service_that_is_away_or_answers_nonsense_is_unavailable(report: bytes, url: str) -> None:
    seat = Seat()
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    away = CscCloudSigner(url=f"http://127.0.0.1:{port}", token=TOKEN)
    with pytest.raises(SigningUnavailable):
        await away.register(seat.holder)
    await away.aclose()
    uninvited = CscCloudSigner(url=url, token="wrong")
    with pytest.raises(SigningRefused) as refused:
        await uninvited.register(seat.holder)
    assert refused.value.reason == "invalid-token"
    await uninvited.aclose()


def test_a_signature_that_does_not_hold_is_not_embedded(
    report: bytes, keys: SealedKeyStore, authority: FileCertificateAuthority
) -> None:
    """A broken service is noticed before the revision exists."""
    key, other = keys.generate("c1", 1), keys.generate("c1", 1)
    chain = authority.issue(Seat().holder, key.public, at=NOON)
    locked = lock_report(report, SEATS)
    prepared = prepare(locked, seat="seat-1", certificates=chain, reason=None, at=NOON)
    good = keys.sign("c1", 1, key.sealed, prepared.dtbs)
    assert embed(prepared, good)
    for bad in (
        keys.sign("c1", 1, other.sealed, prepared.dtbs),
        keys.sign("c1", 1, key.sealed, bytes(32)),
        b"",
        good[:-1],
    ):
        with pytest.raises(PreparedMismatch):
            embed(prepared, bad)


@pytest.mark.parametrize(
    "changed",
    [
        {"v": 2},
        {"hole": [1]},
        {"hole": [0, 10]},
        {"hole": [5, 99_999_999]},
        {"hole": [True, 10]},
        {"document": "AAAA"},
        {"certificates": []},
        {"revision": b64u(b"x" * 40)},
        {"sneaky": 1},
    ],
)
def test_a_prepared_revision_out_of_form_is_refused(changed: dict[str, object]) -> None:
    good = Prepared("seat-1", b"x<" + b"0" * 20 + b">x", (1, 23), b"attributes", bytes(32), (b"leaf",))
    assert Prepared.from_json(good.to_json()) == good
    with pytest.raises((EvidenceError, SigningError)):
        Prepared.from_json(json.dumps({**json.loads(good.to_json()), **changed}).encode())
    with pytest.raises(EvidenceError):
        Prepared.from_json(replace(good, revision=b"x<" + b"1" * 20 + b">x").to_json())
