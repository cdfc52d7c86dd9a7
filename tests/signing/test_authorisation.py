"""Sole control (EN 419 241-1): only the person's own act, over exactly these hashes, makes activation data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from evidence.core.act import SoftwareSigner
from evidence.core.canonical import b64u
from evidence.errors import EvidenceError
from signing.adapters.certificate_authority import FileCertificateAuthority
from signing.core.authorisation import Grant, Request, authorise, check_algorithms, spend
from signing.core.credential import Credential, Holder
from signing.errors import InvalidRequest, SadExpired, SadSpent, SadUnknown, SigningError
from tests.signing.people import NOON, Seat

ONE, TWO = b"\x01" * 32, b"\x02" * 32
ID = "c1"


@pytest.fixture
def seat() -> Seat:
    return Seat()


@pytest.fixture
def credential(seat: Seat, authority: FileCertificateAuthority) -> Credential:
    key = ec.generate_private_key(ec.SECP256R1())
    chain = authority.issue(seat.holder, key.public_key(), at=NOON)
    return Credential(id=ID, version=1, holder=seat.holder, certificates=chain, sealed=b"")


def asked(jws: str, *hashes: bytes, credential: str = ID, count: int | None = None) -> Request:
    return Request(credential, hashes, len(hashes) if count is None else count, jws)


def test_the_act_of_the_seat_key_authorises_its_hashes(seat: Seat, credential: Credential) -> None:
    jws = seat.act(ID, ONE, TWO, document=b"d" * 32)
    given = authorise(asked(jws, ONE, TWO), credential, now=NOON)
    assert (given.hashes, given.document, given.credential) == ((ONE, TWO), b"d" * 32, ID)


Change = Callable[[Credential], Credential]


def holder(**changed: Any) -> Change:
    return lambda credential: replace(credential, holder=replace(credential.holder, **changed))


@dataclass(frozen=True)
class Attack:
    """A request that must be refused, and the only circumstance in which the same act would be in order: that it
    passes there shows that nothing but the tested control refuses it."""

    code: str
    act: dict[str, Any]
    remedy: Change | None = None
    late: timedelta = timedelta()


BODY = {"credential": ID, "document": b64u(bytes(32)), "hashes": [b64u(ONE)]}
ATTACKS = {
    "another act name": Attack("wrong-act", {"act": "page.ack"}),
    "another proceeding": Attack("wrong-log", {"aud": "other/proceedings/x"}, holder(origin="other/proceedings/x")),
    "another seat": Attack("wrong-seat", {"sub": "seat-2"}, holder(seat="seat-2")),
    "another credential": Attack("wrong-credential", {"body": {**BODY, "credential": "c2"}}),
    "another hash": Attack("hashes-differ", {"body": {**BODY, "hashes": [b64u(TWO)]}}),
    "one hash more": Attack("hashes-differ", {"body": {**BODY, "hashes": [b64u(ONE), b64u(TWO)]}}),
    "the future": Attack("act-from-the-future", {"iat": int(NOON.timestamp()) + 302}, late=timedelta(seconds=2)),
    "no document": Attack("malformed", {"body": {k: v for k, v in BODY.items() if k != "document"}}),
    "a word too many": Attack("malformed", {"body": {**BODY, "pin": "1234"}}),
    "a short hash": Attack("malformed", {"body": {**BODY, "hashes": ["AAAA"]}}),
    "hashes that are no text": Attack("malformed", {"body": {**BODY, "hashes": [7]}}),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=list(ATTACKS))
def test_an_act_about_anything_else_is_refused(attack: Attack, seat: Seat, credential: Credential) -> None:
    jws = seat.act(ID, ONE, **attack.act)
    with pytest.raises((SigningError, EvidenceError)) as refused:
        authorise(asked(jws, ONE), credential, now=NOON)
    assert getattr(refused.value, "code", None) == attack.code
    if attack.remedy is not None:
        assert authorise(asked(jws, ONE), attack.remedy(credential), now=NOON)
    if attack.late:
        assert authorise(asked(jws, ONE), credential, now=NOON + attack.late)


def test_an_act_of_another_key_is_refused(seat: Seat, credential: Credential) -> None:
    """The thief knows seat, proceeding and hash, and signs with a key of his own."""
    thief = replace(seat, signer=SoftwareSigner(ec.generate_private_key(ec.SECP256R1())))
    jws = thief.act(ID, ONE)
    with pytest.raises(EvidenceError) as refused:
        authorise(asked(jws, ONE), credential, now=NOON)
    assert refused.value.code == "untrusted"
    assert authorise(asked(jws, ONE), holder(jwk=thief.signer.jwk)(credential), now=NOON)


def test_an_altered_act_is_refused(seat: Seat, credential: Credential) -> None:
    head, payload, signature = seat.act(ID, ONE).split(".")
    _, other, _ = seat.act(ID, ONE, ctr=2).split(".")
    for jws in (f"{head}.{other}.{signature}", f"{head}.{payload}.{signature[:-4]}AAAA", "x", "a.b.c", ""):
        with pytest.raises(EvidenceError):
            authorise(asked(jws, ONE), credential, now=NOON)


def test_the_certificate_must_be_valid_now(seat: Seat, credential: Credential) -> None:
    jws = seat.act(ID, ONE)
    for moment in (NOON - timedelta(minutes=6), NOON + timedelta(days=31)):
        with pytest.raises(SigningError) as refused:
            authorise(asked(jws, ONE), credential, now=moment)
        assert refused.value.code in {"outside-validity", "act-from-the-future"}
    assert authorise(asked(jws, ONE), credential, now=NOON + timedelta(days=29))


def test_the_request_counts_its_hashes(seat: Seat, credential: Credential) -> None:
    many = tuple(bytes([n]) * 32 for n in range(17))
    for request in (
        asked(seat.act(ID, ONE), ONE, count=2),
        asked(seat.act(ID)),
        asked(seat.act(ID, ONE), ONE[:31]),
        asked(seat.act(ID, *many), *many),
    ):
        with pytest.raises(InvalidRequest):
            authorise(request, credential, now=NOON)


def test_a_sad_is_spent_hash_by_hash() -> None:
    grant = Grant(act=b"a" * 32, credential=ID, expires=NOON, remaining=(ONE, ONE, TWO))
    before = NOON - timedelta(seconds=1)
    left = spend(grant, credential=ID, hashes=[ONE], now=before)
    assert sorted(left.remaining) == [ONE, TWO]
    assert spend(left, credential=ID, hashes=[TWO, ONE], now=before).remaining == ()
    for hashes in ([ONE, ONE], [b"\x03" * 32]):
        with pytest.raises(SadSpent):
            spend(left, credential=ID, hashes=hashes, now=before)


def test_a_sad_dies_and_belongs_to_its_credential() -> None:
    grant = Grant(act=b"a" * 32, credential=ID, expires=NOON, remaining=(ONE,))
    with pytest.raises(SadExpired):
        spend(grant, credential=ID, hashes=[ONE], now=NOON)
    for known, credential in ((None, ID), (grant, "c2")):
        with pytest.raises(SadUnknown):
            spend(known, credential=credential, hashes=[ONE], now=NOON - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("hash_algo", "sign_algo"),
    [
        ("1.3.14.3.2.26", "1.2.840.10045.4.3.2"),
        ("2.16.840.1.101.3.4.2.1", "1.2.840.10045.4.1"),
        ("2.16.840.1.101.3.4.2.2", "1.2.840.10045.4.3.3"),
    ],
)
def test_only_sha256_with_ecdsa(hash_algo: str, sign_algo: str) -> None:
    """RFC 5758 3.2; SHA-1, ECDSA with SHA-1, and SHA-384 are refused."""
    with pytest.raises(InvalidRequest):
        check_algorithms(hash_algo=hash_algo, sign_algo=sign_algo)
    check_algorithms(hash_algo="2.16.840.1.101.3.4.2.1", sign_algo="1.2.840.10045.4.3.2")


@pytest.mark.parametrize(
    "changed",
    [
        {"seat": "seat.1"},
        {"seat": ""},
        {"seat": "席位"},
        {"name": ""},
        {"name": " 张伟"},
        {"name": "张\n伟"},
        {"name": "张" * 65},
        {"organisation": "x\u202ey"},
        {"origin": ""},
        {"origin": "a b"},
        {"origin": "a" * 321},
        {"origin": "中"},
        {"jwk": {}},
        {"jwk": {"crv": "P-256", "kty": "EC", "x": b64u(bytes(32)), "y": b64u(bytes(32))}},
    ],
)
def test_a_holder_out_of_form_is_refused(changed: dict[str, Any]) -> None:
    good = Seat().holder
    values = {name: getattr(good, name) for name in ("origin", "seat", "name", "organisation", "jwk")}
    with pytest.raises((SigningError, EvidenceError)):
        Holder(**{**values, **changed})
