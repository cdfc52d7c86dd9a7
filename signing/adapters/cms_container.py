"""The one CMS container that a report's signature may have (RFC 5652, CAdES B-B as EN 319 142-1 profiles it).

Given certificates, digest and signature value there is exactly one sequence of bytes. The signer writes it and the
validator rebuilds it, so that nothing in a container escapes comparison.
"""

from __future__ import annotations

from collections.abc import Sequence

from asn1crypto import cms, tsp, x509

from evidence.core.canonical import sha256


def signed_attributes(digest: bytes, leaf: bytes) -> bytes:
    """DER SET of what a signature covers: content type, the document's digest, and which certificate signs
    (signing-certificate-v2, RFC 5035). EN 319 142-1 table 1 forbids signing-time: the time stands in /M."""
    certificate = x509.Certificate.load(leaf, strict=True)
    issuer_serial = {
        "issuer": [x509.GeneralName("directory_name", certificate.issuer)],
        "serial_number": certificate.serial_number,
    }
    identified = {
        "hash_algorithm": {"algorithm": "sha256"},
        "cert_hash": sha256(leaf),
        "issuer_serial": issuer_serial,
    }
    attributes = cms.CMSAttributes(
        [
            {"type": "content_type", "values": ["data"]},
            {"type": "message_digest", "values": [digest]},
            {"type": "signing_certificate_v2", "values": [tsp.SigningCertificateV2({"certs": [identified]})]},
        ]
    )
    return bytes(attributes.dump())


def container(certificates: Sequence[bytes], attributes: bytes, signature: bytes) -> bytes:
    """DER ContentInfo with the certificates, leaf first; the root is left out, because a verifier brings its own."""
    parsed = [x509.Certificate.load(certificate, strict=True) for certificate in certificates]
    leaf = parsed[0]
    embedded = [certificate for certificate in parsed if certificate is leaf or not certificate.self_issued]
    sha_256 = {"algorithm": "sha256"}
    signer_info = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            "issuer_and_serial_number", {"issuer": leaf.issuer, "serial_number": leaf.serial_number}
        ),
        "digest_algorithm": sha_256,
        "signed_attrs": cms.CMSAttributes.load(attributes, strict=True),
        "signature_algorithm": {"algorithm": "sha256_ecdsa"},
        "signature": signature,
    }
    signed_data = {
        "version": "v1",
        "digest_algorithms": [sha_256],
        "encap_content_info": {"content_type": "data"},
        "certificates": [cms.CertificateChoices("certificate", certificate) for certificate in embedded],
        "signer_infos": [signer_info],
    }
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed_data)}).dump())
