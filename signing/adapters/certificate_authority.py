"""The platform's own certificate authority: a root made once, an issuing authority under it, experts' certificates.

The folder holds `root.crt`, `root.key`, `issuing.crt`, `issuing.key`: certificates as DER, keys sealed. The root's key
is used once, to sign the issuing authority; a real installation moves it to a safe and deletes it here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from signing.adapters.sealed_keys import SealedKeyStore
from signing.core.certificate import BACKDATE, CA_USAGE, LEAF_VALIDITY, leaf_extensions, subject_of
from signing.core.credential import Holder
from signing.errors import AuthorityRefused

# Evaluation records are kept for at least 15 years (政府采购法 42), so the root outlives what it vouches for.
ROOT_VALIDITY = timedelta(days=20 * 366)
# The issuing authority is replaced well before its last certificates' records are: five years is the usual span.
ISSUING_VALIDITY = timedelta(days=5 * 366)
# What the sealed keys of the two authorities are bound to.
ROOT, ISSUING = "root", "issuing"
KEY_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCertificateAuthority:
    """Issues from a folder made by `create_root`; only the issuing key is ever opened here."""

    root: x509.Certificate
    issuing: x509.Certificate
    issuing_key: ec.EllipticCurvePrivateKey
    validity: timedelta = LEAF_VALIDITY

    @property
    def roots(self) -> tuple[bytes, ...]:
        return (_der(self.root),)

    def issue(self, holder: Holder, public: ec.EllipticCurvePublicKey, *, at: datetime) -> tuple[bytes, ...]:
        # A certificate must not outlive its issuer, or no chain would ever validate to its end.
        until = min(at + self.validity, self.issuing.not_valid_after_utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject_of(holder))
            .issuer_name(self.issuing.subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(_seconds(at - BACKDATE))
            .not_valid_after(_seconds(until))
        )
        for extension, critical in leaf_extensions(public, self.issuing):
            builder = builder.add_extension(extension, critical=critical)
        leaf = builder.sign(self.issuing_key, hashes.SHA256())
        return (_der(leaf), _der(self.issuing), _der(self.root))


def create_root(folder: Path, *, keys: SealedKeyStore, operator: str, at: datetime) -> None:
    """Make root and issuing authority in `folder`, which must not exist. A crash leaves the whole folder or none."""
    root_key, issuing_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = _name(operator, "Tongping Root CA")
    root = _authority(root_name, root_key.public_key(), root_name, root_key, None, at, ROOT_VALIDITY)
    issuing = _authority(
        _name(operator, "Tongping Issuing CA"),
        issuing_key.public_key(),
        root_name,
        root_key,
        root,
        at,
        ISSUING_VALIDITY,
    )
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700, parents=True)
    for name, data in (
        ("root.crt", _der(root)),
        ("root.key", keys.seal(ROOT, KEY_VERSION, root_key)),
        ("issuing.crt", _der(issuing)),
        ("issuing.key", keys.seal(ISSUING, KEY_VERSION, issuing_key)),
    ):
        with os.fdopen(os.open(part / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    _sync(part)
    os.rename(part, folder)
    _sync(folder.parent)


def open_authority(
    folder: Path, *, keys: SealedKeyStore, validity: timedelta = LEAF_VALIDITY
) -> FileCertificateAuthority:
    """The authority in `folder`; refuses one whose parts do not belong together."""
    try:
        root = x509.load_der_x509_certificate((folder / "root.crt").read_bytes())
        issuing = x509.load_der_x509_certificate((folder / "issuing.crt").read_bytes())
        sealed = (folder / "issuing.key").read_bytes()
    except (OSError, ValueError) as error:
        raise AuthorityRefused(f"no certificate authority in {folder}") from error
    key = keys.unseal(ISSUING, KEY_VERSION, sealed)
    try:
        issuing.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise AuthorityRefused("the issuing certificate is not signed by the root") from error
    if key.public_key() != issuing.public_key():
        raise AuthorityRefused("the issuing key is not that of its certificate")
    return FileCertificateAuthority(root=root, issuing=issuing, issuing_key=key, validity=validity)


def ensure_authority(
    folder: Path, *, keys: SealedKeyStore, operator: str, clock: Callable[[], datetime]
) -> FileCertificateAuthority:
    """The authority in `folder`, made first if there is none."""
    if not folder.exists():
        create_root(folder, keys=keys, operator=operator, at=clock())
    return open_authority(folder, keys=keys)


def _authority(
    subject: x509.Name,
    public: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
    parent: x509.Certificate | None,
    at: datetime,
    validity: timedelta,
) -> x509.Certificate:
    # RFC 5280 4.2.1.9: the root allows one authority below it, the issuing authority none.
    depth = 1 if parent is None else 0
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_seconds(at - BACKDATE))
        .not_valid_after(_seconds(at + validity))
        .add_extension(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
        .add_extension(CA_USAGE, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    if parent is not None:
        ski = parent.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski), critical=False
        )
    return builder.sign(signer, hashes.SHA256())


def _name(operator: str, title: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, operator),
            x509.NameAttribute(NameOID.COMMON_NAME, title),
        ]
    )


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _seconds(at: datetime) -> datetime:
    """X.509 times have whole seconds (RFC 5280 4.1.2.5)."""
    return at.replace(microsecond=0)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
