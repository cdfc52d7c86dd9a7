"""The certificate profile: what an expert's certificate says, and the check that one says exactly that.

Writer and reader stand side by side, so that the authority cannot issue what validators refuse.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID, NameOID, ObjectIdentifier

from signing.core.credential import Holder

# id-ce-noRevAvail (RFC 9608 section 2): the certificate lives for weeks and is never put on a revocation list; what
# ends a person's right to sign is in the proceeding's log.
NO_REV_AVAIL = ObjectIdentifier("2.5.29.56")
_NULL = b"\x05\x00"
# Clocks of the services differ by seconds; a certificate must be usable at once.
BACKDATE = timedelta(minutes=5)
# A proceeding lasts days; objections must come within seven working days of the notice (政府采购法 52).
LEAF_VALIDITY = timedelta(days=30)

# nonRepudiation (contentCommitment) is the intent to sign a document (RFC 5280 4.2.1.3); digitalSignature is what
# validators that know no contentCommitment ask for.
LEAF_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=True,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
CA_USAGE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def subject_of(holder: Holder) -> x509.Name:
    """Person, employer and seat; the seat keeps two experts of one name apart."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, holder.organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, holder.name),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, holder.seat),
        ]
    )


def leaf_extensions(key: ec.EllipticCurvePublicKey, issuer: x509.Certificate) -> list[tuple[x509.ExtensionType, bool]]:
    """The extensions of an expert's certificate, each with its criticality."""
    issuer_ski = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (LEAF_USAGE, True),
        (x509.SubjectKeyIdentifier.from_public_key(key), False),
        (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_ski), False),
        (x509.UnrecognizedExtension(NO_REV_AVAIL, _NULL), False),
    ]


def fault_in_leaf(leaf: x509.Certificate, *, seat: str) -> str | None:
    """What keeps `leaf` from being the certificate of `seat` under this profile, or None."""
    serials = leaf.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    if [s.value for s in serials] != [seat]:
        return "the certificate names another seat"
    key = leaf.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        return "the key is not on P-256"
    found = {extension.oid: extension for extension in leaf.extensions}
    usage = found.get(ExtensionOID.KEY_USAGE)
    if usage is None or usage.value != LEAF_USAGE or not usage.critical:
        return "key usage is not exactly digitalSignature and nonRepudiation"
    no_rev_avail = found.get(NO_REV_AVAIL)
    if no_rev_avail is None or no_rev_avail.value != x509.UnrecognizedExtension(NO_REV_AVAIL, _NULL):
        return "noRevAvail is missing"
    expected = {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        NO_REV_AVAIL,
    }
    if set(found) != expected:
        return "the extensions are not those of the profile"
    return None


def valid_at(certificate: x509.Certificate, at: datetime) -> bool:
    """`at` lies in the certificate's validity, both ends included (RFC 5280 4.1.2.5)."""
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc
