"""Calls over real sockets to receivers that mean no good (reliability study, row 15; OWASP ASVS 12.6.1)."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
import time
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sessions.adapters.webhooks_http import MAX_ANSWER, HttpWebhookSender, Resolve
from sessions.webhook_errors import NotCalled, WebhookUrlRefused
from tests.sessions.receivers import Receiver, answers, receiving

HERE = (ip_network("127.0.0.0/8"),)
HEADERS = {"webhook-id": "msg_1"}


def resolving(*answers: Sequence[str]) -> tuple[Resolve, list[str]]:
    """A resolver that gives one answer after the other, the last one for ever."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return resolve, asked


async def outcome(sender: HttpWebhookSender, url: str) -> int | str:
    """The status, or why there was none."""
    try:
        return await sender.send(url, HEADERS, b"{}")
    except NotCalled as error:
        return error.reason
    finally:
        await sender.close()


def call(url: str, sender: HttpWebhookSender) -> int | str:
    return asyncio.run(outcome(sender, url))


def test_a_call_carries_its_headers_and_nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    resolve, _ = resolving(["127.0.0.1"])
    with receiving(Receiver()) as receiver:
        url = f"http://receiver.example:{receiver.port}/a/b?c=d&e=%20"
        assert call(url, HttpWebhookSender(test_networks=HERE, resolve=resolve)) == 204
    (got,) = receiver.calls
    assert got.path == "/a/b?c=d&e=%20"
    assert got.headers["host"] == f"receiver.example:{receiver.port}"
    assert got.headers["webhook-id"] == "msg_1"
    assert got.headers.keys() <= {
        *("host", "webhook-id", "user-agent", "accept", "accept-encoding", "connection", "content-length"),
    }


# Every way to write this machine, for an installation that allows none of them.
SPELLINGS = """
127.0.0.1 127.1 2130706433 0x7f000001 0177.0.0.1 0x7f.1 127.0.0.1. localhost LOCALHOST 0.0.0.0 0 [::1] [::]
[::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:127.0.0.1] [64:ff9b::7f00:1] [::127.0.0.1] 127.0.0.2
127.255.255.254 [2002:7f00:1::] 10.0.0.1 192.168.0.1 172.31.255.255 169.254.169.254 100.64.0.1 224.0.0.1
255.255.255.255
"""


@pytest.mark.parametrize("host", SPELLINGS.split())
def test_no_spelling_of_an_inside_address_reaches_it(host: str) -> None:
    with receiving(Receiver(address="127.0.0.1")) as receiver:
        for scheme in ("https", "http"):
            found = call(f"{scheme}://{host}:{receiver.port}/", HttpWebhookSender(timeout_s=2))
            assert found in ("address-refused", "url-refused", "name-not-resolved"), found
        assert receiver.connections == 0


def test_without_the_control_the_inside_would_be_reached() -> None:
    """The same call, allowed by the settings: so the test above sees the control and nothing else."""
    with receiving(Receiver()) as receiver:
        assert call(f"http://2130706433:{receiver.port}/", HttpWebhookSender(test_networks=HERE)) == 204
        assert receiver.connections == 1


BAD_URLS = [
    "http://receiver.example/",
    "ftp://receiver.example/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_",
    "https://",
    "https:///x",
    "https://user@receiver.example/",
    "https://user:password@receiver.example/",
    "https://receiver.example@127.0.0.1/",
    "https://receiver.example\\@127.0.0.1/",
    "https://receiver.example/#x",
    "https://receiver.example:0/",
    "https://receiver.example:99999/",
    "https://receiver.example:x/",
    "https://receiver.example/a b",
    "https://receiver.example/\r\nX: y",
    "https://receiver.example/\x00",
    "https://ⓛocalhost/",
    "https://127。0。0。1/",
    "https://%31%32%37.0.0.1/",
    "https://[::1%25lo]/",
    "https://[::1/",
    "https://receiver.example/" + "a" * 2_000,
    "receiver.example",
    "",
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_url_with_a_second_reading_is_refused_when_it_is_registered(url: str) -> None:
    with pytest.raises(WebhookUrlRefused):
        HttpWebhookSender().check(url)


def test_an_ordinary_url_is_taken() -> None:
    HttpWebhookSender().check("https://receiver.example:8443/hooks/tongping?tenant=1")


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00::1"])
def test_a_name_that_resolves_to_a_private_address_is_not_called(inside: str) -> None:
    """Also where only one of its addresses is private: which one is taken is nobody's choice."""
    for answer in ([inside], ["203.0.113.9", inside], ["8.8.8.8", inside]):
        resolve, _ = resolving(answer)
        assert call("https://receiver.example/", HttpWebhookSender(resolve=resolve)) == "address-refused"


def test_a_name_is_resolved_once_and_the_answer_is_where_the_call_goes() -> None:
    """DNS rebinding: the second answer would lead elsewhere, but nobody asks for it."""
    resolve, asked = resolving(["127.0.0.2"], ["127.0.0.1"])
    with (
        receiving(Receiver(address="127.0.0.2")) as allowed,
        receiving(Receiver(address="127.0.0.1", port=allowed.port)) as inside,
    ):
        sender = HttpWebhookSender(test_networks=(ip_network("127.0.0.2/32"),), resolve=resolve)
        assert call(f"http://receiver.example:{allowed.port}/", sender) == 204
        assert (asked, allowed.connections, inside.connections) == (["receiver.example"], 1, 0)


def test_plain_http_reaches_test_networks_only() -> None:
    resolve, _ = resolving(["8.8.8.8"])
    sender = HttpWebhookSender(test_networks=HERE, resolve=resolve)
    assert call("http://receiver.example/", sender) == "address-refused"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    with receiving(Receiver()) as inside:
        with receiving(Receiver(behave=answers(status, f"Location: {inside.url}"))) as receiver:
            assert call(receiver.url, HttpWebhookSender(test_networks=HERE)) == status
        assert (receiver.connections, inside.connections) == (1, 0)


def test_a_receiver_that_hangs_costs_no_more_than_the_time_limit() -> None:
    """Not before the status, and not while it sends its answer octet by octet."""

    def silent(connection: socket.socket, number: int) -> None:
        connection.recv(1)

    def dripping(connection: socket.socket, number: int) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)

    for behave in (silent, dripping):
        with receiving(Receiver(behave=behave)) as receiver:
            start = time.monotonic()
            assert call(receiver.url, HttpWebhookSender(test_networks=HERE, timeout_s=0.5)) == "timeout"
            assert time.monotonic() - start < 2.0


def test_ten_megabytes_of_answer_are_not_read() -> None:
    sent = []

    def flood(connection: socket.socket, number: int) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n")
        for _ in range(100):
            connection.sendall(bytes(100_000))
            sent.append(100_000)

    with receiving(Receiver(behave=flood)) as receiver:
        assert call(receiver.url, HttpWebhookSender(test_networks=HERE)) == 200
        assert receiver.connections == 1
    assert sum(sent) < 10_000_000
    assert MAX_ANSWER == 65_536


def test_a_compressed_bomb_stays_compressed() -> None:
    def bomb(connection: socket.socket, number: int) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")

    with receiving(Receiver(behave=bomb)) as receiver:
        assert call(receiver.url, HttpWebhookSender(test_networks=HERE)) == 200


GARBAGE = [
    b"",
    b"hello\r\n\r\n",
    b"HTTP/1.1 200\r\nContent-Length: x\r\n\r\n",
    b"HTTP/1.1 99999 X\r\n\r\n",
    b"\x00" * 64,
]


@pytest.mark.parametrize("number", range(len(GARBAGE)))
def test_an_answer_that_is_no_http_is_no_answer(number: int) -> None:
    with receiving(Receiver(behave=lambda connection, _: connection.sendall(GARBAGE[number]))) as receiver:
        found = call(receiver.url, HttpWebhookSender(test_networks=HERE))
    assert isinstance(found, str)


def test_endless_headers_are_no_answer() -> None:
    def endless(connection: socket.socket, number: int) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for n in range(200_000):
            connection.sendall(f"X-{n}: {'y' * 100}\r\n".encode())

    with receiving(Receiver(behave=endless)) as receiver:
        assert isinstance(call(receiver.url, HttpWebhookSender(test_networks=HERE, timeout_s=5)), str)


def test_the_certificate_must_be_the_names_though_an_address_is_called(tmp_path: Path) -> None:
    """RFC 6125: the address comes from a name server that nobody vouches for."""
    for name, expected in (("receiver.example", 204), ("other.example", "ConnectError")):
        server, trusted = _tls(tmp_path, name)
        resolve, _ = resolving(["127.0.0.1"])
        with receiving(Receiver(tls=server)) as receiver:
            sender = HttpWebhookSender(test_networks=HERE, resolve=resolve, verify=trusted)
            assert call(f"https://receiver.example:{receiver.port}/", sender) == expected
            assert len(receiver.calls) == (1 if expected == 204 else 0)


def _tls(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for `name`, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "cert.pem").write_bytes(pem + private)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(folder / "cert.pem")
    client = ssl.create_default_context(cadata=pem.decode())
    return server, client
