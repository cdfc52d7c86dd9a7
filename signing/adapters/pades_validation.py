"""Is a signed report what it claims: every expected seat, once, over the locked report and nothing else.

Stricter than PAdES asks. A container must be, byte for byte, the one that our profile prescribes for its certificates,
digest and signature, and a revision may add one signature and nothing else; so any altered byte is refused. The
evidence file also holds the report's SHA-256; this is the second defence, and the one that names the cause.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from pyhanko.pdf_utils.generic import DictionaryObject, Reference
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation import (
    EmbeddedPdfSignature,
    PdfSignatureStatus,
    SignatureCoverageLevel,
    async_validate_pdf_signature,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext

from evidence.core.canonical import sha256
from signing.adapters.cms_container import container, signed_attributes
from signing.adapters.pades import PROFILE, locked_size
from signing.adapters.sealed_keys import is_low_s
from signing.core.certificate import fault_in_leaf, valid_at
from signing.core.verdict import Finding, ReportVerdict, SignatureSeen, judge, unreadable

# A report with page images of nine bidders stays under 10 MB; a hostile file must not exhaust the verifier.
MAX_REPORT = 64 * 1024 * 1024
_USAGE = KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"}, match_all_key_usages=True)


@dataclass(frozen=True, slots=True)
class _Context:
    """What every signature of one report is judged with."""

    pdf: bytes
    reader: PdfFileReader
    roots: tuple[bytes, ...]
    expected: Mapping[str, bytes]
    at: datetime
    excused: frozenset[str] = frozenset()


def validate_report(
    pdf: bytes,
    *,
    roots: Sequence[bytes],
    expected: Mapping[str, bytes],
    at: datetime,
    excused: frozenset[str] = frozenset(),
) -> ReportVerdict:
    """Judge a report; `expected` maps each seat to its leaf certificate's SHA-256, `roots` are pinned, `at` is the
    moment at which the certificates must have been valid. The field of an `excused` seat stays empty: it dissented, or
    is deemed to agree. Five signatures take about 0.1 s of one core.

    (1) The file reads strictly as a PDF that is not encrypted.
    (2) The signature fields are exactly those of the expected seats, all filled, and the empty ones of excused seats;
        no certificate signs twice.
    (3) After the locked report there is one revision per signature and nothing more.
    (4) Each signature has the form of our profile (see `_judge_form`).
    (5) pyHanko finds each signature good (see `_judge_status`).
    """
    # (1)
    if len(pdf) > MAX_REPORT:
        return unreadable("the report is too large")
    try:
        reader = PdfFileReader(BytesIO(pdf), strict=True)
        if reader.encrypted or reader.xrefs.hybrid_xrefs_present:
            return unreadable("encrypted or hybrid files are not ours")
    except Exception as error:  # noqa: BLE001 a hostile file may break the reader in any way
        return unreadable(f"{type(error).__name__}: {error}")
    try:
        return _judge_report(_Context(pdf, reader, tuple(roots), expected, at, excused))
    except Exception as error:  # noqa: BLE001 and so may a hostile signature
        return judge((Finding("signatures-unreadable", detail=f"{type(error).__name__}: {error}"),))


def _judge_report(context: _Context) -> ReportVerdict:
    reader = context.reader
    # (2)
    fields = [(str(name), value is not None) for name, value, _ in enumerate_sig_fields(reader)]
    embedded = sorted(reader.embedded_signatures, key=lambda signature: signature.signed_revision)
    findings = _field_findings(fields, embedded, context.expected, context.excused)
    if not embedded:
        return judge(tuple(findings))
    # (3)
    first = reader.xrefs.total_revisions - len(embedded)
    if [signature.signed_revision for signature in embedded] != list(range(first, first + len(embedded))):
        findings.append(Finding("changed-after-lock", detail="a revision is not one signature"))
    # (4)
    for signature in embedded:
        findings += _judge_form(signature, context)
    # (5)
    if not findings:
        for signature, status in zip(embedded, _pyhanko_statuses(embedded, context), strict=True):
            findings += _judge_status(signature, status, context)
    document = sha256(context.pdf[: locked_size(context.pdf)])
    return judge(tuple(findings), tuple(_seen(signature) for signature in embedded), document)


def _field_findings(
    fields: list[tuple[str, bool]],
    embedded: list[EmbeddedPdfSignature],
    expected: Mapping[str, bytes],
    excused: frozenset[str],
) -> list[Finding]:
    # A report that nobody has to sign proves nothing; an empty list is a caller's mistake, not a reason to say "valid".
    findings = [] if expected else [Finding("signer-missing")]
    names = Counter(name for name, _ in fields)
    filled = {name for name, value in fields if value}
    for seat in expected:
        if seat not in filled:
            findings.append(Finding("signer-missing", seat))
    for name, count in names.items():
        if name not in expected and (name not in excused or name in filled):
            findings.append(Finding("signer-unexpected", name))
        elif count > 1:
            findings.append(Finding("signer-repeated", name))
    certificates = Counter(signature.signer_cert.dump() for signature in embedded)
    if len(embedded) != len(filled) or any(count > 1 for count in certificates.values()):
        findings.append(Finding("certificate-repeated"))
    return findings


def _judge_form(signature: EmbeddedPdfSignature, context: _Context) -> list[Finding]:
    """What can be said from the bytes alone; the first fault found is named.

    (1) The certificate is the one expected for the seat, follows the profile, and was valid at the given moment and
        at the time that the signer claims.
    (2) It is a PAdES signature over everything but its own hole, up to the end of its revision.
    (3) The hole holds exactly the container of our profile, padded with zeros.
    (4) Its revision fills one empty field, and changes nothing else.
    """
    seat = str(signature.field_name)
    leaf_der = signature.signer_cert.dump()
    leaf = x509.load_der_x509_certificate(leaf_der)

    def found(code: str, detail: str = "") -> list[Finding]:
        return [Finding(code, seat, detail)]

    # (1)
    if sha256(leaf_der) != context.expected.get(seat):
        return found("certificate-unexpected")
    fault = fault_in_leaf(leaf, seat=seat)
    if fault is not None:
        return found("certificate-out-of-profile", fault)
    claimed = signature.self_reported_timestamp
    if claimed is None or not valid_at(leaf, context.at) or not valid_at(leaf, claimed):
        return found("outside-validity")
    # (2)
    if signature.sig_object_type != "/Sig" or signature.sig_object.get("/SubFilter") != PROFILE.value:
        return found("not-pades")
    ranges = [int(value) for value in signature.byte_range]
    end = ranges[2] + ranges[3] if len(ranges) == 4 else 0
    if len(ranges) != 4 or ranges[0] != 0 or not 0 < ranges[1] < ranges[2] < end <= len(context.pdf):
        return found("not-covered", "the byte range is out of form")
    # (3)
    digest = sha256(context.pdf[: ranges[1]] + context.pdf[ranges[2] : end])
    if context.pdf[ranges[1] : ranges[2]] != _hole(signature, digest, ranges[2] - ranges[1]):
        return found("container-out-of-profile")
    # (4)
    change = _foreign_change(signature, context)
    if change is not None:
        return found("changed-after-lock", change)
    return []


def _judge_status(signature: EmbeddedPdfSignature, status: PdfSignatureStatus, context: _Context) -> list[Finding]:
    """What pyHanko found.

    (1) The signature covers its whole revision, and the last one the whole file.
    (2) It is intact and valid.
    (3) Its certificate chains to a pinned root, and every certificate in the container is of that chain.
    (4) What follows it are signatures only.
    """
    seat = str(signature.field_name)
    # (1)
    last = signature.signed_revision == context.reader.xrefs.total_revisions - 1
    if status.coverage != (SignatureCoverageLevel.ENTIRE_FILE if last else SignatureCoverageLevel.ENTIRE_REVISION):
        return [Finding("not-covered", seat, str(status.coverage))]
    # (2)
    if not status.intact or not status.valid:
        return [Finding("signature-broken", seat)]
    # (3)
    if not status.trusted:
        return [Finding("chain-untrusted", seat, str(status.trust_problem_indic))]
    path = {certificate.dump() for certificate in status.validation_path or ()}
    if not {certificate.dump() for certificate in signature.other_embedded_certs} <= path:
        return [Finding("container-out-of-profile", seat, "a certificate that is not of the chain")]
    # (4)
    if not status.docmdp_ok or not status.bottom_line:
        return [Finding("changed-after-lock", seat, "pyHanko found a change that is no signature")]
    return []


def _hole(signature: EmbeddedPdfSignature, digest: bytes, width: int) -> bytes:
    """The bytes that must stand in the hole: '<', our profile's container as upper-case hex, zeros, '>'.

    All is rebuilt but the signature value, which must be DER with low s, and the certificates, which must be DER.
    """
    value: bytes = signature.signer_info["signature"].native
    certificates = [bytes(c.dump()) for c in (signature.signer_cert, *signature.other_embedded_certs)]
    if not is_low_s(value) or any(_reencoded(certificate) != certificate for certificate in certificates):
        return b""
    der = container(certificates, signed_attributes(digest, certificates[0]), value)
    return b"<" + der.hex().upper().encode("ascii").ljust(width - 2, b"0") + b">"


def _reencoded(certificate: bytes) -> bytes:
    return bytes(asn1_x509.Certificate.load(certificate, strict=True).dump(force=True))


def _foreign_change(signature: EmbeddedPdfSignature, context: _Context) -> str | None:
    """What a signature's revision changes beside filling its field, or None.

    (1) It writes exactly two objects, the field and a new signature, and frees none.
    (2) The field is what it was before, plus its value.
    (3) The trailer still names the same root and information.
    """
    reader, revision = context.reader, signature.signed_revision
    field = signature.sig_field.container_ref
    value = signature.sig_field.raw_get("/V").reference
    if not isinstance(field, Reference):
        return "the field is not an object of its own"
    # (1)
    written = {(ref.idnum, ref.generation) for ref in reader.xrefs.explicit_refs_in_revision(revision)}
    xref_stream = reader.xrefs.get_xref_container_info(revision).stream_ref
    if xref_stream is not None:
        written.discard((xref_stream.idnum, xref_stream.generation))
    if written != {(field.idnum, field.generation), (value.idnum, value.generation)}:
        return "a revision writes other objects"
    if reader.xrefs.refs_freed_in_revision(revision) or reader.xrefs.get_introducing_revision(value) != revision:
        return "a revision frees or replaces objects"
    # (2)
    before = reader.get_historical_resolver(revision - 1).get_object(field)
    after = reader.get_historical_resolver(revision).get_object(field)
    if not isinstance(before, DictionaryObject) or not isinstance(after, DictionaryObject) or "/V" in before:
        return "the field was not empty"
    if {key: item for key, item in after.items() if key != "/V"} != dict(before.items()):
        return "the field was changed"
    # (3)
    for key in ("/Root", "/Info"):
        trailers = [reader.trailer.flatten(r) for r in (revision - 1, revision)]
        if len({trailer.raw_get(key).reference if key in trailer else None for trailer in trailers}) != 1:
            return f"the trailer names another {key}"
    return None


def _pyhanko_statuses(signatures: Sequence[EmbeddedPdfSignature], context: _Context) -> list[PdfSignatureStatus]:
    async def all_of_them() -> list[PdfSignatureStatus]:
        return [await _pyhanko_status(signature, context) for signature in signatures]

    # A thread of its own, because the caller may be inside an event loop, which cannot run a second one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, all_of_them()).result()


async def _pyhanko_status(signature: EmbeddedPdfSignature, context: _Context) -> PdfSignatureStatus:
    # Nothing is fetched. The leaf has noRevAvail; the issuing authority's revocation would be in the centre log.
    validation = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(root, strict=True) for root in context.roots],
        other_certs=signature.other_embedded_certs,
        moment=context.at,
        allow_fetching=False,
        revocation_mode="soft-fail",
    )
    try:
        return await async_validate_pdf_signature(
            signature, signer_validation_context=validation, key_usage_settings=_USAGE
        )
    finally:
        await validation.aclose()  # type: ignore[no-untyped-call]


def _seen(signature: EmbeddedPdfSignature) -> SignatureSeen:
    claimed = signature.self_reported_timestamp
    if claimed is None:
        raise ValueError("a signature without /M")
    names = x509.load_der_x509_certificate(signature.signer_cert.dump()).subject.get_attributes_for_oid(
        x509.oid.NameOID.COMMON_NAME
    )
    return SignatureSeen(
        seat=str(signature.field_name),
        certificate=sha256(signature.signer_cert.dump()),
        name=str(names[0].value) if names else "",
        claimed=claimed,
    )
