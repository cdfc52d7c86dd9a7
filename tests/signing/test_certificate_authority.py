"""The certificates: profile, chain, and what must never come out of the authority."""

from __future__ import annotations

import os
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from signing.adapters.certificate_authority import (
    FileCertificateAuthority,
    create_root,
    ensure_authority,
    open_authority,
)
from signing.adapters.sealed_keys import SealedKeyStore
from signing.core.certificate import fault_in_leaf, leaf_extensions, valid_at
from signing.errors import AuthorityRefused, KeyNotReadable
from tests.signing.people import NOON, Seat, committee


def key() -> ec.EllipticCurvePublicKey:
    return ec.generate_private_key(ec.SECP256R1()).public_key()


def load(der: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(der)


def test_the_leaf_follows_the_profile(authority: FileCertificateAuthority) -> None:
    """RFC 5280, RFC 9608: one person, weeks, digitalSignature and nonRepudiation, never revoked by list."""
    public = key()
    chain = authority.issue(Seat().holder, public, at=NOON)
    leaf = load(chain[0])
    assert leaf.subject.rfc4514_string() == "2.5.4.5=seat-1,CN=张伟,O=内蒙古大学,C=CN"
    assert leaf.public_key() == public
    assert fault_in_leaf(leaf, seat="seat-1") is None
    assert fault_in_leaf(leaf, seat="seat-2") is not None
    assert valid_at(leaf, NOON)
    assert not valid_at(leaf, NOON - timedelta(minutes=6))
    assert not valid_at(leaf, NOON + timedelta(days=30, seconds=1))
    issuing = load(chain[1])
    leaf.verify_directly_issued_by(issuing)
    issuing.verify_directly_issued_by(load(chain[2]))
    assert chain[2:] == authority.roots


def test_every_certificate_has_its_own_serial_number(authority: FileCertificateAuthority) -> None:
    serials = {load(authority.issue(seat.holder, key(), at=NOON)[0]).serial_number for seat in committee() * 4}
    assert len(serials) == 20


def test_openssl_verifies_the_chain(authority: FileCertificateAuthority, tmp_path: Path) -> None:
    chain = authority.issue(Seat().holder, key(), at=NOON)
    for name, der in zip(("leaf", "issuing", "root"), chain, strict=True):
        (tmp_path / f"{name}.pem").write_bytes(load(der).public_bytes(serialization.Encoding.PEM))
    command = ["openssl", "verify", "-x509_strict", "-attime", str(int(NOON.timestamp()))]
    command += ["-CAfile", "root.pem", "-untrusted", "issuing.pem", "leaf.pem"]
    assert "leaf.pem: OK" in subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    shown = subprocess.run(
        ["openssl", "x509", "-in", "leaf.pem", "-noout", "-text"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for line in ("Digital Signature, Non Repudiation", "CA:FALSE", "No Revocation Available", "prime256v1"):
        assert line in shown
    without_issuing = [part for part in command if part not in {"-untrusted", "issuing.pem"}]
    assert subprocess.run(without_issuing, cwd=tmp_path, check=False, capture_output=True).returncode != 0


def test_a_leaf_cannot_issue(authority: FileCertificateAuthority) -> None:
    leaf = load(authority.issue(Seat().holder, key(), at=NOON)[0])
    constraints = leaf.extensions.get_extension_for_class(x509.BasicConstraints).value
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    assert not constraints.ca
    assert not usage.key_cert_sign


def test_a_certificate_does_not_outlive_its_issuer(authority: FileCertificateAuthority) -> None:
    late = authority.issuing.not_valid_after_utc - timedelta(days=1)
    leaf = load(authority.issue(Seat().holder, key(), at=late)[0])
    assert leaf.not_valid_after_utc == authority.issuing.not_valid_after_utc


@pytest.mark.parametrize("left_out", range(5))
def test_a_leaf_without_one_of_the_extensions_is_out_of_profile(
    authority: FileCertificateAuthority, left_out: int
) -> None:
    public = key()
    model = load(authority.issue(Seat().holder, public, at=NOON)[0])
    builder = (
        x509.CertificateBuilder()
        .subject_name(model.subject)
        .issuer_name(model.issuer)
        .public_key(public)
        .serial_number(1)
        .not_valid_before(NOON)
        .not_valid_after(NOON + timedelta(days=1))
    )
    for place, (extension, critical) in enumerate(leaf_extensions(public, authority.issuing)):
        if place != left_out:
            builder = builder.add_extension(extension, critical=critical)
    leaf = builder.sign(authority.issuing_key, hashes.SHA256())
    assert fault_in_leaf(leaf, seat="seat-1") is not None


def test_the_root_is_made_once(keys: SealedKeyStore, tmp_path: Path) -> None:
    first = ensure_authority(tmp_path / "ca", keys=keys, operator="x", clock=lambda: NOON)
    again = ensure_authority(tmp_path / "ca", keys=keys, operator="y", clock=lambda: NOON)
    assert first.roots == again.roots
    assert {p.name: p.stat().st_mode & 0o777 for p in (tmp_path / "ca").iterdir()} == dict.fromkeys(
        ("root.crt", "root.key", "issuing.crt", "issuing.key"), 0o600
    )


def test_a_crash_while_making_the_root_leaves_nothing_that_counts(keys: SealedKeyStore, tmp_path: Path) -> None:
    part = tmp_path / "ca.part"
    part.mkdir()
    (part / "root.key").write_bytes(b"half")
    assert ensure_authority(tmp_path / "ca", keys=keys, operator="x", clock=lambda: NOON).roots
    assert not part.exists()


def test_an_authority_whose_parts_do_not_belong_together_is_refused(keys: SealedKeyStore, tmp_path: Path) -> None:
    for name in ("a", "b"):
        create_root(tmp_path / name, keys=keys, operator="x", at=NOON)
    for part, error in (
        ("root.crt", AuthorityRefused),
        ("issuing.key", AuthorityRefused),
        ("issuing.crt", AuthorityRefused),
    ):
        own = (tmp_path / "a" / part).read_bytes()
        (tmp_path / "a" / part).write_bytes((tmp_path / "b" / part).read_bytes())
        with pytest.raises(error):
            open_authority(tmp_path / "a", keys=keys)
        (tmp_path / "a" / part).write_bytes(own)
    assert open_authority(tmp_path / "a", keys=keys)
    with pytest.raises(KeyNotReadable):
        open_authority(tmp_path / "a", keys=SealedKeyStore(master=os.urandom(32), entropy=os.urandom))
    with pytest.raises(AuthorityRefused):
        open_authority(tmp_path / "missing", keys=keys)


def test_the_roots_key_is_not_the_issuing_key(keys: SealedKeyStore, tmp_path: Path) -> None:
    """The sealed root key, put in the issuing key's place, does not open: it is bound to its own name."""
    create_root(tmp_path / "a", keys=keys, operator="x", at=NOON)
    (tmp_path / "a" / "issuing.key").write_bytes((tmp_path / "a" / "root.key").read_bytes())
    with pytest.raises(KeyNotReadable):
        open_authority(tmp_path / "a", keys=keys)
