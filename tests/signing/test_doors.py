"""The CSC 1.0.4.0 doors over real HTTP: the contract, and everything that must not pass."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from fastapi.testclient import TestClient

from signing.adapters.sqlite_register import SqliteRegister
from signing.core import authorisation
from signing.core.authorisation import Grant
from signing.service import SigningService
from tests.signing.people import TOKEN, Seat, SettableClock
from web.signing.app import create_signing_app

ONE, TWO = b"\x01" * 32, b"\x02" * 32
SHA256, ECDSA_SHA256 = "2.16.840.1.101.3.4.2.1", "1.2.840.10045.4.3.2"
DOORS = (
    "/csc/v1/info",
    "/csc/v1/credentials/list",
    "/csc/v1/credentials/info",
    "/csc/v1/credentials/authorize",
    "/csc/v1/signatures/signHash",
    "/ra/v1/credentials",
)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def register(client: httpx2.Client, seat: Seat, **changed: Any) -> httpx2.Response:
    holder = seat.holder
    body = {name: getattr(holder, name) for name in ("origin", "seat", "name", "organisation", "jwk")}
    return client.post("/ra/v1/credentials", json={**body, **changed})


def registered(client: httpx2.Client, seat: Seat) -> str:
    credential: str = register(client, seat).json()["credential"]
    return credential


def authorize(client: httpx2.Client, credential: str, jws: str, *digests: bytes, **changed: Any) -> httpx2.Response:
    body = {
        "credentialID": credential,
        "hash": [b64(d) for d in digests],
        "numSignatures": len(digests),
        "clientData": jws,
    }
    return client.post("/csc/v1/credentials/authorize", json={**body, **changed})


def sign(client: httpx2.Client, credential: str, sad: str, *digests: bytes, **changed: Any) -> httpx2.Response:
    body = {
        "credentialID": credential,
        "SAD": sad,
        "hash": [b64(d) for d in digests],
        "hashAlgo": SHA256,
        "signAlgo": ECDSA_SHA256,
    }
    return client.post("/csc/v1/signatures/signHash", json={**body, **changed})


def sad_for(client: httpx2.Client, seat: Seat, credential: str, *digests: bytes) -> str:
    answer = authorize(client, credential, seat.act(credential, *digests), *digests)
    assert answer.status_code == 200, answer.text
    sad: str = answer.json()["SAD"]
    return sad


def refused(answer: httpx2.Response, status: int, code: str) -> None:
    """RFC 9457 members, and CSC's."""
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["status"]) == (status, code, status), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["error"]
    assert problem["error_description"] == problem["detail"]


def test_register_authorize_sign(client: httpx2.Client) -> None:
    seat = Seat()
    issued = register(client, seat).json()
    sad = sad_for(client, seat, issued["credential"], ONE, TWO)
    answer = sign(client, issued["credential"], sad, TWO, ONE)
    leaf = x509.load_der_x509_certificate(base64.b64decode(issued["certificates"][0]))
    key = leaf.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    for digest, signature in zip((TWO, ONE), answer.json()["signatures"], strict=True):
        key.verify(base64.b64decode(signature), digest, ec.ECDSA(Prehashed(hashes.SHA256())))


def test_the_service_describes_itself_and_its_credentials(client: httpx2.Client, clock: SettableClock) -> None:
    assert client.post("/csc/v1/info", json={}).json()["specs"] == "1.0.4.0"
    ids = sorted(registered(client, Seat(seat=f"seat-{n}")) for n in range(3))
    page = client.post("/csc/v1/credentials/list", json={"maxResults": 2}).json()
    rest = client.post("/csc/v1/credentials/list", json={"maxResults": 2, "pageToken": page["nextPageToken"]}).json()
    assert page["credentialIDs"] + rest["credentialIDs"] == ids
    for wanted, count in (("none", 0), ("single", 1), ("chain", 3)):
        info = client.post("/csc/v1/credentials/info", json={"credentialID": ids[0], "certificates": wanted}).json()
        assert len(info["cert"]["certificates"]) == count
        assert (info["key"]["algo"], info["SCAL"], info["cert"]["status"]) == ([ECDSA_SHA256], "2", "valid")
    clock.advance(timedelta(days=31))
    assert client.post("/csc/v1/credentials/info", json={"credentialID": ids[0]}).json()["cert"]["status"] == "expired"


def test_registration_is_idempotent_per_seat(client: httpx2.Client) -> None:
    """The same jwk gets the same credential; another key or another person is refused."""
    seat, thief = Seat(), Seat()
    first = register(client, seat)
    assert register(client, seat).json() == first.json()
    refused(register(client, thief), 409, "seat-already-bound")
    refused(register(client, seat, name="李四"), 409, "seat-already-bound")
    other = register(client, Seat(origin="hohhot.example/proceedings/other", signer=seat.signer))
    assert other.json()["credential"] != first.json()["credential"]


def test_no_door_opens_without_the_token(url: str) -> None:
    wrong = (None, "", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer", TOKEN, f"bearer {TOKEN}", f"Bearer {TOKEN[:-1]}")
    with httpx2.Client(base_url=url) as client:
        for door in (*DOORS, "/", "/docs", "/openapi.json"):
            for shown in wrong:
                headers = {} if shown is None else {"Authorization": shown}
                refused(client.post(door, headers=headers, json={}), 401, "invalid-token")


def test_only_the_token_kept_the_doors_shut(service: SigningService) -> None:
    """The control switched off: the token that was wrong above opens a service that expects it."""
    with TestClient(create_signing_app(service, "other")) as client:
        assert client.post("/csc/v1/info", json={}, headers={"Authorization": "Bearer other"}).status_code == 200
        refused_by = client.post("/csc/v1/info", json={}, headers={"Authorization": f"Bearer {TOKEN}"})
        assert refused_by.status_code == 401


def test_unknown_doors_and_methods(client: httpx2.Client) -> None:
    refused(client.post("/csc/v1/auth/login", json={}), 404, "unknown-door")
    refused(client.get("/csc/v1/info"), 405, "wrong-method")


def nested(depth: int) -> bytes:
    return b'{"lang":' + b"[" * depth + b"]" * depth + b"}"


MALFORMED = {
    "nothing": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "a number": b"1",
    "twice the same key": b'{"lang":"a","lang":"b"}',
    "a fraction": b'{"numSignatures":1.0}',
    "not a number": b'{"numSignatures":NaN}',
    "a huge integer": b'{"numSignatures":99999999999999999999}',
    "bad UTF-8": b'{"lang":"\xff"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a lone surrogate": b'{"lang":"\\ud800"}',
    "a parameter unknown to us": b'{"sneaky":1}',
    "a wrong type": b'{"lang":7}',
    "too deep": nested(17),
    "far too deep": nested(20_000),
}


def test_malformed_bodies_are_refused(client: httpx2.Client) -> None:
    for door in DOORS:
        for body in MALFORMED.values():
            refused(client.post(door, content=body), 400, "malformed")


def test_oversized_bodies_are_refused(client: httpx2.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(64):
            yield b" " * 4096

    for door in DOORS:
        refused(client.post(door, content=b'{"lang":"' + b"x" * 60_000 + b'"}'), 413, "too-large")
        refused(client.post(door, content=endless()), 413, "too-large")


PARAMETERS: dict[str, tuple[dict[str, Any], str]] = {
    "PIN instead of an act": ({"clientData": "1234"}, "malformed"),
    "no hash": ({"hash": []}, "invalid-request"),
    "a miscounted hash": ({"numSignatures": 2}, "invalid-request"),
    "a counted bool": ({"numSignatures": True}, "malformed"),
    "url-safe base64": ({"hash": [base64.urlsafe_b64encode(b"\xff" * 32).decode()]}, "invalid-request"),
    "base64 with a line end": ({"hash": [b64(ONE) + "\n"]}, "invalid-request"),
    "non-canonical base64": ({"hash": [b64(ONE)[:-2] + "F="]}, "invalid-request"),
    "a number as hash": ({"hash": [7]}, "invalid-request"),
    "20 bytes": ({"hash": [b64(bytes(20))]}, "invalid-request"),
    "seventeen hashes": ({"hash": [b64(ONE)] * 17, "numSignatures": 17}, "invalid-request"),
}


def test_parameters_out_of_form_are_refused(client: httpx2.Client) -> None:
    seat = Seat()
    credential = registered(client, seat)
    jws = seat.act(credential, ONE)
    for changed, code in PARAMETERS.values():
        refused(authorize(client, credential, jws, ONE, **changed), 400, code)
    assert authorize(client, credential, jws, ONE).status_code == 200


def test_algorithms_other_than_ours_are_refused(client: httpx2.Client) -> None:
    seat = Seat()
    credential = registered(client, seat)
    sad = sad_for(client, seat, credential, ONE)
    for changed in ({"hashAlgo": "1.3.14.3.2.26"}, {"signAlgo": "1.2.840.10045.4.1"}):
        refused(sign(client, credential, sad, ONE, **changed), 400, "invalid-request")
    refused(sign(client, "c" * 32, sad, ONE), 404, "unknown-credential")
    assert sign(client, credential, sad, ONE).status_code == 200


def test_another_hash_is_not_signed(client: httpx2.Client) -> None:
    """Attack: the web process swaps the hash after the person signed."""
    seat = Seat()
    credential = registered(client, seat)
    refused(authorize(client, credential, seat.act(credential, ONE), TWO), 403, "hashes-differ")
    sad = sad_for(client, seat, credential, ONE)
    refused(sign(client, credential, sad, TWO), 403, "sad-spent")
    refused(sign(client, credential, sad, ONE, TWO), 403, "sad-spent")


def test_a_sad_works_once(client: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: replay. With the check switched off the replay passes, so the check is what stops it."""
    seat = Seat()
    credential = registered(client, seat)
    sad = sad_for(client, seat, credential, ONE)
    first = sign(client, credential, sad, ONE).json()
    refused(sign(client, credential, sad, ONE), 403, "sad-spent")

    def unchecked(grant: Grant | None, **_: object) -> Grant:
        assert grant is not None
        return grant

    monkeypatch.setattr(authorisation, "spend", unchecked)
    assert sign(client, credential, sad, ONE).json() == first


def test_the_same_act_gets_a_new_sad_and_the_same_signature(client: httpx2.Client) -> None:
    """A client that lost the answer asks again; two signatures never come of one act."""
    seat = Seat()
    credential = registered(client, seat)
    jws = seat.act(credential, ONE)
    sads = [authorize(client, credential, jws, ONE).json()["SAD"] for _ in range(3)]
    assert len(set(sads)) == 3
    signatures = [sign(client, credential, sad, ONE).json()["signatures"] for sad in sads]
    assert signatures[0] == signatures[1] == signatures[2]


def test_a_sad_dies_after_300_seconds(client: httpx2.Client, clock: SettableClock) -> None:
    seat = Seat()
    credential = registered(client, seat)
    early, late = (sad_for(client, seat, credential, ONE) for _ in range(2))
    clock.advance(timedelta(seconds=299))
    assert sign(client, credential, early, ONE).status_code == 200
    clock.advance(timedelta(seconds=1))
    refused(sign(client, credential, late, ONE), 403, "sad-expired")


def test_a_sad_of_another_credential_is_unknown(client: httpx2.Client) -> None:
    mine, other = Seat(), Seat(seat="seat-2")
    my_credential, other_credential = registered(client, mine), registered(client, other)
    sad = sad_for(client, mine, my_credential, ONE)
    refused(sign(client, other_credential, sad, ONE), 403, "sad-unknown")
    refused(sign(client, my_credential, "guess", ONE), 403, "sad-unknown")
    assert sign(client, my_credential, sad, ONE).status_code == 200


Forge = Callable[[Seat, str], str]
FORGERIES: dict[str, tuple[Forge, str]] = {
    "another credential's act": (lambda seat, credential: seat.act("0" * 32, ONE), "wrong-credential"),
    "another seat's name": (lambda seat, credential: seat.act(credential, ONE, sub="seat-2"), "wrong-seat"),
    "another proceeding": (lambda seat, credential: seat.act(credential, ONE, aud="x/proceedings/y"), "wrong-log"),
    "another act": (lambda seat, credential: seat.act(credential, ONE, act="vote.cast"), "wrong-act"),
    "another key": (lambda seat, credential: Seat().act(credential, ONE), "untrusted"),
}


def test_an_act_about_something_else_opens_nothing(client: httpx2.Client) -> None:
    seat = Seat()
    credential = registered(client, seat)
    for forge, code in FORGERIES.values():
        refused(authorize(client, credential, forge(seat, credential), ONE), 403, code)


def test_swapped_keys_in_the_register_do_not_open(client: httpx2.Client, register: SqliteRegister) -> None:
    """Attack: a database administrator exchanges two experts' sealed keys."""
    seats = (Seat(), Seat(seat="seat-2"))
    credentials = [registered(client, seat) for seat in seats]
    blobs = [register.get(credential).sealed for credential in credentials]
    for credential, blob in zip(credentials, reversed(blobs), strict=True):
        register._database.execute("UPDATE credentials SET sealed = ? WHERE id = ?", (blob, credential))
    sad = sad_for(client, seats[0], credentials[0], ONE)
    refused(sign(client, credentials[0], sad, ONE), 500, "key-not-readable")
    for credential, blob in zip(credentials, blobs, strict=True):
        register._database.execute("UPDATE credentials SET sealed = ? WHERE id = ?", (blob, credential))
    assert sign(client, credentials[0], sad, ONE).status_code == 200, "a failed signature spends nothing"


def test_answers_and_problems_are_json(client: httpx2.Client) -> None:
    """pyHanko's client reads nothing else."""
    answer = client.post("/csc/v1/info", content=json.dumps({"lang": "zh-CN"}))
    assert answer.headers["content-type"] == "application/json"
