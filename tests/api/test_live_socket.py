"""The live socket: who may open it, what may be said on it, and that nobody misses an entry (protocol.md section 7)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from evidence.core.act import SoftwareSigner, thumbprint
from evidence.core.canonical import unb64u
from evidence.core.entry import parse
from evidence.core.merkle import leaf_hash
from tests.api.installation import Running
from web.server.live import HELLO_S, SILENCE_S

HELLO = json.dumps({"type": "hello", "resume": None})


@contextmanager
def opened(
    site: Running, seat: str, *, ticket: str | None = None, origin: str | None = "", session: str | None = None
) -> Iterator[ClientConnection]:
    session = session or site.session(seat)
    ticket = site.ticket(session) if ticket is None else ticket
    with connect(
        f"{site.url.replace('http', 'ws', 1)}{site.path}/live?ticket={ticket}",
        origin=site.url if origin == "" else origin,  # type: ignore[arg-type]
        compression="deflate",
        proxy=None,
        max_size=1 << 20,
        close_timeout=2,
        ping_interval=None,
    ) as socket:
        yield socket


def heard(socket: ClientConnection, kind: str, seconds: float = 10.0) -> Any:
    """The next message of this kind."""
    deadline = time.monotonic() + seconds
    while True:
        message = json.loads(socket.recv(max(0.01, deadline - time.monotonic())))
        if message["type"] == kind:
            return message


def refused(site: Running, **options: Any) -> bool:
    """Before it is accepted: HTTP 403, or no HTTP at all where the request has no form."""
    try:
        with opened(site, "seat-1", **options):
            return False
    except InvalidStatus as error:
        return error.response.status_code == 403
    except InvalidMessage:
        return True


def vouch(site: Running, seat: str) -> int:
    """Something happens: the main centre vouches for one of its seats."""
    print_ = thumbprint(SoftwareSigner(ec.generate_private_key(ec.SECP256R1())).jwk)
    answer = site.call(
        "POST",
        f"{site.path}/seats/{seat}/vouch",
        json={"thumbprint": print_},
        bearer=site.installation.administrator_token,
    )
    assert answer.status_code == 201, answer.text
    return int(answer.json()["index"])


@pytest.mark.parametrize("of", ["https://evil.example", "null", "http://127.0.0.1", "x", None, "upper", "port", "user"])
def test_a_page_of_another_origin_opens_no_socket(site: Running, of: str | None) -> None:
    """Threat table row 3 and finding F7: refused before it is accepted, ticket and cookie or not."""
    origin = {"upper": site.url.upper(), "port": site.url + "0", "user": site.url.replace("//", "//x@")}.get(
        of or "", of
    )
    assert refused(site, origin=origin)


def test_a_ticket_opens_one_socket_of_its_own_proceeding(site: Running) -> None:
    session = site.session("seat-1")
    ticket = site.ticket(session)
    with opened(site, "seat-1", ticket=ticket) as socket:
        socket.send(HELLO)
        assert heard(socket, "snapshot")["view"]["me"]["seat"] == "seat-1"
        assert refused(site, ticket=ticket)
    for bad in ("", "x", "A" * 43, "A" * 10_000, "%00"):
        assert refused(site, ticket=bad)


def test_a_ticket_dies_with_its_session(site: Running) -> None:
    session = site.fresh_session("seat-1")
    ticket = site.ticket(session)
    site.call("POST", "/v1/sign-out", session=session)
    assert refused(site, ticket=ticket)


def test_an_open_socket_ends_with_its_session(site: Running) -> None:
    """Threat table row 1: within two seconds of a seat that pings each second."""
    session = site.fresh_session("seat-1")
    with opened(site, "seat-1", session=session) as socket:
        socket.send(HELLO)
        heard(socket, "snapshot")
        socket.send('{"type":"ping","t":1}')
        heard(socket, "pong")
        site.call("POST", "/v1/sign-out", session=session)
        socket.send('{"type":"ping","t":2}')
        assert heard(socket, "error")["code"] == "not-signed-in"
        with pytest.raises(ConnectionClosed):
            heard(socket, "never")


def test_compression_is_not_negotiated(site: Running) -> None:
    """Finding F7: a compression bomb needs compression."""
    with opened(site, "seat-1") as socket:
        assert socket.response is not None
        assert "sec-websocket-extensions" not in socket.response.headers


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "{}",
        "[]",
        "null",
        '{"type":"shout"}',
        '{"type":"ping"}',
        '{"type":"ping","t":1.5}',
        '{"type":"ping","t":"1"}',
        '{"type":"ping","t":-1}',
        '{"type":"ping","t":1,"t":2}',
        '{"type":"ping","t":1,"seat":"seat-2"}',
        '{"type":"ping","t":99999999999999999999}',
        '{"type":"hello","resume":null}',
        '{"type":"pointer","x":10001,"y":0}',
        '{"type":["ping"],"t":1}',
        "[" * 10_000,
        '{"type":"ping","t":' + "1" * 50_000 + "}",
    ],
)
def test_a_malformed_message_gets_a_code_and_loses_nothing(site: Running, text: str) -> None:
    with opened(site, "seat-1") as socket:
        socket.send(HELLO)
        heard(socket, "snapshot")
        socket.send(text)
        assert heard(socket, "error")["code"] == "unknown-message"
        socket.send('{"type":"ping","t":7}')
        pong = heard(socket, "pong")
        assert pong["t"] == 7
        assert abs(pong["now"] - time.time() * 1000) < 5_000


def test_octets_and_oversized_texts_end_the_socket(site: Running) -> None:
    for message in (b"\x00" * 10, "x" * 70_000):
        with opened(site, "seat-1") as socket:
            socket.send(HELLO)
            heard(socket, "snapshot")
            socket.send(message)
            with pytest.raises(ConnectionClosed):
                heard(socket, "never")


@pytest.mark.parametrize("first", ['{"type":"ping","t":1}', "x", '{"type":"hello"}', '{"type":"hello","resume":-1}'])
def test_hello_comes_first(site: Running, first: str) -> None:
    with opened(site, "seat-1") as socket:
        socket.send(first)
        with pytest.raises(ConnectionClosed):
            heard(socket, "snapshot")


def test_resuming_beyond_the_log_is_refused(site: Running) -> None:
    with opened(site, "seat-1") as socket:
        socket.send('{"type":"hello","resume":999999}')
        assert heard(socket, "error")["code"] == "unknown-message"


def test_who_says_nothing_is_gone(site: Running) -> None:
    """Finding F6: the heartbeat notices in three seconds what ICE notices in thirty."""
    with opened(site, "seat-1") as silent, opened(site, "seat-1") as mute:
        mute.send(HELLO)
        started = time.monotonic()
        with pytest.raises(ConnectionClosed):
            heard(mute, "never", 20)
        assert SILENCE_S - 0.5 <= time.monotonic() - started < SILENCE_S + 4
        with pytest.raises(ConnectionClosed):
            heard(silent, "never", HELLO_S + 5)


def test_a_flood_of_messages_ends_the_socket_of_the_flooder_only(site: Running) -> None:
    with opened(site, "seat-2") as other, opened(site, "seat-1") as flooder:
        for socket in (other, flooder):
            socket.send(HELLO)
            heard(socket, "snapshot")
        with suppress(ConnectionClosed):
            for n in range(5_000):
                flooder.send(json.dumps({"type": "ping", "t": n}))
        with pytest.raises(ConnectionClosed):
            heard(flooder, "never")
        other.send('{"type":"ping","t":1}')
        assert heard(other, "pong", 2)["t"] == 1


def test_nobody_points_who_does_not_present(site: Running) -> None:
    with opened(site, "room-1") as socket:
        socket.send(HELLO)
        heard(socket, "snapshot")
        socket.send('{"type":"pointer","x":1,"y":1}')
        assert heard(socket, "error")["code"] in {"wrong-role", "too-early", "not-allowed"}


def test_each_seat_hears_every_entry_once_and_sees_what_its_role_may_see(site: Running) -> None:
    with opened(site, "operator-1") as operator, opened(site, "room-2") as room:
        for socket in (operator, room):
            socket.send(HELLO)
        start = heard(operator, "snapshot")["size"]
        heard(room, "snapshot")
        n = vouch(site, "seat-3")
        assert n >= start
        while (message := heard(operator, "entry"))["n"] != n:
            assert message["n"] == start
            start += 1
        data = unb64u(message["entry"])
        assert leaf_hash(data) == unb64u(message["leaf"])
        assert parse(data).type == message["summary"]["type"] == "SeatVouched"
        assert message["view"]["size"] > n
        while (hidden := heard(room, "entry"))["n"] != n:
            pass
        assert (hidden["entry"], hidden["summary"], hidden["leaf"]) == (None, None, message["leaf"])


def test_a_resumed_seat_gets_exactly_what_it_missed(site: Running) -> None:
    with opened(site, "operator-1") as socket:
        socket.send('{"type":"hello","resume":0}')
        size = heard(socket, "snapshot")["size"]
        past = [heard(socket, "entry") for _ in range(size)]
        assert [message["n"] for message in past] == list(range(size))
        assert ["view" in message for message in past] == [False] * (size - 1) + [True]
    missed = vouch(site, "operator-1") if size else 0
    with opened(site, "operator-1") as socket:
        socket.send(json.dumps({"type": "hello", "resume": size}))
        heard(socket, "snapshot")
        numbers: list[int] = []
        while not numbers or numbers[-1] < missed:
            numbers.append(heard(socket, "entry")["n"])
        assert numbers == list(range(size, missed + 1))


def test_presence_and_media_are_told(site: Running) -> None:
    with opened(site, "operator-1") as socket:
        socket.send(HELLO)
        snapshot = heard(socket, "snapshot")
        assert set(snapshot["media"]["rooms"]) == {"room-1", "room-2", "room-3"}
        first = heard(socket, "presence")
        assert (first["venues"]["venue-3"], first["lines"], first["losses"]) == (False, {}, {})
        with opened(site, "room-3") as room:
            room.send(HELLO)
            assert heard(socket, "presence")["venues"]["venue-3"] is True
            room.send('{"type":"devices","camera":"unplugged","microphone":"muted"}')
            assert heard(socket, "presence")["devices"] == {"room-3": {"camera": "unplugged", "microphone": "muted"}}
        gone = heard(socket, "presence")
        assert (gone["venues"]["venue-3"], gone["devices"]) == (False, {})


def test_only_a_room_speaks_of_its_devices_and_in_our_words(site: Running) -> None:
    with opened(site, "seat-1") as seat, opened(site, "room-2") as room:
        for socket in (seat, room):
            socket.send(HELLO)
            heard(socket, "snapshot")
        seat.send('{"type":"devices","camera":"on","microphone":"on"}')
        assert heard(seat, "error")["code"] == "wrong-role"
        for text in ('{"type":"devices","camera":"on"}', '{"type":"devices","camera":"on","microphone":"<b>"}'):
            room.send(text)
            assert heard(room, "error")["code"] == "unknown-message"


def test_a_reader_that_never_reads_holds_up_nobody(site: Running) -> None:
    """Threat table row 43."""
    slow = [opened(site, "auditor-1") for _ in range(20)]
    sockets = [each.__enter__() for each in slow]
    try:
        for socket in sockets:
            socket.send('{"type":"hello","resume":0}')
        with opened(site, "seat-2") as other:
            other.send(HELLO)
            heard(other, "snapshot")
            delays = []
            for n in range(10):
                started = time.monotonic()
                other.send(json.dumps({"type": "ping", "t": n}))
                heard(other, "pong")
                delays.append(time.monotonic() - started)
            assert sorted(delays)[5] < 0.2
    finally:
        for each in slow:
            each.__exit__(None, None, None)
