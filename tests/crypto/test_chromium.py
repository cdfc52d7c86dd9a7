"""A whole seat's life in real browsers, Chromium 109 and the current one: link and pins, bind, commitment, ballot,
sheet, own ranking, signature; keys and journal in IndexedDB, one tab by Web Locks, drafts that survive a crash."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse
from playwright.async_api import BrowserContext, Page, async_playwright

from evidence.core.canonical import b64u
from tests.chromium.browsers import CURRENT, FLAGS, chromium_109
from tests.crypto.node import Refused, node
from tests.crypto.test_seat import CHOICES, OTHERS, SEAT, SHOWN, Game, refused
from tests.device.server import SESSION, MainServer
from tests.sessions.node_play import make_node
from tests.sessions.node_world import PROCEEDING, Main
from web.server.links import write_link

pytestmark = [pytest.mark.asyncio, pytest.mark.e2e]
CLIENT = Path(__file__).parents[2] / "web" / "client"
ME = {"proceeding": PROCEEDING.rpartition("/")[2], "seat": SEAT, "origin": PROCEEDING}
HTML = '<!doctype html><meta charset="utf-8"><title>seat</title><script src="/test.js"></script>'
BUNDLE = """
import { rolldown } from "rolldown";
const [input, file] = process.argv.slice(-2);
const bundle = await rolldown({ input, transform: { target: "chrome109" } });
await bundle.write({ file, format: "iife" });
"""


class Tab:
    """One page of one browser: asked like the client under Node."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def ask(self, verb: str, **question: object) -> Any:
        return self._told(await self.page.evaluate("asked => ask(asked)", {"verb": verb, **question}))

    async def enter(self, link: str) -> Any:
        """What the sign-in page does with the one-time link."""
        return self._told(await self.page.evaluate("([link, me]) => enter(link, me)", [link.partition("#")[2], ME]))

    @staticmethod
    def _told(said: Any) -> Any:
        if "code" in said:
            raise Refused(said["code"], said["detail"])
        return said["answer"]


class BrowserServer(MainServer):
    """The main server of seats' tests with a page of ours."""

    script: Path

    def _app(self) -> FastAPI:
        app = super()._app()

        @app.get("/")
        async def page() -> HTMLResponse:
            return HTMLResponse(HTML)

        @app.get("/test.js")
        async def script() -> FileResponse:
            return FileResponse(self.script, media_type="text/javascript")

        return app


class Life:
    """A play, its server, and a browser whose profile stays on disk."""

    def __init__(self, context: BrowserContext, server: BrowserServer) -> None:
        self.context, self.server = context, server
        self.game: Game = server.game  # type: ignore[assignment]

    async def tab(self) -> Tab:
        page = await self.context.new_page()
        await page.goto(self.server.url + "/")
        return Tab(page)

    async def sit(self, tab: Tab) -> None:
        pins = self.game.main.pins
        told = await tab.ask(
            "open",
            url="",
            cookie="",
            proceeding=ME["proceeding"],
            origin=PROCEEDING,
            sub=SEAT,
            policy=pins.policy_text,
            trust=pins.trust_text,
            digest=pins.digest.hex(),
            patience=5000,
            fresh=False,
        )
        self.game.thumbprint = told["thumbprint"]

    async def sit_again(self, tab: Tab) -> None:
        """As soon as the browser has noticed that the other tab is gone."""
        async with asyncio.timeout(20):
            while True:
                try:
                    return await self.sit(tab)
                except Refused as refusal:
                    if refusal.code != "seat-in-use":
                        raise
                await asyncio.sleep(0.05)

    async def acknowledge(self) -> None:
        done: set[bytes] = set()
        while True:
            for act in [act for found in self.game.state.evaluation.rounds for act in found.seals if act not in done]:
                done.add(act)
                await self.game.ack(act)
            await asyncio.sleep(0.02)


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tests/crypto/page.ts with src/crypto, built as the client is, for the oldest browser."""
    folder = tmp_path_factory.mktemp("page")
    file = folder / "page.js"
    command = [node(), "--input-type=module", "-e", BUNDLE, "--", str(Path(__file__).with_name("page.ts")), str(file)]
    subprocess.run(command, check=True, cwd=CLIENT, capture_output=True, timeout=60)
    return file


@asynccontextmanager
async def living(which: str, script: Path, profile: Path) -> AsyncIterator[Life]:
    executable, libraries = chromium_109() if which == "109" else (CURRENT, {})
    environment: dict[str, str | float | bool] = {**libraries}
    main = Main()
    server = BrowserServer(Game(main, [make_node(main, keys) for keys in main.cities]))
    server.script = script
    async with async_playwright() as driver, server.running():
        context = await driver.chromium.launch_persistent_context(
            str(profile), executable_path=executable, args=list(FLAGS), env=environment or None
        )
        name, _, value = SESSION.partition("=")
        await context.add_cookies([{"name": name, "value": value, "url": server.url}])
        life = Life(context, server)
        acks = asyncio.create_task(life.acknowledge())
        try:
            yield life
        finally:
            acks.cancel()
            await context.close()


@pytest.mark.parametrize("which", ["109", "current"])
async def test_a_seats_life_in_a_browser(which: str, script: Path, tmp_path: Path) -> None:
    async with living(which, script, tmp_path) as life:
        game, tab = life.game, await life.tab()
        # The link of the own centre names the agreement, and a server that hands out another is refused.
        life.server.pins = Main().pins
        link = write_link(life.server.url, "token", game.main.pins)
        game.found()
        assert await refused(tab.enter(link)) == "pins-refused"
        life.server.pins = None
        thumbprint = await tab.enter(link)
        assert await refused(tab.enter(write_link(life.server.url, "token", Main().pins))) == "pins-refused"
        await life.sit(tab)
        assert game.thumbprint == thumbprint, "the key is the same for every page of this browser"
        # One tab at a time.
        second = await life.tab()
        assert await refused(life.sit(second)) == "seat-in-use"
        game.client = tab  # type: ignore[assignment]
        await game.offers()
        await game.check_in()
        await declare(life, tab)
        sealed = await tab.ask("sealBallot", choice="seat-2", number=1, choices=CHOICES)
        assert sealed["steps"][-1] == "safe"
        # The page is killed; the next one goes on with the same key, journal and seals.
        await tab.page.close()
        await life.sit_again(second)
        game.client = second  # type: ignore[assignment]
        again = await second.ask("sealBallot", choice="seat-2", number=1, choices=CHOICES)
        assert again["act"] == sealed["act"]
        await game.elected()
        await game.reviewed()
        await game.scored("12.50")
        await game.opened()
        game.report(b"%PDF-report")
        report = game.state.report
        assert report is not None
        for name in OTHERS:
            game.by(name, "ranking.confirm", {"ranking": b64u(report.ranking), "document": b64u(report.document)})
        assert (await second.ask("confirmRanking"))["mine"] == b64u(report.ranking)
        await second.ask("proveReport", shown=b64u(report.document))
        await second.ask("signReport")
        assert game.state.report is not None
        assert game.state.report.signed == (SEAT,)
        await keeps_its_secrets(second, tmp_path)


async def declare(life: Life, tab: Tab) -> None:
    for member in life.game.state.members:
        for name, body in (
            ("commitment.sign", {"shown": SHOWN}),
            ("recusal.declare", {"recuse": False, "grounds": [], "shown": SHOWN}),
        ):
            if member.id == SEAT:
                await tab.ask("perform", act=name, body=body)
            else:
                life.game.by(member.id, name, body)
    life.game.advance("chair-election")


async def keeps_its_secrets(tab: Tab, profile: Path) -> None:
    """Keys cannot be exported; what was sealed and drafted stands on disk only encrypted."""
    exported = await tab.page.evaluate(
        """async name => {
            const open = indexedDB.open(name);
            await new Promise(done => { open.onsuccess = done; });
            const get = key => new Promise(done => {
                const asked = open.result.transaction("keys").objectStore("keys").get(key);
                asked.onsuccess = () => done(asked.result);
            });
            const keys = [(await get("seat")).privateKey, await get("box")];
            return Promise.all(keys.map(key => crypto.subtle.exportKey("jwk", key).then(() => true, () => false)));
        }""",
        f"tongping-seat/{PROCEEDING}/{SEAT}",
    )
    assert exported == [False, False]
    canary = "CANARY-37.42"
    await tab.page.evaluate(
        "async ([o, s, text]) => (await openDrafts(o, s)).save('sheet-1', { text })", [PROCEEDING, SEAT, canary]
    )
    await tab.page.reload()
    read = "async ([o, s, name]) => (await openDrafts(o, s)).load(name)"
    assert await tab.page.evaluate(read, [PROCEEDING, SEAT, "sheet-1"]) == {"text": canary}
    assert await tab.page.evaluate(read, [PROCEEDING, "seat-4", "sheet-1"]) is None
    files = [path.read_bytes() for path in (profile / "Default" / "IndexedDB").rglob("*") if path.is_file()]
    assert files
    for secret in (canary, "12.50"):
        assert not any(form in data for data in files for form in (secret.encode(), secret.encode("utf-16-le")))
