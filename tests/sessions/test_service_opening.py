"""Opening from released shares (protocols.md section 3, "Opening"): bad shares, bad ciphertexts, and their cost."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from evidence.adapters import envelope_p256
from evidence.core.canonical import sha256
from evidence.core.envelope import ORDER, Context, join_payload, sheet_commitment
from evidence.errors import Untrusted
from sessions.opening import UNREADABLE, Listed, enough, open_all

KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
HOLDERS = tuple(envelope_p256.public_bytes(key) for key in KEYS)
P = b'{"v":1}'


def listed(plaintext: bytes = P, committed: bytes = P) -> tuple[Listed, dict[bytes, bytes]]:
    """A seal by one seat with all three shares, and the vault."""
    context = Context("sheet", "a.example/proceedings/x", "seat-1", 1, sheet_commitment(committed), 2, HOLDERS)
    sealed = envelope_p256.seal(context, join_payload(plaintext), os.urandom)
    shares = {
        index: envelope_p256.open_share(sealed.envelope, context, index, key) for index, key in enumerate(KEYS, 1)
    }
    assert sealed.ct is not None
    return Listed(b"\x01" * 32, sealed.envelope, context, shares), {sha256(sealed.ct): sealed.ct}


def test_any_two_of_three_shares_open() -> None:
    item, vault = listed()
    for pair in ((1, 2), (1, 3), (2, 3)):
        two = replace(item, shares={index: item.shares[index] for index in pair})
        assert open_all([two], vault.__getitem__, envelope_p256) == ((item.act, P),)


def test_a_bad_share_is_left_aside_and_with_too_few_nothing_opens() -> None:
    """A published share that breaks the equation convicts its holder and harms nobody else."""
    item, vault = listed()
    for bad in (bytes(32), ORDER.to_bytes(32, "big"), (1).to_bytes(32, "big"), item.shares[2]):
        broken = replace(item, shares={**item.shares, 1: bad})
        assert enough([broken], envelope_p256)
        assert open_all([broken], vault.__getitem__, envelope_p256) == ((item.act, P),)
        alone = replace(item, shares={1: bad, 2: item.shares[2]})
        assert not enough([item, alone], envelope_p256)
        with pytest.raises(Untrusted):
            open_all([alone], vault.__getitem__, envelope_p256)


def test_another_plaintext_than_the_committed_one_is_the_seats_fault() -> None:
    """s is right and P is not: `SheetUnreadable`, never a sheet that nobody committed to."""
    item, vault = listed(plaintext=b'{"v":2}')
    assert open_all([item], vault.__getitem__, envelope_p256) == ((item.act, UNREADABLE),)


def test_another_ciphertext_does_not_open() -> None:
    item, vault = listed()
    (data,) = vault.values()
    changed = data[:-1] + bytes([data[-1] ^ 1])
    assert open_all([item], lambda _: changed, envelope_p256) == ((item.act, UNREADABLE),)
