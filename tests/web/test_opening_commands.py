"""`tongping city release` and `tongping city open` as they are typed (protocols.md section 3, "Opening"; issue 4).

The real service with real nodes: the main server dies for good after G2 and before any share came to it. Two cities
open the round by two files; and when it comes back after all, the log opens the very same sheets.
"""

from __future__ import annotations

import json
import re
import shlex
import socket
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from evidence.adapters import envelope_p256
from evidence.core.canonical import Object, b64u, sha256
from sessions.node import CityNode
from sessions.node_opening import PATIENCE_S
from sessions.service_errors import NodeUnavailable
from tests.sessions import drive
from tests.sessions.real_nodes import OPERATOR, RealWorld
from tests.sessions.service_people import People
from tests.sessions.service_world import tender, until
from tests.web.test_retention_commands import listening, type_in
from web.city.app import create_city_app
from web.server import wiring
from web.server.installation import Layout

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(600)]
CITIES = drive.HOLDERS[:2]
GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "operator.md"


async def dies_after_g2(world: RealWorld) -> tuple[People, str]:
    """Sheets are frozen, approved and witnessed; every node has followed; no share has come to the main server."""

    async def silent(origin: str, freeze: bytes) -> str:
        raise NodeUnavailable("no way to this city")

    process = world.process()
    await process.start()
    world.shown.process = process
    people = People(world, await process.create(tender()))
    keeper = people.keeper(process)
    people.connect(keeper)
    await people.play(keeper, lambda state: state.stage == "detailed-review", 300)
    for holder in world.holders.values():
        holder.release = silent  # type: ignore[method-assign]
    await people.play(
        keeper, lambda state: state.evaluation.round is not None and state.evaluation.round.releasable is not None, 300
    )
    origin = keeper.state.origin
    await until(lambda: keeper.log.newest.size == keeper.log.size)
    await world.follow(origin)
    await process.stop()
    world.shown.process = None
    for holder in world.holders.values():
        del holder.release
    return people, origin


async def test_two_cities_open_what_the_main_server_does_not(tmp_path: Path) -> None:
    folder = tmp_path / "world"
    folder.mkdir()
    ports: dict[str, int] = {}
    for domain in CITIES:
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports[domain] = free.getsockname()[1]
        state = tmp_path / domain
        made = await type_in("city", "init", "--state", state, "--domain", domain, "--port", ports[domain])
        assert made[0] == 0, made
        token = Layout(state).secrets / wiring.OPERATOR_TOKEN
        token.chmod(0o600)
        token.write_text(OPERATOR)
    world = RealWorld(folder)
    with capture_logs():
        people, origin = await dies_after_g2(world)
        # The nodes' processes start again, on nothing but their disks.
        now = [time.time()]
        for domain in drive.HOLDERS:
            world.nodes[domain] = CityNode(
                keys=world.keys[domain],
                pins=world.pins,
                store=world.stores[domain],
                source=world.shown,
                envelopes=envelope_p256,
                clock=lambda: now[0],
            )
        doors = [create_city_app(world.nodes[domain], operator_token=OPERATOR, pages="http://x") for domain in CITIES]
        async with listening(doors[0], ports[CITIES[0]]), listening(doors[1], ports[CITIES[1]]):
            await opens(world, people, origin, now, tmp_path)
    await world.close()


def guide(verb: str, places: dict[str, object]) -> list[object]:
    """The line of the operator's guide, with what these names stand for."""
    (line,) = re.findall(rf"^   tongping (city {verb} .*)$", GUIDE.read_text("utf-8"), re.MULTILINE)
    words = shlex.split(line)
    assert places.keys() <= set(words)
    return [places.get(word, word) for word in words]


async def opens(world: RealWorld, people: People, origin: str, now: list[float], folder: Path) -> None:
    states = [folder / domain for domain in CITIES]
    files = [folder / f"{domain}.release.json" for domain in CITIES]
    # The main centre still has time.
    status, said, complained = await type_in("city", "release", origin, "--out", files[0], "--state", states[0])
    assert (status, said) == (2, "")
    assert complained.startswith("tongping: door-refused: not-overdue: ")
    assert not files[0].exists()
    now[0] += PATIENCE_S + 60
    for state, file in zip(states, files, strict=True):
        typed = guide("release", {"$ORIGIN": origin, "release.json": file})
        status, said, complained = await type_in(*typed, "--state", state)
        assert (status, complained) == (0, ""), complained
        assert f"已写入 {file}" in said
    assert (await type_in("city", "release", origin, "--out", files[0], "--state", states[0]))[0] == 2
    # One is not enough; what is no release is none; nobody but the city's operator asks.
    out = folder / "result.json"
    one = await type_in("city", "open", origin, files[0], "--out", out, "--state", states[1])
    assert (one[0], "too-few-shares" in one[2], out.exists()) == (2, True, False)
    (folder / "junk.json").write_text("{}")
    junk = await type_in("city", "open", origin, folder / "junk.json", "--out", out, "--state", states[1])
    assert (junk[0], "malformed" in junk[2]) == (2, True)
    for path in ("/opening/release", "/opening/open"):
        client = world.clients[CITIES[1]]
        answer = await client.post(f"http://node{path}", json={"origin": origin})
        assert (answer.status_code, answer.json()["code"]) == (401, "operator-token-refused")

    by_operator = {"Authorization": f"Bearer {OPERATOR}"}
    wrong: list[tuple[Object, str]] = [
        ({}, "malformed"),
        ({"releases": [1]}, "malformed"),
        ({"releases": ["x"]}, "malformed"),
        ({"releases": []}, "other-release"),
        ({"releases": ["x" * 600_000]}, "city-request-too-large"),
    ]
    for body, code in wrong:
        asked = {"origin": origin, **body}
        answer = await world.clients[CITIES[1]].post("http://node/opening/open", json=asked, headers=by_operator)
        assert answer.json()["code"] == code
        assert answer.status_code in (400, 409, 413)

    opened = ("city", "open", origin, *files, "--state", states[1])
    names: dict[str, object] = {"$ORIGIN": origin, "result.json": out}
    names |= dict(zip(("zhuhai.release.json", "zhongshan.release.json"), files, strict=True))
    status, said, complained = await type_in(*guide("open", names), "--state", states[1])
    assert (status, complained) == (0, ""), complained
    data = out.read_bytes()
    found = json.loads(data)
    assert f"SHA-256 {sha256(data).hex()}" in said
    assert "日志中没有该轮的开启记录" in said
    assert out.stat().st_mode & 0o077 == 0
    assert [row["code"] for row in found["sheets"]] == [None] * len(found["sheets"]) != []
    assert not any(score in said for row in found["sheets"] for _, _, score, _ in row["says"]["items"])
    other = folder / "other.json"
    assert (await type_in("city", "open", origin, *files, "--state", states[0], "--out", other))[0] == 0
    assert other.read_bytes() == data

    # It comes back after all: its log opens the same, and the file of then says so now.
    async with world.running() as process:
        world.shown.process = process
        await until(lambda: process.ready)
        keeper = people.keeper(process)
        people.connect(keeper)
        await people.play(keeper, lambda state: bool(state.evaluation.round and state.evaluation.round.opened), 300)
        await until(lambda: keeper.log.newest.size == keeper.log.size)
        plain = {entry.body["act"]: entry.body["p"] for entry in keeper.entries if entry.type == "SheetOpened"}
        assert all(plain[row["act"]] == row["p"] for row in found["sheets"])
        kept = [acts["act"] for acts in found["releases"]]
        assert {entry.act.jws for entry in keeper.entries if entry.act is not None} >= set(kept)
        status, said, _ = await type_in(*opened, "--out", folder / "later.json")
        n = next(entry.n for entry in reversed(keeper.entries) if entry.type == "SheetsOpened")
        assert (status, f"与日志第 {n} 条（SheetsOpened）一致" in said) == (0, True)
        later = json.loads((folder / "later.json").read_bytes())
        assert later == found | {"log": {"n": n, "agrees": True}}
        assert later["freeze"]["leaf"] == b64u(keeper.entries[later["freeze"]["n"]].leaf)
        world.shown.process = None
