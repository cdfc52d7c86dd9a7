"""Envelopes (protocols.md 1.5): known answers, any k of n, and everything a hostile dealer or holder may try."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.adapters import envelope_p256 as envelopes
from evidence.core import canonical, disclosure
from evidence.core.envelope import (
    MAX_CT,
    ORDER,
    Context,
    Envelope,
    combine,
    deal,
    holder_set,
    join_payload,
    pad,
    random_scalar,
    scalar,
    share_info,
    sheet_commitment,
    split_payload,
    unpad,
)
from evidence.errors import EvidenceError, Malformed, Untrusted
from evidence.ports import Envelopes
from tests.evidence.known_answers import known_answers

SHARING = known_answers("sharing")
VECTOR = known_answers("envelope")
KEYS = [ec.derive_private_key(i, ec.SECP256R1()) for i in range(1, 10)]


def context_of(n: int = 3, k: int = 2, **changes: Any) -> Context:
    base = Context(
        purpose="sheet",
        origin=VECTOR["origin"],
        author=VECTOR["author"],
        round=VECTOR["round"],
        subject=bytes.fromhex(VECTOR["c"]),
        k=k,
        holders=tuple(envelopes.public_bytes(key) for key in KEYS[:n]),
    )
    return dataclasses.replace(base, **changes)


def fixed_entropy() -> Callable[[int], bytes]:
    stream: Iterator[bytes] = iter([bytes.fromhex(SHARING["s"]), bytes.fromhex(SHARING["a_1"])])
    return lambda _: next(stream)


def sealed(context: Context | None = None, payload: bytes | None = b'{"v":1}\n') -> envelopes.Sealed:
    return envelopes.seal(context or context_of(), payload, secrets.token_bytes)


def test_sharing_is_rfc_9591_appendix_c() -> None:
    shares = deal([int(SHARING["s"], 16), int(SHARING["a_1"], 16)], 3)
    assert [share.hex() for share in shares] == SHARING["y"]
    for i, share in enumerate(shares, 1):
        envelopes.check_share([bytes.fromhex(SHARING["A_0"]), bytes.fromhex(SHARING["A_1"])], i, share)
    for pair in itertools.combinations(range(1, 4), 2):
        assert combine({i: shares[i - 1] for i in pair}).hex() == SHARING["s"]


def test_known_answers_of_the_envelope() -> None:
    payload = join_payload(VECTOR["P"].encode())
    context = context_of()
    assert sheet_commitment(VECTOR["P"].encode()).hex() == VECTOR["c"]
    assert context.set.hex() == VECTOR["set"]
    assert context.digest.hex() == VECTOR["ctx"]
    made = envelopes.seal(context, payload, fixed_entropy())
    assert made.ct is not None
    assert len(made.ct) == VECTOR["ct_size"] == made.envelope.ct_size
    assert hashlib.sha256(made.ct).hexdigest() == VECTOR["ct_sha256"]
    assert [point.hex() for point in made.envelope.feldman] == [SHARING["A_0"], SHARING["A_1"]]
    share_1 = bytes.fromhex(VECTOR["share_1"])
    theirs = dataclasses.replace(made.envelope, shares=(share_1, *made.envelope.shares[1:]))
    assert envelopes.open_share(theirs, context, 1, KEYS[0]).hex() == SHARING["y"][0]
    assert envelopes.open_payload(theirs, context, bytes.fromhex(SHARING["s"]), made.ct) == payload


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))), st.binary(max_size=9000))
def test_any_k_of_n_open(size: tuple[int, int], payload: bytes) -> None:
    n, k = size
    context = context_of(n, k)
    made = sealed(context, payload)
    assert made.ct is not None
    value = canonical.decode(canonical.encode(made.envelope.json))
    received = Envelope.parse(value)
    assert received == made.envelope
    shares = {i: envelopes.open_share(received, context, i, KEYS[i - 1]) for i in range(1, n + 1)}
    for chosen in (range(1, k + 1), range(n - k + 1, n + 1)):
        secret = combine({i: shares[i] for i in chosen})
        assert secret == made.secret
        assert envelopes.open_payload(received, context, secret, made.ct) == payload


@pytest.mark.parametrize("k", range(2, 6))
def test_k_minus_1_shares_open_nothing(k: int) -> None:
    context = context_of(5, k)
    made = sealed(context)
    shares = {i: envelopes.open_share(made.envelope, context, i, KEYS[i - 1]) for i in range(1, k + 1)}
    fewer = combine({i: shares[i] for i in range(1, k)})
    assert fewer != made.secret
    with pytest.raises(Untrusted):
        envelopes.open_payload(made.envelope, context, fewer, made.ct or b"")
    # Control: with one share more the same call opens, so it was the missing share that kept it shut.
    assert envelopes.open_payload(made.envelope, context, combine(shares), made.ct or b"")


def test_k_minus_1_shares_are_consistent_with_every_secret() -> None:
    """The stronger half of the promise: one share of two fits any other secret with some other second share."""
    first = deal([111, 222], 2)[0]
    other_slope = (scalar(first) - 999) % ORDER
    assert deal([999, other_slope], 2)[0] == first


def test_two_seals_of_one_payload_share_nothing() -> None:
    one, two = sealed(), sealed()
    assert one.secret != two.secret
    assert one.ct != two.ct
    assert not set(one.envelope.shares) & set(two.envelope.shares)


@pytest.mark.parametrize(
    "changed",
    [
        {"origin": "centre.example/proceedings/other"},
        {"author": "seat-4"},
        {"round": 2},
        {"purpose": "ballot"},
        {"k": 3},
        {"subject": bytes(32)},
        {"holders": tuple(envelopes.public_bytes(key) for key in KEYS[1:4])},
        {"holders": tuple(envelopes.public_bytes(KEYS[i]) for i in (0, 2, 1))},
        {"holders": tuple(envelopes.public_bytes(key) for key in KEYS[:4])},
    ],
)
def test_a_share_opens_in_its_own_context_only(changed: dict[str, Any]) -> None:
    context = context_of()
    made = sealed(context)
    assert envelopes.open_share(made.envelope, context, 1, KEYS[0])
    with pytest.raises(EvidenceError):
        envelopes.open_share(made.envelope, dataclasses.replace(context, **changed), 1, KEYS[0])


def test_the_context_is_bound_by_the_cipher_too() -> None:
    """With the plain comparison switched off (an envelope rewritten to fit), HPKE's info still refuses."""
    context = context_of()
    made = sealed(context)
    other = dataclasses.replace(context, subject=bytes(32))
    rewritten = dataclasses.replace(made.envelope, c=bytes(32))
    with pytest.raises(Untrusted, match="does not open"):
        envelopes.open_share(rewritten, other, 1, KEYS[0])
    with pytest.raises(Untrusted, match="does not open"):
        envelopes.open_payload(rewritten, other, made.secret, made.ct or b"")


def test_another_holders_key_opens_nothing() -> None:
    made = sealed()
    with pytest.raises(Malformed):
        envelopes.open_share(made.envelope, context_of(), 1, KEYS[1])
    for index in (0, -1, 4):
        with pytest.raises(Malformed):
            envelopes.open_share(made.envelope, context_of(), index, KEYS[0])


def test_bad_dealing_shows_at_once() -> None:
    """Protocols.md 1.5(7): a share that opens but does not lie on the polynomial is rejected by its holder."""
    context = context_of()
    made = sealed(context)
    suite = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    for bad in (secrets.token_bytes(31).rjust(32, b"\x01"), bytes(32), b"\xff" * 32):
        share = suite.encrypt(bad, KEYS[0].public_key(), info=share_info(context.digest, 1))
        dealt = dataclasses.replace(made.envelope, shares=(share, *made.envelope.shares[1:]))
        with pytest.raises(EvidenceError):
            envelopes.open_share(dealt, context, 1, KEYS[0])
    swapped = dataclasses.replace(made.envelope, feldman=made.envelope.feldman[::-1])
    with pytest.raises(Untrusted):
        envelopes.open_share(swapped, context, 2, KEYS[1])
    off_curve = dataclasses.replace(made.envelope, feldman=(b"\x02" + b"\xff" * 32, made.envelope.feldman[1]))
    with pytest.raises(Untrusted):
        envelopes.open_share(off_curve, context, 1, KEYS[0])


def test_a_published_false_share_convicts_its_holder() -> None:
    context = context_of()
    made = sealed(context)
    shares = {i: envelopes.open_share(made.envelope, context, i, KEYS[i - 1]) for i in (1, 2)}
    false = ((scalar(shares[2]) + 1) % ORDER).to_bytes(32, "big")
    with pytest.raises(Untrusted):
        envelopes.check_share(made.envelope.feldman, 2, false)
    with pytest.raises(Untrusted):
        envelopes.check_secret(made.envelope, combine({1: shares[1], 2: false}))
    envelopes.check_secret(made.envelope, combine(shares))


def test_every_flipped_byte_of_share_and_ciphertext_is_refused() -> None:
    context = context_of()
    made = sealed(context)
    assert made.ct is not None
    for place in range(0, 113, 7):
        share = bytearray(made.envelope.shares[0])
        share[place] ^= 1
        changed = dataclasses.replace(made.envelope, shares=(bytes(share), *made.envelope.shares[1:]))
        with pytest.raises(EvidenceError):
            envelopes.open_share(changed, context, 1, KEYS[0])
    for place in range(0, len(made.ct), 997):
        ct = bytearray(made.ct)
        ct[place] ^= 1
        with pytest.raises(Untrusted):
            envelopes.open_payload(made.envelope, context, made.secret, bytes(ct))
        # Control: an envelope that names the changed bytes is still refused, by GCM.
        named = dataclasses.replace(made.envelope, ct_sha256=hashlib.sha256(ct).digest())
        with pytest.raises(Untrusted, match="does not open"):
            envelopes.open_payload(named, context, made.secret, bytes(ct))


def test_a_draw_has_neither_commitment_nor_ciphertext() -> None:
    context = context_of(purpose="draw", subject=b"\x11" * 32)
    made = sealed(context, None)
    assert made.ct is None
    assert set(made.envelope.json) == {"feldman", "k", "purpose", "set", "shares", "suite"}
    assert Envelope.parse(made.envelope.json) == made.envelope
    for n in (1, 2, 3):
        assert envelopes.open_share(made.envelope, context, n, KEYS[n - 1])
    with pytest.raises(Malformed):
        envelopes.seal(context, b"payload", secrets.token_bytes)
    with pytest.raises(Malformed):
        envelopes.seal(context_of(), None, secrets.token_bytes)


def hostile(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    value = sealed().envelope.json
    change(value)
    return value


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(suite=2),
        lambda v: v.update(suite=True),
        lambda v: v.update(purpose="case"),
        lambda v: v.update(purpose="draw"),
        lambda v: v.pop("c"),
        lambda v: v.pop("ct"),
        lambda v: v.update(extra=1),
        lambda v: v.update(k=0),
        lambda v: v.update(k=4),
        lambda v: v.update(k=1),
        lambda v: v.update(k=2.0),
        lambda v: v.update(shares=[]),
        lambda v: v.update(shares=v["shares"] * 4),
        lambda v: v["shares"].append(v["shares"][0][:-2]),
        lambda v: v["shares"].append(7),
        lambda v: v["feldman"].append(v["feldman"][0]),
        lambda v: v["feldman"].__setitem__(0, v["feldman"][0] + "=="),
        lambda v: v.update(set=v["set"][:-1] + "_"),
        lambda v: v.update(set="AA"),
        lambda v: v["ct"].update(size=4096),
        lambda v: v["ct"].update(size=16),
        lambda v: v["ct"].update(size=-4080),
        lambda v: v["ct"].update(size=MAX_CT + 4096),
        lambda v: v["ct"].update(size=True),
        lambda v: v["ct"].update(sha256=None),
        lambda v: v["ct"].update(more=1),
        lambda v: v.update(c=5),
    ],
)
def test_the_reader_refuses(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(Malformed):
        Envelope.parse(hostile(change))


@pytest.mark.parametrize("value", [None, [], "x", 1, {}])
def test_the_reader_refuses_other_values(value: object) -> None:
    with pytest.raises(Malformed):
        Envelope.parse(value)


def test_holder_keys_are_points_and_different() -> None:
    good = envelopes.public_bytes(KEYS[0])
    for keys in ((), (good, good), (good[:-1],), (b"\x02" + good[1:33],), tuple([good] * 10)):
        with pytest.raises(Malformed):
            holder_set(keys)
    off_curve = good[:-1] + bytes([good[-1] ^ 1])
    with pytest.raises(Malformed):
        envelopes.holder_key(off_curve)
    with pytest.raises(Malformed):
        envelopes.holder_key(b"\x00")
    with pytest.raises(Malformed):
        sealed(context_of(holders=(good, off_curve)))


def test_context_out_of_form_is_refused() -> None:
    for changes in (
        {"round": -1},
        {"round": 1 << 32},
        {"subject": b""},
        {"k": 0},
        {"k": 4},
        {"author": "席位"},
        {"origin": "a\x00b"},
    ):
        with pytest.raises(Malformed):
            assert context_of(**changes).digest


def test_a_payload_that_is_too_large_is_refused() -> None:
    assert sealed(payload=bytes(MAX_CT - 17)).ct
    with pytest.raises(Malformed):
        sealed(payload=bytes(MAX_CT - 16))


@given(st.binary(max_size=9000))
def test_padding_returns_the_payload(payload: bytes) -> None:
    assert len(pad(payload)) % 4096 == 0
    assert unpad(pad(payload)) == payload


@pytest.mark.parametrize("padded", [b"", bytes(4096), b"\x80", b"\x80" + bytes(8191), b"a" * 4096, pad(b"x") + b"\x80"])
def test_only_one_padding_is_right(padded: bytes) -> None:
    with pytest.raises(Malformed):
        unpad(padded)


def test_payload_splits_into_plaintext_and_disclosures() -> None:
    comments = [disclosure.make("comment", "好", bytes(16)), disclosure.make("comment", "中", bytes([1]) * 16)]
    payload = join_payload(b'{"v":1}', [c.text for c in comments])
    assert split_payload(payload) == (b'{"v":1}', tuple(comments))
    assert split_payload(join_payload(b"{}")) == (b"{}", ())
    for bad in (b"{}", b"{}\n\xff", b"{}\n!"):
        with pytest.raises(Malformed):
            split_payload(bad)
    with pytest.raises(Malformed):
        join_payload(b"{\n}")


def test_scalars_are_drawn_by_rejection() -> None:
    stream = iter([bytes(32), ORDER.to_bytes(32, "big"), b"\xff" * 32, (7).to_bytes(32, "big")])
    assert random_scalar(lambda _: next(stream)) == 7


def test_combine_refuses_what_is_no_share() -> None:
    for shares in ({}, {0: b"\x01" * 32}, {10: b"\x01" * 32}, {1: bytes(32)}, {1: b"\x01"}, {1: b"\xff" * 32}):
        with pytest.raises(Malformed):
            combine(shares)


def test_the_module_is_the_port() -> None:
    port: Envelopes = envelopes
    assert port.combine({1: bytes([0] * 31 + [5])}) == bytes([0] * 31 + [5])
