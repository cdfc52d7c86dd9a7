"""Keys at rest: sealed, bound to their credential, under a master key that nobody else can read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature, encode_dss_signature

from signing.adapters import sealed_keys
from signing.adapters.master_key import ensure_master_key, read_master_key
from signing.adapters.memory import MemoryKeyStore
from signing.adapters.sealed_keys import SealedKeyStore, is_low_s
from signing.errors import KeyNotReadable, MasterKeyRefused
from signing.ports import KeyStore

DIGEST = b"\x07" * 32


@pytest.fixture(params=["sealed", "memory"])
def store(request: pytest.FixtureRequest, keys: SealedKeyStore) -> KeyStore:
    return keys if request.param == "sealed" else MemoryKeyStore()


def test_a_key_signs_digests_as_der_with_low_s(store: KeyStore) -> None:
    key = store.generate("c1", 1)
    for n in range(20):
        digest = bytes([n]) * 32
        signature = store.sign("c1", 1, key.sealed, digest)
        key.public.verify(signature, digest, ec.ECDSA(Prehashed(hashes.SHA256())))
        assert is_low_s(signature)
        assert store.sign("c1", 1, key.sealed, digest) == signature, "RFC 6979: a retry repeats the signature"


def test_a_sealed_key_works_for_its_credential_only(store: KeyStore) -> None:
    mine, other = store.generate("c1", 1), store.generate("c2", 1)
    for credential, version, sealed in (
        ("c1", 1, other.sealed),
        ("c2", 1, mine.sealed),
        ("c1", 2, mine.sealed),
        ("c1", 1, b""),
        ("c1", 1, mine.sealed[:-1]),
    ):
        with pytest.raises(KeyNotReadable):
            store.sign(credential, version, sealed, DIGEST)


def test_without_the_binding_a_swapped_key_would_sign(keys: SealedKeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control switched off: without additional data the blob of c2 opens as c1's."""
    monkeypatch.setattr(sealed_keys, "_bound_to", lambda credential, version: b"")
    assert keys.sign("c1", 1, keys.generate("c2", 1).sealed, DIGEST)


def test_a_sealed_key_reveals_nothing_and_needs_its_master(keys: SealedKeyStore) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    sealed = keys.seal("c1", 1, key)
    assert key.private_numbers().private_value.to_bytes(32, "big") not in sealed
    assert keys.seal("c1", 1, key) != sealed, "every seal takes a new nonce"
    with pytest.raises(KeyNotReadable):
        SealedKeyStore(master=os.urandom(32), entropy=os.urandom).unseal("c1", 1, sealed)
    assert keys.master.hex() not in repr(keys)


def test_the_higher_s_is_not_ours(keys: SealedKeyStore) -> None:
    """ECDSA is malleable: (r, q - s) verifies too, so the form must exclude it."""
    key = keys.generate("c1", 1)
    r, s = decode_dss_signature(keys.sign("c1", 1, key.sealed, DIGEST))
    twin = encode_dss_signature(r, sealed_keys._ORDER - s)
    key.public.verify(twin, DIGEST, ec.ECDSA(Prehashed(hashes.SHA256())))
    assert not is_low_s(twin)


def test_the_master_key_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    key = ensure_master_key(path)
    assert len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert ensure_master_key(path) == key
    assert [p.name for p in tmp_path.iterdir()] == ["master.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o700])
def test_a_master_key_that_others_could_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.key"
    ensure_master_key(path)
    path.chmod(mode)
    with pytest.raises(MasterKeyRefused):
        read_master_key(path)
    path.chmod(0o600)
    assert read_master_key(path)


def test_a_master_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    good = tmp_path / "master.key"
    ensure_master_key(good)
    (tmp_path / "link").symlink_to(good)
    for name, data in (("short", b"x" * 31), ("long", b"x" * 33)):
        (tmp_path / name).write_bytes(data)
        (tmp_path / name).chmod(0o600)
    for name in ("link", "short", "long", "missing", "."):
        with pytest.raises(MasterKeyRefused):
            read_master_key(tmp_path / name)
