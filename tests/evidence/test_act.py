"""Acts (protocols.md 1.3): the exact header, the id that survives malleation, and every hostile form refused."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from evidence.core import act as acts
from evidence.core.act import NO_ACT, SoftwareSigner, act_id, parse, thumbprint, verify, webauthn_challenge
from evidence.core.canonical import b64, b64u, encode, unb64u
from evidence.core.envelope import ORDER
from evidence.errors import EvidenceError, Malformed, Untrusted
from tests.evidence.known_answers import known_answers

# Two digests in their order; the last character of 32 octets has two unused bits.
A, B = "A" * 43, "B" * 42 + "A"
SIGNER = SoftwareSigner(ec.derive_private_key(5, ec.SECP256R1()))
OTHER = SoftwareSigner(ec.derive_private_key(6, ec.SECP256R1()))


def made(**changes: Any) -> acts.Act:
    fields: dict[str, Any] = {
        "act": "sheet.seal",
        "aud": "centre.example/proceedings/one",
        "sub": "seat-3",
        "body": {"round": 1},
        "ctr": 12,
        "iat": 1_795_248_000,
        "prev": bytes([7]) * 32,
        "seen": (1234, bytes([9]) * 32),
    }
    return acts.make(SIGNER, **(fields | changes))


def signed(payload: bytes, head: bytes | None = None) -> str:
    """A JWS over any payload and header, with a good signature."""
    signing_input = b64u(head if head is not None else acts.header(thumbprint(SIGNER.jwk))) + "." + b64u(payload)
    return signing_input + "." + b64u(SIGNER.sign(signing_input.encode()))


def payload_of(act: acts.Act) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(unb64u(act.jws.split(".")[1]))
    return value


def test_known_answers() -> None:
    vector = known_answers("act")
    assert act_id(vector["signing_input"]).hex() == vector["id"]
    assert b64u(webauthn_challenge("sheet.seal", bytes.fromhex(vector["id"]))) == vector["challenge_sheet_seal"]


def test_rfc_7638_thumbprint() -> None:
    """RFC 7517 appendix A.1's P-256 key; its thumbprint was also taken with `openssl dgst -sha256`."""
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    }
    assert thumbprint(jwk) == "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"


def test_an_act_is_read_back_as_it_was_made() -> None:
    act = made(sd=(B, A))
    assert parse(act.jws) == act
    assert (act.act, act.sub, act.ctr, act.prev) == ("sheet.seal", "seat-3", 12, bytes([7]) * 32)
    assert act.seen == (1234, bytes([9]) * 32)
    assert act.sd == (A, B)
    assert payload_of(act)["seen"] == [1234, b64(bytes([9]) * 32)]
    verify(act, SIGNER.jwk)
    first = acts.make(SIGNER, act="seat.bind", aud="o", sub="seat-1", body={}, ctr=1, iat=0)
    assert first.prev == NO_ACT
    assert first.seen[0] == 0


def test_a_malleated_signature_keeps_the_id_and_holds() -> None:
    """ECDSA: s and q-s both verify, so the id must not cover the signature."""
    act = made()
    head, _, tail = act.jws.rpartition(".")
    signature = unb64u(tail)
    twin = parse(
        head + "." + b64u(signature[:32] + (ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big"))
    )
    verify(twin, SIGNER.jwk)
    assert twin.jws != act.jws
    assert twin.id == act.id


def test_another_key_or_a_changed_octet_is_untrusted() -> None:
    act = made()
    with pytest.raises(Untrusted, match="another key"):
        verify(act, OTHER.jwk)
    # Control of the key's name: a header that names the other key still fails by its signature.
    head, payload, tail = act.jws.split(".")
    renamed = parse(b64u(acts.header(thumbprint(OTHER.jwk))) + "." + payload + "." + tail)
    with pytest.raises(Untrusted, match="does not hold"):
        verify(renamed, OTHER.jwk)
    changed = b64u(encode(payload_of(act) | {"sub": "seat-4"}))
    with pytest.raises(Untrusted):
        verify(parse(f"{head}.{changed}.{tail}"), SIGNER.jwk)
    for place in range(64):
        signature = bytearray(unb64u(tail))
        signature[place] ^= 1
        with pytest.raises(Untrusted):
            verify(parse(f"{head}.{payload}.{b64u(bytes(signature))}"), SIGNER.jwk)
    for edge in (bytes(64), b"\xff" * 64, ORDER.to_bytes(32, "big") * 2):
        with pytest.raises(Untrusted):
            verify(parse(f"{head}.{payload}.{b64u(edge)}"), SIGNER.jwk)


KID = thumbprint(SIGNER.jwk)


@pytest.mark.parametrize(
    "head",
    [
        b'{"kid":"%s","alg":"ES256","typ":"tongping-act+jwt"}' % KID.encode(),
        b'{"alg":"ES256","kid":"%s","typ":"tongping-act+jwt" }' % KID.encode(),
        b'{"alg":"none","kid":"%s","typ":"tongping-act+jwt"}' % KID.encode(),
        b'{"alg":"ES384","kid":"%s","typ":"tongping-act+jwt"}' % KID.encode(),
        b'{"alg":"ES256","kid":"%s","typ":"JWT"}' % KID.encode(),
        b'{"alg":"ES256","kid":"%s"}' % KID.encode(),
        b'{"alg":"ES256","crit":["b64"],"kid":"%s","typ":"tongping-act+jwt"}' % KID.encode(),
        b'{"alg":"ES256","jwk":{},"kid":"%s","typ":"tongping-act+jwt"}' % KID.encode(),
        b'{"alg":"ES256","kid":"seat-3","typ":"tongping-act+jwt"}',
        b'{"alg":"ES256","alg":"ES256","kid":"%s","typ":"tongping-act+jwt"}' % KID.encode(),
        b"[]",
        b"",
    ],
)
def test_one_header_only(head: bytes) -> None:
    with pytest.raises(Malformed):
        parse(signed(encode(payload_of(made())), head))


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.update(v=2),
        lambda p: p.pop("v"),
        lambda p: p.update(v=True),
        lambda p: p.update(ctr=0),
        lambda p: p.update(ctr=-1),
        lambda p: p.update(ctr="1"),
        lambda p: p.update(iat=-1),
        lambda p: p.update(prev=""),
        lambda p: p.update(prev=p["prev"] + "="),
        lambda p: p.update(prev=b64u(bytes(31))),
        lambda p: p.update(seen=[1]),
        lambda p: p.update(seen=[-1, p["seen"][1]]),
        lambda p: p.update(seen=[True, p["seen"][1]]),
        lambda p: p.update(seen=["1", p["seen"][1]]),
        lambda p: p.update(seen=[1, b64u(bytes(32))]),
        lambda p: p.update(seen=[1, None]),
        lambda p: p.update(seen={}),
        lambda p: p.update(body=[]),
        lambda p: p.update(sub=None),
        lambda p: p.update(more=1),
        lambda p: p.pop("aud"),
        lambda p: p.update(_sd=[B, A]),
        lambda p: p.update(_sd=[A, A]),
        lambda p: p.update(_sd=["A" * 42]),
        lambda p: p.update(_sd=[]),
        lambda p: p.update(_sd=[7]),
        lambda p: p.update(_sd=[A, 7]),
        lambda p: p.update(_sd=[["A"]]),
        lambda p: p.update(_sd={}),
    ],
)
def test_a_payload_out_of_form_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    payload = payload_of(made())
    change(payload)
    with pytest.raises(Malformed):
        parse(signed(json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()))


@pytest.mark.parametrize(
    "change",
    [
        lambda jws: "",
        lambda jws: jws + ".",
        lambda jws: jws.rpartition(".")[0],
        lambda jws: jws + "=",
        lambda jws: jws + "A",
        lambda jws: jws[:-4],
        lambda jws: " " + jws,
        lambda jws: jws + "\n",
        lambda jws: jws.replace(".", "..", 1),
        lambda jws: jws + "~" + "A" * 40,
        lambda jws: "A" * 70_000,
        lambda jws: jws.encode(),
        lambda jws: None,
    ],
)
def test_not_a_compact_jws(change: Callable[[str], Any]) -> None:
    with pytest.raises(EvidenceError):
        parse(change(made().jws))


def test_non_canonical_base64_is_refused() -> None:
    """The last character of 64 octets carries four unused bits: any of them set would be a second spelling."""
    jws = made().jws
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(jws[-1])
    for bits in range(1, 16):
        with pytest.raises(Malformed):
            parse(jws[:-1] + alphabet[(last & 0b110000) | ((last + bits) & 0b001111)])


@pytest.mark.parametrize(
    "change",
    [
        {"crv": "P-384"},
        {"kty": "RSA"},
        {"x": b64u(bytes(32))},
        {"y": b64u(bytes(31))},
        {"x": None},
        {"d": b64u(bytes(32))},
        {"alg": "ES256"},
    ],
)
def test_keys_are_points_of_p256_and_nothing_else(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        verify(made(), SIGNER.jwk | change)


def test_an_act_is_immutable() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        made().ctr = 1  # type: ignore[misc]
