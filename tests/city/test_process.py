"""A node as a process over HTTP, killed with -9 where it hurts (docs/protocol.md section 8)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from evidence.adapters import envelope_p256
from evidence.core import act as acts
from evidence.core.canonical import Object, b64u
from evidence.core.note import Note
from evidence.core.witness import AddCheckpoint, AddLog
from sessions import draw_secrets
from sessions.adapters.node_store import FileNodeStore
from sessions.core.commands import FreezeDraw, ResolveDraw
from sessions.node_keys import NodeKeys
from tests.city.servers import OPERATOR, NodeProcess, free_port, main_app, serving
from tests.sessions.node_play import Play, make_node, shares
from tests.sessions.node_world import CITIES, PROCEEDING, Log, Main, new_keys, new_signer, request


class World:
    """Two nodes in this process, and one on its own."""

    def __init__(self, folder: Path) -> None:
        store = FileNodeStore.create(folder / "node")
        keys = NodeKeys.create(store, domain=CITIES[1])
        store.close()
        self.main = Main([new_keys(CITIES[0]), keys, new_keys(CITIES[2])])
        (folder / "policy").write_text(self.main.pins.policy_text)
        (folder / "trust.json").write_text(self.main.pins.trust_text)
        self.game = Play(self.main, [make_node(self.main, other) for other in self.main.cities])
        self.port = free_port()
        self.process = NodeProcess(folder, main_url=f"http://127.0.0.1:{self.port}")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    with serving(main_app(made.main, f"http://127.0.0.1:{made.port}"), made.port):
        made.process.start()
        try:
            yield made
        finally:
            made.process.kill()
            made.process.http.close()


def test_the_witness_speaks_tlog_witness(world: World) -> None:
    """C2SP tlog-witness: 404, 403, 400, 409 with the size, 422, 200 with a line that verifies."""
    main, http = world.main, world.process.http
    world.game.found()

    def add(body: bytes) -> tuple[int, str]:
        answer = http.post("/add-checkpoint", content=body)
        return answer.status_code, answer.text

    assert add(request(main.log, 0))[0] == 404
    few = bytes(AddLog(main.opened.data, main.proof(main.centre, main.opened.n, witnesses=2)))
    assert http.post("/add-log", content=few).status_code == 403
    assert http.post("/add-log", content=b"junk").status_code == 400
    assert add(request(main.log, 0))[0] == 404
    assert [http.post("/add-log", content=main.add_log()).status_code for _ in range(2)] == [200, 200]
    forged = Log(PROCEEDING, main.centre.signer, main.log.entries, main.log.tree)
    assert add(request(forged, 0))[0] == 403
    assert add(b"old 0\n\nnothing")[0] == 400
    assert add(bytes(AddCheckpoint(9, (), main.log.note())))[0] == 400
    status, line = add(request(main.log, 0, 1))
    assert status == 200
    assert Note.parse(main.log.note(1) + line.encode()).verify(main.cities[1].witness.vkey)
    conflict = http.post("/add-checkpoint", content=request(main.log, 0))
    assert (conflict.status_code, conflict.text, conflict.headers["content-type"]) == (409, "1\n", "text/x.tlog.size")
    fork = Log(PROCEEDING, main.log.signer)
    fork.append([])
    main.log, true = fork, main.log
    Play(main, []).found()
    main.log = true
    assert add(request(fork, 1))[0] == 422
    world.process.kill()
    world.process.start()
    assert add(request(fork, 1))[0] == 422, "the record survives kill -9"
    assert add(request(main.log, 1))[0] == 200


def test_malformed_oversized_and_unauthorised_requests_get_their_code(world: World) -> None:
    process = world.process
    http = process.http
    world.game.found()
    http.post("/add-log", content=world.main.add_log())

    def refused(path: str, content: bytes, kind: str = "application/json") -> tuple[int, str]:
        answer = http.post(path, content=content, headers={"Content-Type": kind})
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code, answer.json()["code"]

    doors = ("/holder/offer", "/holder/ack", "/holder/release", "/draw/contribute", "/draw/reveal")
    for path in doors:
        for body in (b"", b"[]", b"{", b'{"origin":7}', b'{"origin":"a","origin":"a"}', b"\xff", b'{"origin":1e3}'):
            assert refused(path, body) == (400, "malformed")
        assert refused(path, b'{"origin":"a"}', "text/plain") == (400, "malformed")
        assert refused(path, b'{"origin":"' + b"a" * 5000 + b'"}') == (413, "city-request-too-large")
    assert refused("/add-checkpoint", b"x" * 1_000_000) == (413, "city-request-too-large")
    assert refused("/add-log", b"x" * 1_000_000) == (413, "city-request-too-large")
    assert process.ask("/holder/offer", {"origin": "nobody.example/proceedings/x"}).status_code == 404
    short = process.ask("/holder/ack", {"origin": PROCEEDING, "act": "AAAA"})
    assert (short.status_code, short.json()["code"]) == (400, "malformed")
    early = process.ask("/holder/ack", {"origin": PROCEEDING, "act": b64u(bytes(32))})
    assert (early.status_code, early.json()["code"]) == (409, "not-yet")
    assert http.get("/trust").json()["policy"] == world.main.pins.policy_text


def test_only_the_citys_operator_speaks_for_its_pool(world: World) -> None:
    """protocols.md 4(1) and 4(8): the custodian freezes its pool and says who comes; nobody else does for it."""
    process = world.process
    world.game.found()
    process.http.post("/add-log", content=world.main.add_log())
    questions: dict[str, Object] = {
        "/draw/pool": {"origin": PROCEEDING, "count": 3, "root": b64u(bytes(32))},
        "/draw/list": {"origin": PROCEEDING, "draw": "experts"},
        "/draw/answer": {"origin": PROCEEDING, "opened": b64u(bytes(32)), "answers": [[0, 0, "accepted", None]]},
        "/draw/seat": {
            "origin": PROCEEDING,
            "seat": "seat-6",
            "replaces": None,
            "source": {"kind": "drawn", "opened": b64u(bytes(32)), "stratum": 0, "position": 0},
            "person": b64u(bytes(32)),
        },
    }
    for path, question in questions.items():
        for token in (None, "wrong"):
            answer = process.ask(path, question, token)
            assert (answer.status_code, answer.json()["code"]) == (401, "operator-token-refused")
    frozen = process.ask("/draw/pool", questions["/draw/pool"], OPERATOR)
    assert (frozen.status_code, acts.parse(frozen.json()["act"]).act) == (200, "pool.freeze")
    assert process.ask("/draw/pool", questions["/draw/pool"], OPERATOR).json() == frozen.json()
    none = process.ask("/draw/list", questions["/draw/list"], OPERATOR)
    assert (none.status_code, none.json()["code"]) == (409, "not-yet")
    nothing = process.ask("/draw/answer", questions["/draw/answer"], OPERATOR)
    assert (nothing.status_code, nothing.json()["code"]) == (409, "no-such-draw")
    for wrong, code in (({}, "unknown-seat"), ({"person": "x"}, "malformed"), ({"replaces": 7}, "malformed")):
        refused = process.ask("/draw/seat", questions["/draw/seat"] | wrong, OPERATOR)
        assert refused.json()["code"] == code
    empty = process.ask("/draw/pool", questions["/draw/pool"] | {"count": 0}, OPERATOR)
    assert (empty.status_code, empty.json()["code"]) == (409, "draw-refused")


def test_a_node_signs_between_proceedings_only_what_a_partner_signs_to_its_host(world: World) -> None:
    """docs/protocol.md 10.1: nothing signed at this door can stand in a proceeding's log or in another's agreement."""
    http, host = world.process.http, world.main.pins.trust.main
    chain = {"ctr": 3, "prev": b64u(b"\x01" * 32)}
    good: dict[str, object] = {
        "act": "agreement.sign",
        "aud": f"{host}/agreements/abc",
        "body": {"offer": "x"},
        "chain": chain,
        "sd": [],
    }

    def ask(changed: dict[str, object], token: str | None = OPERATOR) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return http.post("/identity/partnership", json=good | changed, headers=headers)

    signed = acts.parse(ask({}).json()["act"])
    acts.verify(signed, world.main.pins.trust.identities[CITIES[1]])
    assert (signed.act, signed.aud, signed.sub) == ("agreement.sign", f"{host}/agreements/abc", CITIES[1])
    assert (signed.ctr, signed.prev, signed.body) == (3, b"\x01" * 32, {"offer": "x"})
    for token in (None, "wrong"):
        assert ask({}, token).json()["code"] == "operator-token-refused"
    hostile: list[dict[str, object]] = [
        {"act": "seat.vouch"},
        {"act": "share.release"},
        {"act": "agreement.offer"},
        {"aud": PROCEEDING},
        {"aud": "other.example/agreements/abc"},
        {"aud": f"{host}.evil.example/agreements/abc"},
    ]
    for changed in hostile:
        answer = ask(changed)
        assert (answer.status_code, answer.json()["code"]) == (403, "not-partnership"), changed
    malformed: list[dict[str, object]] = [
        {"body": []},
        {"chain": {}},
        {"chain": {"ctr": 1, "prev": "x"}},
        {"more": 1},
        {"sd": ["x"]},
    ]
    for changed in malformed:
        assert ask(changed).status_code == 400, changed
    assert ask({"body": {"x": "y" * 40_000}}).json()["code"] == "city-request-too-large"


def test_only_the_citys_operator_vouches_and_only_for_its_seats(world: World) -> None:
    process = world.process
    world.game.found()
    process.http.post("/add-log", content=world.main.add_log())
    one, two = (acts.thumbprint(new_signer().jwk) for _ in range(2))
    mine = {"origin": PROCEEDING, "seat": "seat-5", "thumbprint": one}
    for token in (None, "wrong", OPERATOR + "x"):
        answer = process.ask("/identity/vouch", mine, token)
        assert (answer.status_code, answer.json()["code"]) == (401, "operator-token-refused")
    foreign = process.ask("/identity/vouch", mine | {"seat": "seat-1"}, OPERATOR)
    assert (foreign.status_code, foreign.json()["code"]) == (403, "foreign-seat")
    first = process.ask("/identity/vouch", mine, OPERATOR)
    assert (first.status_code, process.ask("/identity/vouch", mine, OPERATOR).json()) == (200, first.json())
    other = process.ask("/identity/vouch", mine | {"thumbprint": two}, OPERATOR)
    assert (other.status_code, other.json()["code"]) == (409, "already-vouched")


def test_kill_9_at_each_answer_loses_nothing_and_repeats_the_same_octets(world: World) -> None:
    """Persist before answering, at each question; and a kill while a question is being worked on."""
    game, process = world.game, world.process
    process.http.post("/add-log", content=world.main.add_log())

    def asked(path: str, question: dict[str, str], token: str | None = None) -> str:
        """Answered, killed, started, and answered again the same."""
        before = process.ask(path, question, token)
        process.kill()
        process.start()
        after = process.ask(path, question, token)
        assert (before.status_code, after.status_code) == (200, 200), before.text + after.text
        assert before.json() == after.json()
        return str(after.json()["act"])

    class Remote:
        """The node of its own process, as the game asks nodes."""

        domain = CITIES[1]

        async def offer(self, origin: str) -> str:
            return asked("/holder/offer", {"origin": origin})

        async def vouch(self, origin: str, seat: str, thumbprint: str) -> str:
            question = {"origin": origin, "seat": seat, "thumbprint": thumbprint}
            return str(process.ask("/identity/vouch", question, OPERATOR).json()["act"])

        async def ack(self, origin: str, act: bytes) -> str:
            return str(process.ask("/holder/ack", {"origin": origin, "act": b64u(act)}).json()["act"])

        async def release(self, origin: str, freeze: bytes) -> str:
            return asked("/holder/release", {"origin": origin, "freeze": b64u(freeze)})

        async def contribute(self, origin: str, opened: bytes) -> str:
            return asked("/draw/contribute", {"origin": origin, "opened": b64u(opened)})

        async def reveal(self, origin: str, freeze: bytes) -> str:
            return asked("/draw/reveal", {"origin": origin, "freeze": b64u(freeze)})

    async def run() -> None:
        game.nodes[CITIES[1]] = Remote()  # type: ignore[assignment]
        game.found()
        await game.offers()
        await game.check_in()
        game.declare()
        held = threading.Event()
        act = game.seal("seat-5")
        kill_in_the_middle(world, b64u(act), held)
        await game.ack(act)
        for member in game.state.members[:4]:
            await game.ack(game.seal(member.id))
        freeze = game.freeze()
        game.confirm(freeze)
        game.witness()
        await game.release(freeze)
        game.open()
        await draw(game)

    asyncio.run(run())
    assert game.state.evaluation.chair == "seat-2"
    own = [entry.act for entry in game.log.entries if entry.act and entry.act.sub == CITIES[1]]
    assert [act.ctr for act in own] == list(range(1, len(own) + 1)), "one chain without a gap, over four processes"
    released = next(act for act in own if act.act == "share.release")
    assert len(shares(released.jws)) == 5
    assert game.state.drawing.draws[0].resolved is not None


async def draw(game: Play) -> None:
    """One venue of three, to which every node contributes."""
    strata = [{"label": "venue", "quota": 1, "refs": ["a.example", "b.example", "c.example"]}]
    body: Object = {"draw": "venues", "attempt": 1, "strata": strata, "pool": None, "partition": None, "filter": None}
    (opened,) = game.by("operator-1", "draw.open", body)
    game.witness()
    for node in game.nodes.values():
        (made,) = game.perform(await node.contribute(PROCEEDING, opened.leaf))
        assert made.act is not None
        await game.ack(made.act.id)
    (frozen,) = game.command(FreezeDraw(opened.leaf))
    game.witness()
    for node in game.nodes.values():
        game.perform(await node.reveal(PROCEEDING, frozen.leaf))
    found = dict(draw_secrets.of(game.state, game.state.drawing.draws[0], envelope_p256))
    game.command(ResolveDraw(frozen.leaf, tuple(secret for secret in found.values() if secret is not None)))


def kill_in_the_middle(world: World, act: str, held: threading.Event) -> None:
    """Kill the node while the main server holds back the ciphertext that the node asked for."""
    honest = world.main.object
    go = threading.Event()

    async def hold(origin: str, sha256_: bytes, size: int) -> bytes | None:
        held.set()
        await asyncio.to_thread(go.wait, 20)
        return await honest(origin, sha256_, size)

    world.main.object = hold  # type: ignore[method-assign]

    def ask() -> None:
        with pytest.raises(httpx2.HTTPError):
            world.process.ask("/holder/ack", {"origin": PROCEEDING, "act": act})

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    assert held.wait(20)
    world.process.kill()
    go.set()
    asking.join(20)
    world.main.object = honest  # type: ignore[method-assign]
    world.process.start()
