"""`tongping init` on the first day: TLS in three forms, the first administrator's link, a checklist that holds."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
import ssl
import stat
import threading
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sessions.adapters.accounts import DatabaseAccounts
from web.server import wiring
from web.server.cli import app
from web.server.errors import BadSettings
from web.server.identity import Identity
from web.server.settings import load_settings
from web.server.tls import given, own_authority, self_signed


def init(state: Path, *more: str) -> str:
    said = CliRunner().invoke(app, ["init", "--state", str(state), "--public-origin", "https://pb.example", *more])
    assert said.exit_code == 0, said.output or said.exception
    return said.stdout


def greet(certificate: Path, key: Path, cafile: Path, host: str) -> None:
    """A real handshake; ssl.SSLError where the client does not believe the server."""
    offered, accepted = socket.socketpair()
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate, key)

    def serve() -> None:
        try:
            served.wrap_socket(accepted, server_side=True).close()
        except OSError:
            accepted.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        ssl.create_default_context(cafile=str(cafile)).wrap_socket(offered, server_hostname=host).close()
    finally:
        offered.close()
        thread.join()


@pytest.mark.parametrize("kind", ["own", "self-signed"])
def test_a_centre_without_a_certificate_makes_one_that_browsers_take(kind: str, tmp_path: Path) -> None:
    said = init(tmp_path / "main", "--tls", kind)
    settings = load_settings(tmp_path / "main")
    certificate, key = Path(settings.web.certificate), Path(settings.web.key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    trusted = certificate.with_name("authority.crt") if kind == "own" else certificate
    for host in ("pb.example", "127.0.0.1"):
        greet(certificate, key, trusted, host)
    with pytest.raises(ssl.SSLError):
        greet(certificate, key, trusted, "evil.example")
    other = own_authority(tmp_path / "other", host="pb.example", operator="x")
    assert other.authority is not None
    with pytest.raises(ssl.SSLError):
        greet(certificate, key, other.authority, "pb.example")
    # The printed fingerprint is that of what people install or accept.
    (printed,) = set(re.findall(r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}", said))
    der = ssl.PEM_cert_to_DER_cert(re.search(r"-----BEGIN.*?END CERTIFICATE-----", trusted.read_text(), re.S)[0])  # type: ignore[index]

    assert hashlib.sha256(der).hexdigest() == printed.replace(":", "").lower()


def test_a_given_certificate_must_be_of_its_key_and_for_this_host(tmp_path: Path) -> None:
    one = self_signed(tmp_path / "one", host="pb.example")
    two = self_signed(tmp_path / "two", host="pb.example")
    init(tmp_path / "main", "--tls", "files", "--certificate", str(one.certificate), "--key", str(one.key))
    assert load_settings(tmp_path / "main").web.certificate == str(one.certificate)
    (tmp_path / "text").write_text("no certificate")
    for certificate, key, host in (
        (one.certificate, two.key, "pb.example"),
        (one.certificate, one.key, "other.example"),
        (tmp_path / "text", one.key, "pb.example"),
        (one.certificate, tmp_path / "away", "pb.example"),
    ):
        with pytest.raises(BadSettings):
            given(certificate, key, host=host)
    with pytest.raises(BadSettings):
        self_signed(tmp_path / "one", host="pb.example")


def test_the_first_administrators_link_works_once_and_is_in_no_file(tmp_path: Path) -> None:
    state = tmp_path / "main"
    said = init(state)
    (token,) = re.findall(r"https://pb\.example/sign-in#(\S+)", said)[:1]

    accounts = DatabaseAccounts(url=wiring._database(load_settings(state)))
    _, session = asyncio.run(Identity(accounts=accounts, clock=time.time).sign_in(token, brought=None))
    accounts.close()
    assert session.administrator
    assert not any(token.encode() in path.read_bytes() for path in state.rglob("*") if path.is_file())
    kept = (state / "checklist.txt").read_text()
    for word in ("master.key", "保险柜", "into a safe", "tongping trust", "centre.json"):
        assert word in kept
    again = init(state)
    assert "sign-in#" not in again
