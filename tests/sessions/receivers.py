"""Receivers of webhooks, well behaved and not: plain sockets, one thread per connection."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

OK = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True)
class Call:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> Any:
        return json.loads(self.body)


Behaviour = Callable[[socket.socket, int], None]
"""What a receiver does with a connection after it read the request; the number counts calls from 1."""


def answers(status: int, *headers: str) -> Behaviour:
    lines = "".join(f"{header}\r\n" for header in headers)

    def behave(connection: socket.socket, number: int) -> None:
        connection.sendall(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n{lines}Connection: close\r\n\r\n".encode())

    return behave


@dataclass
class Receiver:
    """Listens on `address`; remembers its calls, and how many connections there were."""

    behave: Behaviour = field(default_factory=lambda: answers(204))
    address: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    calls: list[Call] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.port}/hooks"

    def wait(self, count: int, seconds: float = 20.0) -> list[Call]:
        """As soon as there were so many calls."""
        until(lambda: len(self.calls) >= count, seconds)
        return self.calls

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        try:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                self.calls.append(_read(connection))
                self.behave(connection, len(self.calls))
        except OSError as error:
            self.errors.append(type(error).__name__)


@contextmanager
def receiving(receiver: Receiver) -> Iterator[Receiver]:
    with socket.create_server((receiver.address, receiver.port)) as listener:
        receiver.port = listener.getsockname()[1]
        thread = threading.Thread(target=receiver.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            thread.join(timeout=5)


def until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.01)
    return found


def _read(connection: socket.socket) -> Call:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece:
            raise ConnectionError("no request")
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65_536)
    return Call(first.split(" ")[1], headers, body)


# -- what a receiver checks, written from the specification of Standard Webhooks and nothing of ours ---------------


def hmac_signatures(call: Call, secrets: Sequence[str]) -> list[bool]:
    """Which of the `whsec_` secrets signed this call by `v1`."""
    signed = f"{call.headers['webhook-id']}.{call.headers['webhook-timestamp']}.".encode() + call.body
    given = [value[3:] for value in call.headers["webhook-signature"].split(" ") if value.startswith("v1,")]
    found = []
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        found.append(any(hmac.compare_digest(expected, one) for one in given))
    return found


def ed25519_signatures(call: Call, publics: Sequence[str]) -> list[bool]:
    """Which of the `whpk_` keys signed this call by `v1a`."""
    signed = f"{call.headers['webhook-id']}.{call.headers['webhook-timestamp']}.".encode() + call.body
    given = [value[4:] for value in call.headers["webhook-signature"].split(" ") if value.startswith("v1a,")]
    return [any(_verifies(public, one, signed) for one in given) for public in publics]


def _verifies(public: str, signature: str, signed: bytes) -> bool:
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_"), validate=True))
    try:
        key.verify(base64.b64decode(signature, validate=True), signed)
    except Exception:  # noqa: BLE001 (whatever it is, it is no signature)
        return False
    return True
