"""TLS for a centre that has no certificate yet: its own small authority, or one self-signed certificate.

The authority's certificate is given to every seat's machine once (by hand, in a closed network); its key then goes into
a safe. A self-signed certificate is recognised by its fingerprint, which people read to each other. Both hold for a
little over a year, as browsers demand of servers (CA/Browser Forum baseline requirements 6.3.2: 398 days).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from web.server.errors import BadSettings
from web.server.installation import write_private

SERVER_DAYS, AUTHORITY_DAYS = 397, 3650
# A clock that is a little behind still accepts what was made just now.
_EARLIER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """Files for the web process; `authority` is what the seats' machines get, where there is one."""

    certificate: Path
    key: Path
    authority: Path | None
    fingerprint: str


def own_authority(folder: Path, *, host: str, operator: str) -> ServerCertificate:
    """An authority of this centre's own, and a certificate by it for `host`."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    root_key, server_key = _new_key(), _new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{operator[:40]} TLS")])
    root = (
        _builder(name, name, root_key.public_key(), AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    server = _server(host, name, server_key).sign(root_key, hashes.SHA256())
    _write(folder / "authority.key", _pem(root_key))
    (folder / "authority.crt").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    return _kept(folder, server, server_key, root)


def self_signed(folder: Path, *, host: str) -> ServerCertificate:
    """One certificate for `host`, recognised by its fingerprint."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = _new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    return _kept(folder, _server(host, name, key).sign(key, hashes.SHA256()), key, None)


def given(certificate: Path, key: Path, *, host: str) -> ServerCertificate:
    """A certificate of somebody else's: it must be readable, of this key, for this host, and in force."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        loaded = serialization.load_pem_private_key(key.read_bytes(), None)
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, x509.ExtensionNotFound) as error:
        raise BadSettings(f"{certificate} or {key} cannot be used: {error}") from error
    if loaded.public_key() != found.public_key():
        raise BadSettings(f"{key} is not the key of {certificate}")
    if not found.not_valid_before_utc <= datetime.now(UTC) < found.not_valid_after_utc:
        raise BadSettings(f"{certificate} is not in force")
    known = {*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))}
    if host not in known and f"*.{host.partition('.')[2]}" not in known:
        raise BadSettings(f"{certificate} is not for {host}")
    return ServerCertificate(certificate.absolute(), key.absolute(), None, _fingerprint(found))


def _server(host: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    # The command line on the server itself speaks to 127.0.0.1.
    names = {name: _general_name(name) for name in (host, "127.0.0.1", "localhost")}
    return (
        _builder(subject, issuer, key.public_key(), SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(list(names.values())), critical=False)
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _kept(
    folder: Path, server: x509.Certificate, key: ec.EllipticCurvePrivateKey, root: x509.Certificate | None
) -> ServerCertificate:
    chain = server.public_bytes(serialization.Encoding.PEM)
    if root is not None:
        chain += root.public_bytes(serialization.Encoding.PEM)
    (folder / "server.crt").write_bytes(chain)
    _write(folder / "server.key", _pem(key))
    authority = None if root is None else folder / "authority.crt"
    return ServerCertificate(folder / "server.crt", folder / "server.key", authority, _fingerprint(root or server))


def _write(path: Path, data: bytes) -> None:
    if path.exists():
        raise BadSettings(f"{path} exists: a key is never overwritten")
    write_private(path, data)


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 as browsers show it."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()
