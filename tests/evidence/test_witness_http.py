"""Witnesses in memory and over HTTP: the client against real servers, one deciding by the recipe, others hostile."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

from evidence.adapters.memory import MemoryWitness
from evidence.adapters.witness_http import HttpWitness
from evidence.core.merkle import Tree, leaf_hash
from evidence.core.note import COSIGNATURE_V1, ED25519, Checkpoint, NoteSigner, sign
from evidence.core.witness import AddCheckpoint, AddLog, Answer, admit, decide
from evidence.errors import EvidenceError, Unavailable, UnknownLog, WitnessConflict, WitnessRefused
from evidence.ports import Witness
from tests.evidence.worlds import CENTRE, WITHIN_S, World, ed25519, page

pytestmark = pytest.mark.asyncio
STATUS = {
    Answer.COSIGNED: 200,
    Answer.MALFORMED: 400,
    Answer.UNSIGNED: 403,
    Answer.UNKNOWN_ORIGIN: 404,
    Answer.CONFLICT: 409,
    Answer.INCONSISTENT: 422,
    Answer.CLOCK_BACKWARDS: 503,
}
Reply = tuple[int, str, bytes]
Serve = Callable[[str, bytes], Reply]


@contextmanager
def server(serve: Serve) -> Iterator[str]:
    """An HTTP server whose every POST is answered by `serve(path, body)`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, kind, answer = serve(self.path, body)
            head = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(answer)}\r\n\r\n"
            self.wfile.write(head.encode() + answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_address[1]}/witness/"
        finally:
            http.shutdown()
            thread.join()


def serving(inner: MemoryWitness, signer: NoteSigner, world: World) -> Serve:
    def serve(path: str, body: bytes) -> Reply:
        if path == "/witness/add-log":
            try:
                state = admit(AddLog.parse(body), world.policy, world.identity.jwk)
            except EvidenceError as error:
                return 403, "text/plain", error.code.encode()
            inner.states.setdefault(state.log_key.name, state)
            return 200, "text/plain", b""
        assert path == "/witness/add-checkpoint"
        request = AddCheckpoint.parse(body)
        decision = decide(inner.states.get(request.checkpoint.origin), request, int(world.time))
        if decision.answer is Answer.CONFLICT:
            return 409, "text/x.tlog.size", f"{decision.size}\n".encode()
        if decision.answer is Answer.COSIGNED and decision.state is not None:
            inner.states[request.checkpoint.origin] = decision.state
            return 200, "text/plain; charset=utf-8", signer.line(decision.text, time=decision.state.time).encode()
        return STATUS[decision.answer], "text/plain", decision.answer.value.encode()

    return serve


@asynccontextmanager
async def client(url: str, signer: NoteSigner | None = None) -> AsyncIterator[HttpWitness]:
    signer = signer or NoteSigner("city.example", COSIGNATURE_V1, ed25519())
    async with httpx2.AsyncClient(trust_env=False) as http:
        yield HttpWitness(client=http, prefix=url, vkey=signer.vkey)


TREE = Tree([leaf_hash(bytes([i])) for i in range(9)])
FORK = Tree([leaf_hash(bytes([i, 1])) for i in range(9)])


@asynccontextmanager
async def either(kind: str, inner: MemoryWitness, signer: NoteSigner, world: World) -> AsyncIterator[Witness]:
    """The witness itself, or the client of a server that runs it."""
    if kind == "memory":
        yield inner
        return
    with server(serving(inner, signer, world)) as url:
        async with client(url, signer) as witness:
            yield witness


@pytest.mark.parametrize("kind", ["memory", "http"])
async def test_the_answers_of_the_specification(kind: str) -> None:
    """The promises of `evidence.ports.Witness`, on both adapters."""
    world = World(count=1, quorum=1)
    signer = NoteSigner("city.example", COSIGNATURE_V1, ed25519())
    inner = MemoryWitness(signer=signer, pin=world.policy, identity=world.identity.jwk, clock=lambda: world.time)

    def request(old: int, size: int, tree: Tree = TREE, log: NoteSigner = world.centre) -> AddCheckpoint:
        proof = tuple(tree.consistency(old, size)) if old <= size else ()
        return AddCheckpoint(old, proof, sign(Checkpoint(log.name, size, tree.root(size)), log))

    async with either(kind, inner, signer, world) as witness:
        assert witness.vkey == signer.vkey
        (line,) = await witness.add_checkpoint(request(0, 4))
        assert line == signer.line(request(0, 4).checkpoint.text, time=int(world.time))
        with pytest.raises(WitnessConflict) as caught:
            await witness.add_checkpoint(request(0, 9))
        assert caught.value.size == 4
        for refused in (
            request(4, 9, FORK),
            request(4, 4, FORK),
            request(5, 4),
            request(4, 9, log=NoteSigner(CENTRE, ED25519, ed25519())),
        ):
            with pytest.raises(WitnessRefused):
                await witness.add_checkpoint(refused)
        with pytest.raises(UnknownLog):
            await witness.add_checkpoint(request(0, 4, log=world.log))
        world.time -= 1
        with pytest.raises(Unavailable):
            await witness.add_checkpoint(request(4, 9))
        world.time += 1
        assert await witness.add_checkpoint(request(4, 9))


async def test_a_keeper_over_http_introduces_its_proceeding_and_gets_its_quorum() -> None:
    world = World(count=1, quorum=1)
    inner = world.witnesses[0].inner
    with server(serving(inner, inner._signer, world)) as url:
        async with client(url, inner._signer) as witness:
            centre = await world.keeper(witnesses=[witness])
            (opened,) = await centre.append([world.opening()])
            await centre.quorum(1, WITHIN_S)
            introduction = AddLog(opened.data, bytes(centre.receipt(0)))
            keeper = await world.keeper(signer=world.log, witnesses=[witness], introduction=introduction)
            await keeper.append([page(1)])
            await keeper.quorum(1, WITHIN_S)
            assert keeper.receipt(0)
            with pytest.raises(WitnessRefused):
                await witness.add_log(AddLog(opened.data, bytes(keeper.receipt(0))))
            await keeper.close()
            await centre.close()


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ((500, "text/plain", b""), Unavailable),
        ((503, "text/plain", b""), Unavailable),
        ((429, "text/plain", b""), Unavailable),
        ((302, "text/plain", b""), Unavailable),
        ((409, "text/x.tlog.size", b"-1\n"), Unavailable),
        ((409, "text/x.tlog.size", b"9" * 5000), Unavailable),
        ((409, "text/x.tlog.size", "٤\n".encode()), Unavailable),
        ((409, "text/plain", b"4\n"), WitnessRefused),
        ((400, "text/plain", b""), WitnessRefused),
        ((403, "text/plain", b""), WitnessRefused),
        ((422, "text/plain", b""), WitnessRefused),
        ((404, "text/plain", b""), UnknownLog),
        ((200, "text/plain", b"x" * 20_000), Unavailable),
        ((200, "text/plain", b"\xff"), Unavailable),
    ],
)
async def test_hostile_and_broken_witnesses(reply: Reply, expected: type[EvidenceError]) -> None:
    asked = AddCheckpoint(0, (), sign(Checkpoint(CENTRE, 9, TREE.root()), NoteSigner(CENTRE, ED25519, ed25519())))
    with server(lambda path, body: reply) as url:
        async with client(url) as witness:
            with pytest.raises(expected):
                await witness.add_checkpoint(asked)


async def test_nobody_at_home_is_unavailable() -> None:
    async with client("http://127.0.0.1:9/") as witness:
        with pytest.raises(Unavailable):
            await witness.add_log(AddLog(b"x", b"y"))
