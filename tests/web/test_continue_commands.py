"""`tongping continue` and `tongping city confirm` as they are typed, and the doors behind them (docs/protocol.md 11.2).

The real application and real nodes: entries are gone everywhere, and whoever asks too early, too late, twice, for
another one or in no form gets a coded refusal that changes nothing.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from evidence.core import act as acts
from evidence.core.act import Signer
from evidence.core.canonical import Object, b64u, encode
from evidence.core.entry import Entry
from sessions.service import ProceedingKeeper
from tests.partner.world import ADMINISTRATOR, ORIGIN, Site, b64u_json, problem, site
from tests.sessions import drive
from tests.sessions.real_nodes import OPERATOR, RealWorld
from tests.sessions.service_people import People
from tests.sessions.service_world import tender, until
from tests.web.test_retention_commands import listening, type_in
from web.city.app import create_city_app
from web.server import wiring
from web.server.installation import Layout

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(600)]
HERE = frozenset({"seat-1", "seat-5", "supervisor-1"})
REASON = "机房起火，数据库与各城市副本同时受损"


class Doors:
    """The routes of one proceeding at a site, by whom they are called."""

    def __init__(self, running: Site, proceeding: str) -> None:
        self.running = running
        self.path = f"/v1/proceedings/{proceeding}"
        self.cookies: dict[str, str] = {}

    @property
    def keeper(self) -> ProceedingKeeper:
        return self.running.proceedings.get(self.path.rpartition("/")[2])

    async def seat(self, seat: str, method: str, path: str, body: object = None) -> httpx2.Response:
        """By a seat's session."""
        if seat not in self.cookies:
            link = await self.running.host(f"{self.path}/links", {"seat": seat})
            self.cookies[seat] = await self._signed_in(link["token"])
        headers = {"Cookie": self.cookies[seat], "Origin": ORIGIN}
        return await self._call(method, path, body, headers)

    async def node(self, domain: str, door: str, body: object) -> httpx2.Response:
        """By a city's node."""
        signer: Signer = self.running.world.holders[domain].signer
        claims = {"iss": domain, "aud": ORIGIN, "exp": int(time.time()) + 30}
        signed = f"{b64u_json({'alg': 'ES256', 'typ': 'JWT'})}.{b64u_json(claims)}"
        token = f"{signed}.{b64u(signer.sign(signed.encode()))}"
        return await self._call("POST", f"{self.path}/{door}", body, {"Authorization": f"Bearer {token}"})

    async def administrator(self, door: str, body: object) -> httpx2.Response:
        return await self._call("POST", f"{self.path}/{door}", body, {"Authorization": f"Bearer {ADMINISTRATOR}"})

    async def _signed_in(self, token: str) -> str:
        answer = await self._call("POST", "/v1/sign-in", {"token": token}, {"Origin": ORIGIN})
        assert answer.status_code == 204, answer.text
        self.running.http.cookies.clear()
        return str(answer.headers["set-cookie"].split(";")[0])

    async def _call(self, method: str, path: str, body: object, headers: dict[str, str]) -> httpx2.Response:
        content = body if isinstance(body, bytes) or body is None else encode(body)
        if content is not None:
            headers = headers | {"Content-Type": "application/json"}
        return await self.running.http.request(method, path, content=content, headers=headers)


def proof(entry: Entry, receipt: bytes) -> Object:
    return {"entry": b64u(entry.data), "proof": receipt.decode()}


def confirmation(doors: Doors, domain: str, **changed: Any) -> Object:
    """`log.confirm` of a city, as its node would make it of what is shown now."""
    keeper, signer = doors.keeper, doors.running.world.holders[domain].signer
    key = keeper.state.keys[acts.thumbprint(signer.jwk)]
    leaf = keeper.state.continuations[-1].leaf if keeper.state.continuations else bytes(32)
    size = keeper.log.newest.size
    parts: dict[str, Any] = {
        "act": "log.confirm",
        "aud": keeper.state.log,
        "sub": domain,
        "body": {"continued": b64u(leaf)},
        "ctr": key.ctr + 1,
        "prev": key.last,
        "iat": int(time.time()),
        "seen": (size, keeper.log.tree.root(size)),
    }
    return {"act": acts.make(signer, **{**parts, **changed}).jws}


async def test_a_log_goes_on_by_two_commands_and_by_no_other_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, main, city = tmp_path / "world", tmp_path / "main", tmp_path / "city"
    folder.mkdir()
    (folder / "again").mkdir()
    assert (await type_in("init", "--state", main, "--public-origin", ORIGIN))[0] == 0
    assert (await type_in("city", "init", "--state", city, "--domain", drive.ZHUHAI))[0] == 0
    for state, name, token in (
        (main, wiring.ADMINISTRATOR_TOKEN, ADMINISTRATOR),
        (city, wiring.OPERATOR_TOKEN, OPERATOR),
    ):
        kept = Layout(state).secrets / name
        kept.chmod(0o600)
        kept.write_text(token)
    ports = []
    for name in ("TONGPING_WEB__PORT", "TONGPING_LISTEN__PORT"):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
        monkeypatch.setenv(name, str(ports[-1]))
    # What the server notes down, in this very process, is not what a command says.
    with capture_logs():
        world = RealWorld(folder)
        people, gone = await lost(folder, world)
        async with site(folder / "again", world=world) as running:
            world.shown.process = running.proceedings
            at_city = create_city_app(world.nodes[drive.ZHUHAI], operator_token=OPERATOR, pages=ORIGIN)
            async with listening(running.app, ports[0]), listening(at_city, ports[1]):
                await goes_on(Doors(running, people.id), gone, main, city)
            world.shown.process = None
        await world.close()


async def lost(folder: Path, world: RealWorld) -> tuple[People, list[tuple[Entry, bytes]]]:
    """Two requests for help that nobody has any more but one seat, and one city."""
    async with site(folder, world=world) as running:
        world.shown.process = running.proceedings
        people = People(world, await running.proceedings.create(tender()))
        doors, keeper = Doors(running, people.id), people.keeper(running.proceedings)
        people.absent = set(keeper.state.seats) - HERE
        await people.play(keeper, lambda state: state.seat_key.keys() >= HERE, 120)
        await until(lambda: keeper.log.cosigned.size == keeper.log.size and keeper.state.witnessed, 60)
        size = world.backup(keeper.state.origin)
        for seat in ("seat-1", "seat-5"):
            await keeper.perform(people.act(keeper, seat, "help.ask", {"kind": "device", "text": ""}).jws)
        await keeper.log.quorum(keeper.log.size, 30)
        await world.follow(keeper.state.origin)
        gone = [(entry, bytes(keeper.receipt(entry.n))) for entry in keeper.entries[size:] if entry.act is not None]
        await too_early(doors, gone)
        origin = keeper.state.origin
        world.shown.process = None
    world.restore()
    for domain in drive.HOLDERS[1:]:
        world.forget(domain, origin, size)
    return people, gone


async def too_early(doors: Doors, gone: list[tuple[Entry, bytes]]) -> None:
    """Nothing is lost yet."""
    before = doors.keeper.log.size
    answer = await doors.seat("seat-5", "POST", f"{doors.path}/proofs", proof(*gone[1]))
    assert problem(answer) == (409, "nothing-lost")
    assert problem(await doors.administrator("continue", {"reason": REASON})) == (409, "nothing-lost")
    answer = await doors.node(drive.ZHUHAI, "confirmations", confirmation(doors, drive.ZHUHAI))
    assert problem(answer) == (409, "nothing-lost")
    assert doors.keeper.log.size == before


async def goes_on(doors: Doors, gone: list[tuple[Entry, bytes]], main: Path, city: Path) -> None:
    world, origin = doors.running.world, doors.keeper.state.origin
    assert isinstance(world, RealWorld)
    await until(lambda: doors.keeper.log.ahead and doors.keeper.log.newest.size == doors.keeper.log.size, 60)
    size = doors.keeper.log.size
    await hostile_proofs(doors, gone)
    await hostile_orders(doors)
    # One city holds more: that comes first.
    ordered = ("continue", origin, "--reason", REASON, "--state", main)
    status, said, complained = await type_in(*ordered)
    assert (status, said) == (2, "")
    assert complained.startswith("tongping: door-refused: continuation-refused: ")
    assert "holds-more" in complained
    assert len(complained.splitlines()) == 1
    world.forget(drive.HOLDERS[0], origin, size)
    # A city has nothing to confirm yet.
    confirmed = ("city", "confirm", f"{origin}/r2", "--state", city)
    assert (await type_in(*confirmed))[0] == 2
    assert doors.keeper.log.size == size

    status, said, complained = await type_in(*ordered)
    assert (status, complained) == (0, ""), complained
    assert f"改以 {origin}/r2 继续" in said
    assert f"tongping city confirm {origin}/r2" in said
    await until(lambda: doors.path.rpartition("/")[2] in doors.running.proceedings._keepers, 60)
    await hostile_confirmations(doors)
    assert [entry.type for entry in doors.keeper.entries[size:]] == ["LogContinued"]

    # The node hands its act in at the main server's door.
    async def bring(origin: str, door: str, act: str) -> None:
        world.shown.brought.append((door, act))
        answer = await doors.node(acts.parse(act).sub, door, {"act": act})
        assert answer.status_code in (200, 201), answer.text

    world.shown.bring = bring  # type: ignore[method-assign]
    status, said, complained = await type_in(*confirmed)
    assert (status, complained) == (0, ""), complained
    assert said == f"已确认 {origin}/r2 继续；各席位须重新确认并补交缺失的操作\n"
    assert [entry.type for entry in doors.keeper.entries[size:][:2]] == ["LogContinued", "ContinuationConfirmed"]
    await too_late(doors, ordered, confirmed)
    await openings(doors)


async def hostile_proofs(doors: Doors, gone: list[tuple[Entry, bytes]]) -> None:
    """Only one seat's own receipt is kept, once."""
    path, honest = f"{doors.path}/proofs", proof(*gone[1])
    forms: list[object] = [
        b"",
        b"[]",
        b"{",
        {},
        {"entry": honest["entry"]},
        {**honest, "more": 1},
        {**honest, "entry": 1},
        {**honest, "entry": "*"},
        {**honest, "entry": b64u(b"{}")},
        {**honest, "proof": ""},
        {**honest, "proof": "c2sp.org/tlog-proof@v1\n"},
        {**honest, "entry": "A" * 100_001},
        b'{"entry":"A","entry":"A","proof":""}',
    ]
    for form in forms:
        answer = await doors.seat("seat-5", "POST", path, form)
        assert problem(answer)[0] in (400, 422), (form, answer.text)
    large = {"entry": "A" * 100_000, "proof": "A" * 100_001}
    assert problem(await doors.seat("seat-5", "POST", path, large)) == (413, "too-large")
    altered = {**honest, "entry": b64u(gone[1][0].data.replace(b'"at":"2', b'"at":"1'))}
    for form in (altered, {**honest, "proof": gone[0][1].decode()}):
        assert problem(await doors.seat("seat-5", "POST", path, form)) == (422, "untrusted")
    standing = proof(doors.keeper.entries[1], bytes(doors.keeper.receipt(1)))
    assert problem(await doors.seat("seat-5", "POST", path, standing)) == (409, "nothing-lost")
    # Nobody, the administrator, a node.
    assert problem(await doors._call("POST", path, honest, {"Origin": ORIGIN})) == (401, "not-signed-in")
    assert problem(await doors.administrator("proofs", honest)) == (403, "wrong-role")
    assert problem(await doors.node(drive.ZHUHAI, "proofs", honest)) == (403, "wrong-role")
    assert doors.keeper.proofs.kept == {}
    for _ in range(2):
        assert (await doors.seat("seat-5", "POST", path, honest)).status_code == 204
    assert doors.keeper.proofs.kept.keys() == {gone[1][0].n}


async def hostile_orders(doors: Doors) -> None:
    """`continue` is the administrator's, with a reason."""
    size = doors.keeper.log.size
    forms: list[object] = [
        b"",
        b"[]",
        {},
        {"reason": ""},
        {"reason": 1},
        {"reason": "x" * 501},
        {"reason": "x", "y": 1},
    ]
    for form in forms:
        assert problem(await doors.administrator("continue", form))[0] in (400, 422)
    assert problem(await doors.administrator("continue", {"reason": "x" * 90_000})) == (413, "too-large")
    order: Object = {"reason": REASON}
    for seat in ("seat-5", "supervisor-1"):
        answer = await doors.seat(seat, "POST", f"{doors.path}/continue", order)
        assert problem(answer) == (403, "wrong-role")
    assert problem(await doors.node(drive.ZHUHAI, "continue", order)) == (403, "wrong-role")
    answer = await doors._call("POST", f"{doors.path}/continue", order, {"Origin": ORIGIN})
    assert problem(answer) == (401, "not-signed-in")
    assert problem(await Doors(doors.running, "a" * 26).administrator("continue", order))[0] == 404
    assert doors.keeper.log.size == size


async def hostile_confirmations(doors: Doors) -> None:
    """Only a city's own act, of this very continuation."""
    honest = confirmation(doors, drive.ZHUHAI)
    for form in (b"", b"[]", {}, {"act": 1}, {"act": "x"}, {"act": "a.b.c"}, {**honest, "more": 1}):
        assert problem(await doors.node(drive.ZHUHAI, "confirmations", form))[0] in (400, 422)
    answer = await doors.node(drive.ZHUHAI, "confirmations", {"act": "x" * 90_000})
    assert problem(answer) == (413, "too-large")
    # Another city's, another act, another continuation, the former log's, made by the main centre.
    assert problem(await doors.node(drive.FINANCE, "confirmations", honest)) == (403, "not-allowed")
    other = confirmation(doors, drive.ZHUHAI, act="seat.vouch")
    assert problem(await doors.node(drive.ZHUHAI, "confirmations", other)) == (403, "not-allowed")
    other = confirmation(doors, drive.ZHUHAI, body={"continued": b64u(bytes(32))})
    assert problem(await doors.node(drive.ZHUHAI, "confirmations", other)) == (409, "continuation-refused")
    other = confirmation(doors, drive.ZHUHAI, aud=doors.keeper.state.origin)
    assert problem(await doors.node(drive.ZHUHAI, "confirmations", other)) == (403, "wrong-log")
    other = confirmation(doors, drive.ZHUHAI, sub=drive.MAIN)
    assert problem(await doors.node(drive.ZHUHAI, "confirmations", other)) == (403, "not-allowed")
    assert problem(await doors.administrator("confirmations", honest)) == (403, "wrong-role")
    answer = await doors.seat("supervisor-1", "POST", f"{doors.path}/confirmations", honest)
    assert problem(answer) == (403, "wrong-role")
    # Nothing else is taken before it.
    people = People(doors.running.world, doors.path.rpartition("/")[2])
    ask = people.act(doors.keeper, "seat-1", "help.ask", {"kind": "device", "text": ""})
    answer = await doors.seat("seat-1", "POST", f"{doors.path}/acts", {"act": ask.jws})
    assert problem(answer) == (409, "not-confirmed")


async def too_late(doors: Doors, ordered: tuple[object, ...], confirmed: tuple[object, ...]) -> None:
    """Once is enough: the same answer again, and nothing more."""
    world = doors.running.world
    assert isinstance(world, RealWorld)
    size = doors.keeper.log.size
    ((door, act),) = set(world.shown.brought[-1:])
    again = await doors.node(drive.ZHUHAI, door, {"act": act})
    assert (again.status_code, again.json()["index"]) == (200, doors.keeper.state.continuations[-1].n + 1)
    assert (await type_in(*confirmed))[0] == 0
    answer = await doors.node(drive.FINANCE, "confirmations", confirmation(doors, drive.FINANCE))
    assert problem(answer) == (409, "continuation-refused")
    status, _, complained = await type_in(*ordered)
    assert (status, complained.startswith("tongping: door-refused: nothing-lost: ")) == (2, True)
    assert doors.keeper.log.size == size


async def openings(doors: Doors) -> None:
    """A seat reads both openings of its own proceeding, with their receipts, and nothing else of the centre log."""
    centre = doors.running.proceedings.centre
    own = {centre.openings[name].n for name in (doors.keeper.state.origin, doors.keeper.state.log)}
    assert len(own) == 2
    for n, entry in enumerate(centre.entries):
        for kind in ("entries", "receipts"):
            answer = await doors.seat("seat-5", "GET", f"/v1/centre/log/{kind}/{n}")
            if n in own:
                assert answer.status_code == 200, answer.text
                assert kind == "receipts" or answer.content == entry.data
            else:
                assert problem(answer) == (404, "not-found")
    another = await doors.running.proceedings.create(tender())
    n = centre.openings[f"{drive.MAIN}/proceedings/{another}"].n
    assert problem(await doors.seat("seat-5", "GET", f"/v1/centre/log/entries/{n}")) == (404, "not-found")
