"""The partner's receiver takes in what its host signed, now, and once (Standard Webhooks, "Verifying")."""

from __future__ import annotations

import asyncio
import os
import socket
import time

import httpx2
import pytest

from sessions.core.webhooks import HMAC, Key
from sessions.webhook_signatures import fresh_keys, handed_out, signature_header
from web.partner_sim.errors import CallRefused
from web.partner_sim.receiver import MAX_BODY, PATH, TOLERANCE_S, Receiver, verify

NOW = 1_795_248_000.0
BODY = b'{"data":{"index":7,"log":"x","type":"session.stage-advanced"}}'
PAIR, SECRET = fresh_keys(os.urandom)
PUBLIC = handed_out(PAIR)


def headers(*keys: Key, message: str = "msg_1", at: float = NOW, body: bytes = BODY) -> dict[str, str]:
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(at)),
        "webhook-signature": signature_header(keys, message=message, timestamp=int(at), body=body),
    }


def test_a_call_of_the_host_is_taken_in_under_any_of_its_keys() -> None:
    other, _ = fresh_keys(os.urandom)
    assert verify(headers(PAIR, SECRET), BODY, publics=[PUBLIC], now=NOW) == "msg_1"
    assert verify(headers(other, PAIR), BODY, publics=[handed_out(other), PUBLIC], now=NOW) == "msg_1"
    assert verify(headers(PAIR, at=NOW - TOLERANCE_S), BODY, publics=[PUBLIC], now=NOW) == "msg_1"


def test_everything_else_is_refused() -> None:
    """Forged, changed, of another time, replayed under another id, signed by another scheme, or no call at all."""
    forger, _ = fresh_keys(os.urandom)
    good = headers(PAIR)
    hostile = [
        (headers(forger), BODY),
        (headers(SECRET), BODY),
        (headers(Key(HMAC, PAIR.secret)), BODY),
        (good, BODY + b" "),
        (good | {"webhook-id": "msg_2"}, BODY),
        (good | {"webhook-timestamp": str(int(NOW) + 1)}, BODY),
        (good | {"webhook-timestamp": "soon"}, BODY),
        (headers(PAIR, at=NOW - TOLERANCE_S - 1), BODY),
        (headers(PAIR, at=NOW + TOLERANCE_S + 1), BODY),
        (good | {"webhook-signature": ""}, BODY),
        (good | {"webhook-signature": "v1a,"}, BODY),
        (good | {"webhook-signature": "v1a,AAAA"}, BODY),
        (good | {"webhook-signature": good["webhook-signature"].replace("v1a,", "v1,")}, BODY),
        ({}, BODY),
    ]
    for given, body in hostile:
        with pytest.raises(CallRefused):
            verify(given, body, publics=[PUBLIC], now=NOW)
    with pytest.raises(CallRefused):
        verify(good, BODY, publics=[], now=NOW)


def test_a_repetition_is_answered_and_changes_nothing() -> None:
    async def play() -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        receiver = Receiver("127.0.0.1", port, lambda: [PUBLIC])
        async with receiver.serving(), httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            sent = headers(PAIR, at=time.time())
            for _ in range(3):
                assert (await http.post(PATH, content=BODY, headers=sent)).status_code == 204
            assert (list(receiver.heard), receiver.repeated, receiver.news.is_set()) == (["msg_1"], 2, True)
            forged = sent | {"webhook-id": "msg_9"}
            assert (await http.post(PATH, content=BODY, headers=forged)).status_code == 401
            large = b"x" * (MAX_BODY + 1)
            assert (await http.post(PATH, content=large, headers=headers(PAIR, body=large))).status_code == 413
            garbage = headers(PAIR, at=time.time(), body=b"{", message="msg_3")
            assert (await http.post(PATH, content=b"{", headers=garbage)).status_code == 401
            assert (list(receiver.heard), receiver.refused) == (["msg_1"], 2)

    asyncio.run(play())
