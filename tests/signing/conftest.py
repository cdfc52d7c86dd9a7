"""A signing service on real parts: sealed keys, a certificate authority on disk, SQLite, HTTP over loopback."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import typst
import uvicorn

from signing.adapters.certificate_authority import FileCertificateAuthority, create_root, open_authority
from signing.adapters.sealed_keys import SealedKeyStore
from signing.adapters.sqlite_register import SqliteRegister
from signing.service import SigningService
from tests.signing.people import NOON, TOKEN, SettableClock
from web.signing.app import create_signing_app

REPORT = """
#set page(paper: "a4")
#set document(title: "Evaluation report", date: none)
= Evaluation report
#lorem(200)
#pagebreak()
= Signatures
#lorem(50)
"""


@pytest.fixture(scope="session")
def report() -> bytes:
    """A real PDF of two pages."""
    return typst.compile(REPORT.encode())


@pytest.fixture(scope="session")
def keys() -> SealedKeyStore:
    return SealedKeyStore(master=os.urandom(32), entropy=os.urandom)


@pytest.fixture(scope="session")
def authority(keys: SealedKeyStore, tmp_path_factory: pytest.TempPathFactory) -> FileCertificateAuthority:
    folder = tmp_path_factory.mktemp("authority") / "ca"
    create_root(folder, keys=keys, operator="呼和浩特市公共资源交易中心", at=NOON)
    return open_authority(folder, keys=keys)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def register(tmp_path: Path) -> Iterator[SqliteRegister]:
    register = SqliteRegister(path=tmp_path / "register.sqlite")
    yield register
    register.close()


@pytest.fixture
def service(
    keys: SealedKeyStore, authority: FileCertificateAuthority, register: SqliteRegister, clock: SettableClock
) -> SigningService:
    return SigningService(keys=keys, authority=authority, credentials=register, clock=clock, entropy=os.urandom)


@pytest.fixture
def url(service: SigningService) -> Iterator[str]:
    """The service behind real HTTP on 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(create_signing_app(service, TOKEN), lifespan="off", ws="none", log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        deadline = time.monotonic() + 10
        while not server.started:
            assert time.monotonic() < deadline, "the service did not start"
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)
        assert not thread.is_alive()


@pytest.fixture
def client(url: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client
