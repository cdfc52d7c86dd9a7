"""What a node takes from the main server over HTTP: little, and no more than is legal."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Request, Response

from evidence.core.note import MAX_NOTE
from evidence.core.tiles import Tile
from evidence.errors import Malformed, Unavailable
from sessions.adapters.node_source import HttpLogSource
from sessions.node_errors import NotYet
from tests.city.servers import free_port, serving
from tests.sessions.node_world import CITIES, MAIN, PROCEEDING, new_signer
from web.server.errors import TokenRefused
from web.server.node_tokens import verify_node_token

pytestmark = pytest.mark.asyncio
SIGNER = new_signer()


class Server:
    """Answers everything with `status` and `body`."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.status, self.body = 200, b""
        self.paths: list[str] = []
        self.tokens: list[str] = []

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/{path:path}")
        async def anything(request: Request, path: str) -> Response:
            self.paths.append(path)
            self.tokens.append(request.headers["authorization"].removeprefix("Bearer "))
            return Response(self.body, self.status)

        return app


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    with serving(made.app(), made.port):
        yield made


def source(url: str) -> HttpLogSource:
    return HttpLogSource(main_url=url, main=MAIN, domain=CITIES[0], signer=SIGNER, clock=time.time)


async def test_each_request_carries_a_fresh_token_for_this_server(server: Server) -> None:
    """docs/protocol.md section 6; the door's own check is what verifies it here."""
    asked = source(server.url)
    server.body = b"octets"
    assert await asked.checkpoint(PROCEEDING) == b"octets"
    assert await asked.bundle(PROCEEDING, Tile(None, 0, 3)) == b"octets"
    assert await asked.object(PROCEEDING, b"\x01" * 32, 6) == b"octets"
    prefix = f"v1/proceedings/{'a' * 26}"
    assert server.paths == [
        f"{prefix}/log/checkpoint",
        f"{prefix}/log/tile/entries/000.p/3",
        f"{prefix}/objects/{'01' * 32}",
    ]
    identities = {CITIES[0]: SIGNER.jwk}
    for token in server.tokens:
        now = time.time()
        assert verify_node_token(token, identities=identities, audience=server.url, now=now) == CITIES[0]
        with pytest.raises(TokenRefused):
            verify_node_token(token, identities=identities, audience="https://other.example", now=now)
        with pytest.raises(TokenRefused):
            verify_node_token(token, identities=identities, audience=server.url, now=now + 61)
    await asked.close()


async def test_an_answer_is_read_up_to_its_legal_size(server: Server) -> None:
    asked = source(server.url)
    server.body = b"x" * (MAX_NOTE + 1)
    with pytest.raises(Malformed):
        await asked.checkpoint(PROCEEDING)
    with pytest.raises(Malformed):
        await asked.object(PROCEEDING, bytes(32), 100)
    await asked.close()


async def test_missing_and_broken_are_told_apart(server: Server) -> None:
    asked = source(server.url)
    server.status = 404
    with pytest.raises(NotYet):
        await asked.receipt(PROCEEDING, 3)
    assert await asked.object(PROCEEDING, bytes(32), 1) is None
    for server.status in (301, 401, 403, 500):
        with pytest.raises(Unavailable):
            await asked.receipt(PROCEEDING, 3)
        with pytest.raises(Unavailable):
            await asked.object(PROCEEDING, bytes(32), 1)
    await asked.close()
    nobody = source(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable):
        await nobody.checkpoint(PROCEEDING)
    await nobody.close()


async def test_the_centre_log_is_copied_like_any_other(server: Server) -> None:
    asked = source(server.url)
    server.body = b"octets"
    assert await asked.checkpoint(f"{MAIN}/centre") == b"octets"
    assert await asked.bundle(f"{MAIN}/centre", Tile(None, 0, 3)) == b"octets"
    assert server.paths == ["v1/centre/log/checkpoint", "v1/centre/log/tile/entries/000.p/3"]
    with pytest.raises(Malformed):
        await asked.object(f"{MAIN}/centre", bytes(32), 1)
    await asked.close()


@pytest.mark.parametrize(
    "origin",
    ["other.example/proceedings/a", "other.example/centre", f"{MAIN}/proceedings/../../x", f"{MAIN}/proceedings/"],
)
async def test_only_logs_of_the_main_centre_are_asked_for(server: Server, origin: str) -> None:
    asked = source(server.url)
    with pytest.raises(Malformed):
        await asked.checkpoint(origin)
    assert server.paths == []
    await asked.close()
