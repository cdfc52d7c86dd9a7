"""The signed report: PAdES baseline B-B signatures, one after the other.

A report is locked once (one empty field per seat), then each seat's signature is prepared (an incremental update with a
hole for the CMS container), authorised by the person, made by the signing service (`csc_client`), and embedded.
Everything that is hashed is fixed before the person sees it. No time-stamp yet: the evidence log gives the time
(protocols.md section 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import (
    SigFieldSpec,
    SigSeedSubFilter,
    append_signature_field,
    ensure_sig_flags,
    enumerate_sig_fields,
)
from pyhanko.sign.general import SigningError as PdfSigningError
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import PreparedByteRangeDigest, SignatureObject

from evidence.core import act as acts
from evidence.core.canonical import b64u, sha256
from signing.adapters.cms_container import container, signed_attributes
from signing.adapters.sealed_keys import is_low_s
from signing.core.credential import SEAT
from signing.core.prepared import Prepared
from signing.errors import PreparedMismatch, ReportNotSignable

# Room for the CMS container as hex digits: leaf, issuing certificate and attributes take under 2.5 kB, a later
# time-stamp token (RFC 3161) about 5 kB; 8 KiB of DER are 16 384 digits.
RESERVED_DIGITS = 16_384
PROFILE = SigSeedSubFilter.PADES
END_OF_FILE = b"%%EOF"


class _ReportWriter(IncrementalPdfFileWriter):
    """pyHanko's incremental writer without its two sources of chance: the random second half of /ID and the current
    time and producer in the metadata. So the same input gives the same bytes, and a revision adds nothing but what
    it is for."""

    @classmethod
    def _handle_id(cls, prev: Any) -> generic.ArrayObject:
        prev.stream.seek(0)
        fresh = sha256(prev.stream.read())[:16]
        try:
            first = prev.trailer["/ID"][0].original_bytes
        except (KeyError, IndexError, AttributeError):
            first = fresh
        return generic.ArrayObject([generic.ByteStringObject(first), generic.ByteStringObject(fresh)])

    def _update_meta(self) -> None:
        """The metadata stay those of the rendered report."""


def lock_report(pdf: bytes, seats: Sequence[str]) -> bytes:
    """The report with one empty invisible signature field per seat, named by the seat; deterministic."""
    if not seats or len(set(seats)) != len(seats) or any(not SEAT.match(seat) for seat in seats):
        raise ReportNotSignable("one field per seat, each seat once")
    try:
        writer = _ReportWriter(BytesIO(pdf))
        if "/AcroForm" in writer.root:
            raise ReportNotSignable("the report already has a form")
        for seat in seats:
            append_signature_field(writer, SigFieldSpec(seat))
        # Append-only is set now, so that no signature has to touch the form.
        ensure_sig_flags(writer, lock_sig_flags=True)
        output = BytesIO()
        writer.write(output)  # type: ignore[no-untyped-call]
    except (PdfError, ValueError, KeyError, RecursionError) as error:
        raise ReportNotSignable(f"the report cannot be locked: {error}") from error
    return output.getvalue()


def prepare(pdf: bytes, *, seat: str, certificates: Sequence[bytes], reason: str | None, at: datetime) -> Prepared:
    """The next revision of `pdf` with a hole for the seat's signature, and what is to be signed; deterministic.

    PAdES puts the claimed time into /M of the signature dictionary (EN 319 142-1 5.3), so `at` is pinned here.
    """
    try:
        digest, output = _revision_with_hole(pdf, seat, reason, at)
    except (PdfError, PdfSigningError, ValueError, KeyError, RecursionError) as error:
        raise ReportNotSignable(f"no signature can be prepared for {seat}: {error}") from error
    return Prepared(
        seat=seat,
        revision=output,
        hole=(digest.reserved_region_start, digest.reserved_region_end),
        signed_attributes=signed_attributes(digest.document_digest, certificates[0]),
        document=sha256(pdf[: locked_size(pdf)]),
        certificates=tuple(certificates),
    )


def locked_size(pdf: bytes) -> int:
    """Length of the locked report inside a (partly) signed one: all revisions before the first signature."""
    reader = PdfFileReader(BytesIO(pdf))
    signed = sum(1 for _ in enumerate_sig_fields(reader, filled_status=True))
    last_locked = reader.xrefs.total_revisions - 1 - signed
    if last_locked < 1:
        raise ReportNotSignable("the report was not locked")
    end = pdf.index(END_OF_FILE, reader.xrefs.get_xref_container_info(last_locked).end_location) + len(END_OF_FILE)
    return end + (pdf[end : end + 1] == b"\n")


def check_act(prepared: Prepared, act_jws: str) -> str:
    """The credential that the act names; PreparedMismatch unless it is the seat's act over exactly this revision."""
    act = acts.parse(act_jws)
    credential = act.body.get("credential")
    wanted = {"credential": credential, "document": b64u(prepared.document), "hashes": [b64u(prepared.dtbs)]}
    if act.sub != prepared.seat or act.body != wanted or not isinstance(credential, str):
        raise PreparedMismatch("the act is not over this revision")
    return credential


def embed(prepared: Prepared, signature: bytes) -> bytes:
    """The prepared revision with its signature; not one byte outside the hole changes.

    (1) The signature is DER with low s, and holds under the certificate over the prepared attributes.
    (2) The container of our profile goes into the hole.
    """
    # (1)
    key = x509.load_der_x509_certificate(prepared.certificates[0]).public_key()
    try:
        if not isinstance(key, ec.EllipticCurvePublicKey) or not is_low_s(signature):
            raise PreparedMismatch("the signature is not in the service's form")
        key.verify(signature, prepared.signed_attributes, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError) as error:
        raise PreparedMismatch("the signature does not hold") from error
    # (2)
    output = BytesIO(prepared.revision)
    der = container(prepared.certificates, prepared.signed_attributes, signature)
    PreparedByteRangeDigest(b"", *prepared.hole).fill_with_cms(output, der)
    return output.getvalue()


def _revision_with_hole(
    pdf: bytes, seat: str, reason: str | None, at: datetime
) -> tuple[PreparedByteRangeDigest, bytes]:
    embedder = PdfCMSEmbedder().write_cms(
        field_name=seat, writer=_ReportWriter(BytesIO(pdf)), existing_fields_only=True
    )
    next(embedder)
    placeholder = SignatureObject(timestamp=at, subfilter=PROFILE, reason=reason, bytes_reserved=RESERVED_DIGITS)
    embedder.send(SigObjSetup(sig_placeholder=placeholder))
    digest, output = embedder.send(SigIOSetup(md_algorithm="sha256"))
    return digest, output.getvalue()
