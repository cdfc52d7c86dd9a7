"""`tongping purge` and `tongping verify-after`, as they are typed (政府采购法 42; docs/protocol.md 2.9)."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from structlog.testing import capture_logs

from evidence.adapters.database import DatabaseLedger, prepare
from evidence.adapters.disclosure_keys import DisclosureKeys
from evidence.adapters.vault_files import FileVault
from sessions.core import contents
from sessions.core.state import CLOSED
from tests.commands import typed
from tests.partner.world import ADMINISTRATOR, site
from tests.sessions.canaries import disk, found
from tests.sessions.service_people import People
from tests.sessions.service_world import World, until
from tests.sessions.test_canaries import case
from tests.sessions.test_service_after import RATING, Closed, kept_by
from web.server import wiring
from web.server.installation import Layout

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(600)]
YEARS = timedelta(days=366 * 16)


async def type_in(*words: object) -> tuple[int, str, str]:
    """While the proceedings go on."""
    return await asyncio.to_thread(typed, *words)


@asynccontextmanager
async def listening(app: FastAPI, port: int) -> AsyncIterator[None]:
    """The application on a socket, in this loop, where the proceedings live."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="off"))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started, 60)
    try:
        yield
    finally:
        server.should_exit = True
        await task


async def test_what_is_kept_until_when_and_what_is_gone_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, folder = tmp_path / "state", tmp_path / "world"
    assert (await type_in("init", "--state", state, "--public-origin", "https://pb.example"))[0] == 0
    token = Layout(state).secrets / wiring.ADMINISTRATOR_TOKEN
    token.chmod(0o600)
    token.write_text(ADMINISTRATOR)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("TONGPING_WEB__PORT", str(port))
    folder.mkdir()
    url = f"sqlite:///{folder / 'ledger.sqlite'}"
    prepare(url)
    keys = DisclosureKeys(folder / "keys" / "disclosures", master=bytes(32), entropy=os.urandom)
    ledger = DatabaseLedger(url, keys=keys)
    world = World(folder, ledger=ledger, vault=FileVault(folder / "vault"), disk=True)

    # What the server notes down, in this very process, is not what the command says.
    with capture_logs():
        await retained(folder, state, world, port)
    ledger.close()


async def retained(folder: Path, state: Path, world: World, port: int) -> None:
    async with site(folder, world=world) as running, listening(running.app, port):
        name = await running.proceedings.create(case())
        people = People(world, name)
        keeper = people.keeper(running.proceedings)
        people.connect(keeper)
        await people.play(keeper, lambda now: now.gate == CLOSED, 300)
        await until(lambda: world.keyring.log_key(keeper.state.origin) is None, 60)
        closed = Closed(running.proceedings, keeper)
        await closed.perform("operator-1", "rating.give", RATING)
        # While the date has not come nothing goes, and the command says why.
        status, said, complained = await type_in("purge", name, "--state", state)
        assert (status, said) == (2, "")
        assert complained.startswith("tongping: door-refused: retained: everything is kept until 20")
        assert (await type_in("purge", "a" * 26, "--state", state))[2].startswith("tongping: door-refused: ")
        assert len(await keeper.names("auditor-1")) == 5
        await verified_after(folder, world, closed)
        objects = contents.kept(keeper.entries)
        assert [sha256 for sha256 in objects if not await world.vault.has(sha256.hex())] == []
        world.shift = YEARS
        status, said, complained = await type_in("purge", name, "--state", state)
        assert (status, complained) == (0, "")
        # The plan of the founding, which names the members, is one more than what the log cites.
        assert f"已删除 {len(objects) + 1} 个对象，0 个按存储期限仍保留" in said
        assert [sha256 for sha256 in objects if await world.vault.has(sha256.hex())] == []
        # Typed again: nothing more, and the same answer. The log itself is kept, and names nobody.
        assert (await type_in("purge", name, "--state", state))[0] == 0
        assert len(await world.ledger.entries(keeper.state.origin, 0, 9999)) == len(keeper.entries)
        assert await keeper.names("auditor-1") == {}
        told = {f"name of seat-{n}": f"金丝雀{n}号专家".encode() for n in range(1, 6)}
        assert found(told, {place: data for place, data in disk(folder).items() if "/ca/" not in place}) == set()


async def verified_after(folder: Path, world: World, closed: Closed) -> None:
    """`verify-after`: what a seat was given proves itself beside the evidence file, and nothing else does."""
    policy, deeds, file = folder / "policy", folder / "deeds.json", closed.keeper.evidence_path()
    policy.mkdir()
    (policy / "tlog-policy").write_text(world.pins.policy_text)
    (policy / "trust.json").write_text(world.pins.trust_text)
    after = closed.proceedings.after
    await until(lambda: all(deed.get("receipt") for deed in kept_by(closed, "supervisor-1")["acts"]), 60)
    assert after.state(closed.keeper.state.origin).ratings
    given = kept_by(closed, "supervisor-1")
    deeds.write_text(json.dumps(given))
    command = ("verify-after", file, "--policy", policy, "--deeds", deeds)
    status, said, complained = await type_in(*command)
    assert (status, complained) == (0, "")
    (line,) = said.splitlines()
    shown = json.loads(line)
    assert (shown["act"], shown["by"], shown["proven"]) == ("rating.give", "operator-1", "decided")
    assert shown["body"]["seat"] == RATING["seat"]
    deeds.write_text(json.dumps(given | {"acts": [given["acts"][0] | {"receipt": given["opened"]["receipt"]}]}))
    assert (await type_in(*command))[::2] != (0, "")
    deeds.write_text("[")
    assert (await type_in(*command))[0] == 2
    deeds.write_text(json.dumps(given))
    other = folder / "other.zip"
    other.write_bytes(file.read_bytes()[:-1])
    status, said, complained = await type_in("verify-after", other, *command[2:])
    assert (status, said) == (2, "")
    assert "the evidence file is not valid" in complained
    assert (await type_in("verify-after", folder / "none.zip", *command[2:]))[0] == 2
    other.unlink()
    deeds.unlink()
