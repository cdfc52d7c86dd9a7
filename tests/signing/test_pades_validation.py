"""A report that was altered, cut, extended or signed by the wrong people is never called valid."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from evidence.core.canonical import sha256
from signing.adapters import pades, pades_validation
from signing.adapters.certificate_authority import FileCertificateAuthority, create_root, open_authority
from signing.adapters.pades import embed, lock_report, prepare
from signing.adapters.pades_validation import MAX_REPORT, validate_report
from signing.adapters.sealed_keys import _ORDER, SealedKeyStore
from signing.core.prepared import Prepared
from signing.core.verdict import Outcome, ReportVerdict
from tests.signing.people import NOON, SEATS, Seat, committee

IDENTITY = "c1"


@dataclass(frozen=True)
class Signed:
    """A report signed without HTTP, so that a test can sign wrongly on purpose."""

    pdf: bytes
    revisions: tuple[bytes, ...]
    expected: Mapping[str, bytes]
    roots: tuple[bytes, ...]
    last: Prepared


@dataclass(frozen=True)
class Pen:
    """Signs prepared revisions with new certificates of `authority`."""

    keys: SealedKeyStore
    authority: FileCertificateAuthority

    def prepare(self, pdf: bytes, seat: Seat) -> tuple[Prepared, bytes]:
        key = self.keys.generate(IDENTITY, 1)
        chain = self.authority.issue(seat.holder, key.public, at=NOON)
        return prepare(pdf, seat=seat.seat, certificates=chain, reason=None, at=NOON), key.sealed

    def sign(self, prepared: Prepared, sealed: bytes) -> bytes:
        return embed(prepared, self.keys.sign(IDENTITY, 1, sealed, prepared.dtbs))

    def all(self, locked: bytes) -> Signed:
        revisions, expected = [locked], {}
        for seat in committee():
            prepared, sealed = self.prepare(revisions[-1], seat)
            revisions.append(self.sign(prepared, sealed))
            expected[seat.seat] = sha256(prepared.certificates[0])
        return Signed(revisions[-1], tuple(revisions), expected, self.authority.roots, prepared)


@pytest.fixture(scope="module")
def pen(keys: SealedKeyStore, authority: FileCertificateAuthority) -> Pen:
    return Pen(keys, authority)


@pytest.fixture(scope="module")
def signed(report: bytes, pen: Pen) -> Signed:
    return pen.all(lock_report(report, SEATS))


def judge(signed: Signed, pdf: bytes | None = None) -> ReportVerdict:
    return validate_report(signed.pdf if pdf is None else pdf, roots=signed.roots, expected=signed.expected, at=NOON)


def codes(verdict: ReportVerdict) -> set[str]:
    return {finding.code for finding in verdict.findings}


def hole_changed(signed: Signed, change: Callable[[bytes], bytes]) -> bytes:
    """The report with another container in the last signature's hole, the only bytes that no signature covers."""
    start, end = signed.last.hole
    hole = change(signed.pdf[start:end])
    assert len(hole) == end - start
    return signed.pdf[:start] + hole + signed.pdf[end:]


def pyhanko_alone(signed: Signed, pdf: bytes, monkeypatch: pytest.MonkeyPatch) -> ReportVerdict:
    """Our comparison of the container switched off."""
    start, end = signed.last.hole
    with monkeypatch.context() as patch:
        original = pades_validation._hole
        patch.setattr(
            pades_validation,
            "_hole",
            lambda s, d, w: pdf[start:end] if s.field_name == "seat-5" else original(s, d, w),
        )
        return judge(signed, pdf)


Meddle = Callable[[Any], None]
# pyHanko's object model is untyped.
objects: Any = generic


def change_page(writer: Any) -> None:
    page = writer.find_page_for_modification(0)[0]
    page.get_object()["/Rotate"] = objects.NumberObject(180)
    writer.mark_update(page)


def change_field(writer: Any) -> None:
    field = writer.root["/AcroForm"]["/Fields"][0]
    field["/Rect"] = objects.ArrayObject(objects.NumberObject(n) for n in (0, 0, 200, 200))


def change_title(writer: Any) -> None:
    writer.set_info(objects.DictionaryObject({objects.pdf_name("/Title"): objects.TextStringObject("another")}))


def test_the_unaltered_report_is_valid(signed: Signed) -> None:
    verdict = judge(signed)
    assert (verdict.outcome, verdict.code) == (Outcome.VALID, "valid")
    assert verdict.document == sha256(signed.revisions[0])


def test_a_missing_signer_makes_it_invalid(signed: Signed) -> None:
    for count in range(5):
        verdict = judge(signed, signed.revisions[count])
        assert verdict.outcome is Outcome.INVALID
        assert {f.seat for f in verdict.findings if f.code == "signer-missing"} == set(SEATS[count:])


def test_a_signer_too_many_makes_it_invalid(signed: Signed) -> None:
    four = {seat: digest for seat, digest in signed.expected.items() if seat != "seat-5"}
    verdict = validate_report(signed.pdf, roots=signed.roots, expected=four, at=NOON)
    assert verdict.outcome is Outcome.INVALID
    assert "signer-unexpected" in codes(verdict)


def test_another_certificate_makes_it_invalid(signed: Signed) -> None:
    """Attack: the operator signs for seat 3 with a second certificate of the same authority."""
    verdict = validate_report(
        signed.pdf, roots=signed.roots, expected={**signed.expected, "seat-3": bytes(32)}, at=NOON
    )
    assert [(f.code, f.seat) for f in verdict.findings] == [("certificate-unexpected", "seat-3")]


def test_a_seat_cannot_sign_in_anothers_field(report: bytes, pen: Pen) -> None:
    locked = lock_report(report, ["seat-1", "seat-2"])
    key = pen.keys.generate(IDENTITY, 1)
    chain = pen.authority.issue(Seat().holder, key.public, at=NOON)
    pdf = locked
    for seat in ("seat-1", "seat-2"):
        pdf = pen.sign(prepare(pdf, seat=seat, certificates=chain, reason=None, at=NOON), key.sealed)
    digest = sha256(chain[0])
    verdict = validate_report(pdf, roots=pen.authority.roots, expected={"seat-1": digest, "seat-2": digest}, at=NOON)
    assert {"certificate-repeated", "certificate-out-of-profile"} <= codes(verdict)


def test_only_the_pinned_root_counts(
    signed: Signed, keys: SealedKeyStore, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Attack: a whole second authority of the same name."""
    folder = tmp_path_factory.mktemp("false") / "ca"
    create_root(folder, keys=keys, operator="呼和浩特市公共资源交易中心", at=NOON)
    other = open_authority(folder, keys=keys).roots
    for roots in (other, ()):
        verdict = validate_report(signed.pdf, roots=roots, expected=signed.expected, at=NOON)
        assert codes(verdict) == {"chain-untrusted"}


def test_certificates_are_judged_at_the_given_moment(signed: Signed) -> None:
    for moment in (NOON - timedelta(minutes=6), NOON + timedelta(days=31)):
        verdict = validate_report(signed.pdf, roots=signed.roots, expected=signed.expected, at=moment)
        assert codes(verdict) == {"outside-validity"}
    later = NOON + timedelta(days=29)
    assert validate_report(signed.pdf, roots=signed.roots, expected=signed.expected, at=later).code == "valid"


def test_a_claimed_time_outside_the_certificate_is_refused(report: bytes, pen: Pen) -> None:
    locked = lock_report(report, ["seat-1"])
    key = pen.keys.generate(IDENTITY, 1)
    chain = pen.authority.issue(Seat().holder, key.public, at=NOON)
    claimed = NOON + timedelta(days=60)
    pdf = pen.sign(prepare(locked, seat="seat-1", certificates=chain, reason=None, at=claimed), key.sealed)
    verdict = validate_report(pdf, roots=pen.authority.roots, expected={"seat-1": sha256(chain[0])}, at=NOON)
    assert codes(verdict) == {"outside-validity"}


@pytest.mark.parametrize("tail", [b"\n", b"\x00", b"%", b"startxref\n0\n%%EOF\n", b"%%EOF\n"])
def test_nothing_may_follow_the_last_signature(signed: Signed, tail: bytes) -> None:
    assert judge(signed, signed.pdf + tail).outcome is not Outcome.VALID


def test_a_later_change_is_refused(signed: Signed) -> None:
    """Attack: an incremental update after the last signature, here only metadata, which PDF readers let pass."""
    writer: Any = IncrementalPdfFileWriter(BytesIO(signed.pdf))
    change_title(writer)
    output = BytesIO()
    writer.write(output)
    verdict = judge(signed, output.getvalue())
    assert verdict.outcome is Outcome.INVALID
    assert "changed-after-lock" in codes(verdict)


@pytest.mark.parametrize("meddle", [change_page, change_field, change_title])
def test_a_signers_revision_adds_nothing_but_the_signature(
    report: bytes, pen: Pen, meddle: Meddle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attack: the web process hides a change of the report in the first signer's own revision.

    With our comparison of revisions off it passes: pyHanko looks only at what follows a signature.
    """

    class MeddlingWriter(pades._ReportWriter):
        def write(self, stream: BytesIO) -> None:
            meddle(self)
            super().write(stream)  # type: ignore[no-untyped-call]

    locked = lock_report(report, ["seat-1"])
    with monkeypatch.context() as patch:
        patch.setattr(pades, "_ReportWriter", MeddlingWriter)
        prepared, sealed = pen.prepare(locked, Seat())
    pdf = pen.sign(prepared, sealed)
    expected = {"seat-1": sha256(prepared.certificates[0])}
    verdict = validate_report(pdf, roots=pen.authority.roots, expected=expected, at=NOON)
    assert codes(verdict) == {"changed-after-lock"}
    monkeypatch.setattr(pades_validation, "_foreign_change", lambda signature, context: None)
    assert validate_report(pdf, roots=pen.authority.roots, expected=expected, at=NOON).code == "valid"


def test_a_change_before_the_first_signature_changes_the_document(signed: Signed, report: bytes, pen: Pen) -> None:
    """The verdict names the locked report's digest, which the log has frozen."""
    other = pen.all(lock_report(report + b"\n", SEATS))
    verdict = judge(other)
    assert verdict.code == "valid"
    assert verdict.document != judge(signed).document


def filled(hole: bytes, content: bytes) -> bytes:
    return b"<" + content.hex().upper().encode().ljust(len(hole) - 2, b"0") + b">"


def lower_case(hole: bytes) -> bytes:
    return hole.lower()


def padded(hole: bytes) -> bytes:
    return hole[:-3] + b"01>"


def second_s(hole: bytes) -> bytes:
    """ECDSA's twin signature (r, q - s)."""
    container: Any = cms.ContentInfo.load(bytes.fromhex(hole[1:-1].decode()))
    signer = container["content"]["signer_infos"][0]
    r, s = decode_dss_signature(signer["signature"].native)
    signer["signature"] = encode_dss_signature(r, _ORDER - s)
    return filled(hole, container.dump())


def unsigned_attribute(hole: bytes) -> bytes:
    container: Any = cms.ContentInfo.load(bytes.fromhex(hole[1:-1].decode()))
    signer = container["content"]["signer_infos"][0]
    signer["unsigned_attrs"] = cms.CMSAttributes([{"type": "content_type", "values": ["data"]}])
    return filled(hole, container.dump())


def indefinite_length(hole: bytes) -> bytes:
    """BER instead of DER: the outermost length left open, closed by two zero octets."""
    der = bytes.fromhex(hole[1:-1].decode())
    size = int.from_bytes(der[2:4], "big")
    ber = b"\x30\x80" + der[4 : 4 + size] + b"\x00\x00"
    return filled(hole, ber)


@pytest.mark.parametrize("change", [lower_case, padded, second_s, unsigned_attribute, indefinite_length])
def test_there_is_one_container_only(
    signed: Signed, change: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other encodings of the same signature are refused; with the control switched off pyHanko accepts them."""
    pdf = hole_changed(signed, change)
    assert pdf != signed.pdf
    assert codes(judge(signed, pdf)) == {"container-out-of-profile"}
    assert pyhanko_alone(signed, pdf, monkeypatch).code == "valid"


def test_every_byte_of_the_last_container_counts(signed: Signed) -> None:
    """The one place that no later signature covers."""
    start, end = signed.last.hole
    used = len(signed.pdf[start:end].rstrip(b"0>"))
    places = [*range(start, start + used, 61), start, start + used + 1, end - 3, end - 1]
    for place in places:
        altered = bytearray(signed.pdf)
        altered[place] = ord("0") if altered[place] != ord("0") else ord("1")
        assert judge(signed, bytes(altered)).outcome is not Outcome.VALID, place


def test_no_altered_byte_passes(signed: Signed) -> None:
    chance = random.Random(20261121)
    for _ in range(60):
        altered = bytearray(signed.pdf)
        place = chance.randrange(len(altered))
        altered[place] ^= 1 << chance.randrange(8)
        assert judge(signed, bytes(altered)).outcome is not Outcome.VALID, place


@pytest.mark.parametrize("pdf", [b"", b"%PDF-1.7", b"\x00" * 4096, b"%PDF-1.7\nstartxref\n0\n%%EOF\n"])
def test_what_is_no_pdf_is_undetermined(signed: Signed, pdf: bytes) -> None:
    assert judge(signed, pdf).outcome is Outcome.UNDETERMINED


def test_an_oversized_file_is_not_even_read(signed: Signed) -> None:
    assert judge(signed, bytes(MAX_REPORT + 1)).outcome is Outcome.UNDETERMINED


def test_a_cut_file_is_never_valid(signed: Signed) -> None:
    chance = random.Random(7)
    for _ in range(20):
        assert judge(signed, signed.pdf[: chance.randrange(len(signed.pdf))]).outcome is not Outcome.VALID


def test_an_unsigned_report_is_invalid(signed: Signed, report: bytes) -> None:
    verdict = judge(signed, report)
    assert codes(verdict) == {"signer-missing"}


def test_a_report_that_nobody_has_to_sign_is_invalid(signed: Signed, report: bytes) -> None:
    for pdf in (report, lock_report(report, SEATS), signed.pdf):
        verdict = validate_report(pdf, roots=signed.roots, expected={}, at=NOON)
        assert "signer-missing" in codes(verdict)
