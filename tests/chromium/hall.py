"""A hall for the browsers' tests: a running installation whose main room is admitted, and pages of its seats.

The operator's and the room's keys are those of Python devices; a page needs its seat's session only to send and watch.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from evidence.core import entry as entries
from evidence.core.act import thumbprint
from evidence.core.canonical import b64u, sha256
from sessions.trust import Pins
from tests.api.installation import Running, eventually
from tests.chromium.browsers import CURRENT, FLAGS, chromium_109
from web.demo import wiring
from web.demo.venue import read_opening
from web.demo.vouching import ByCity, ByMainCentre
from web.device.client import Client
from web.device.device import Device
from web.device.record import Opening
from web.device.seat import Seat

# A camera and a microphone that Chromium makes up; the prompt is answered with yes.
DEVICES = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")

# The public half of the key that a seat's page has made, as a JWK; null before.
KEY = """async name => {
    if (!(await indexedDB.databases()).some(each => each.name === name)) return null;
    const open = indexedDB.open(name);
    const database = await new Promise(done => (open.onsuccess = () => done(open.result)));
    try {
        if (![...database.objectStoreNames].includes("keys")) return null;
        const read = database.transaction("keys").objectStore("keys").get("seat");
        const pair = await new Promise(done => (read.onsuccess = () => done(read.result)));
        return pair ? crypto.subtle.exportKey("jwk", pair.publicKey) : null;
    } finally {
        database.close();
    }
}"""


def by_main(site: Running) -> ByMainCentre:
    """An officer of the main centre vouches, on its command line."""
    return ByMainCentre(site.url, site.installation.administrator_token, site.origin)


async def open_meeting(stack: AsyncExitStack, site: Running) -> Seat:
    """Every seat bound by a Python device and every room admitted; the answer is the main operator, who leads on as
    soon as the rooms are recorded."""
    leader, rooms = await bind_seats(stack, site)
    for room in rooms:
        await leader.perform("room.admit", {"room": room})
    return leader


async def bind_seats(stack: AsyncExitStack, site: Running) -> tuple[Seat, list[str]]:
    """Every seat bound by a Python device; the answer is the main operator, and the rooms to be admitted."""
    leader = await seated(stack, site, "operator-1")
    await by_main(site)("operator-1", leader.device.thumbprint)
    await leader.bind()
    return leader, await bind_others(stack, site, {"operator-1"})


async def bind_others(stack: AsyncExitStack, site: Running, apart: Collection[str]) -> list[str]:
    """Every seat but these bound by a Python device; the answer is the rooms to be admitted."""
    supervisor = await seated(stack, site, "supervisor-1")
    opening = await read_opening(supervisor.client)
    founding = entries.parse(await supervisor.client.entry(0))
    assert founding.act is not None
    venues = {str(venue["id"]): str(venue["centre"]) for venue in founding.act.body["venues"]}
    for seat in founding.act.body["seats"]:
        if seat["role"] == "auditor" or seat["id"] in apart:
            continue
        device = supervisor if seat["id"] == "supervisor-1" else await seated(stack, site, seat["id"], opening)
        node = site.installation.node(seat["centre"] or venues[seat["venue"]])
        vouch = by_main(site) if node is None else ByCity(device.client, node.url, node.operator_token, site.origin)
        await vouch(seat["id"], device.device.thumbprint)
        await device.bind()
        if "draw.external" in (await device.client.view())["todo"]:
            drawn = {"label": "expert/all", "reference": "list 17", "evidence": b64u(sha256(b"list"))}
            view = await device.client.view()
            drawn |= {"seats": view["undrawn"]} if view["rules"]["by_seat"] else {}
            await device.perform("draw.external", drawn)
    return [str(room["id"]) for room in founding.act.body["rooms"]]


def vouch(site: Running, page: Page, seat: str) -> None:
    """An officer of the main centre vouches for the key that this page has made."""
    key = eventually(lambda: page.evaluate(KEY, f"tongping-seat/{site.origin}/{seat}"), 240)
    body = {"thumbprint": thumbprint({name: key[name] for name in ("crv", "kty", "x", "y")})}
    token = site.installation.administrator_token
    answer = site.call("POST", f"{site.path}/seats/{seat}/vouch", json=body, bearer=token)
    assert answer.status_code == 201, answer.text


def admit(site: Running, *rooms: str) -> None:
    """The main venue's operator binds its key and admits these rooms of the main venue."""
    asyncio.run(_admit(site, rooms))


async def _admit(site: Running, rooms: tuple[str, ...]) -> None:
    async with AsyncExitStack() as stack:
        operator = await seated(stack, site, "operator-1")
        opening = await read_opening(operator.client)
        await by_main(site)("operator-1", operator.device.thumbprint)
        await operator.bind()
        for name in rooms:
            room = await seated(stack, site, name, opening)
            await by_main(site)(name, room.device.thumbprint)
            await room.bind()
            await operator.perform("room.admit", {"room": name})


async def seated(
    stack: AsyncExitStack, site: Running, name: str, opening: Opening | None = None, kept: Path | None = None
) -> Seat:
    """A seat that is a program; its device is kept (in `kept`), so that it may leave and come back."""
    client = Client(base_url=site.url, origin=site.url, patience_s=30)
    stack.push_async_callback(client.close)
    await client.sign_in(site.link(name))
    folder, policy = kept or site.installation.actors / "hall" / name, site.installation.policy
    folder.mkdir(parents=True, exist_ok=True)
    device = Device(folder=folder, origin=site.origin, sub=name)
    stack.callback(device.close)
    return Seat(
        device=device,
        client=client,
        pins=Pins.parse((policy / "tlog-policy").read_text(), (policy / "trust.json").read_text()),
        envelopes=wiring.envelopes(),
        entropy=secrets.token_bytes,
        opening=opening,
    )


@contextmanager
def browser(
    playwright: Playwright, which: str = "current", *, devices: bool = True, environment: Mapping[str, str] = {}
) -> Iterator[Browser]:
    """One of the two browsers that the product must work in."""
    executable, needed = chromium_109() if which == "109" else (CURRENT, {})
    flags = [*FLAGS, *(DEVICES if devices else ())]
    variables: dict[str, str | float | bool] = {**needed, **environment}
    found = playwright.chromium.launch(executable_path=executable, env=variables, args=flags, timeout=60_000)
    try:
        yield found
    finally:
        found.close()


def sign_in(context: BrowserContext, site: Running, seat: str, path: str | None = None) -> Page:
    """A page of this seat, by a one-time link as a person opens it; then, where one is given, at `path`."""
    page = context.new_page()
    page.goto(link(site, seat))
    page.wait_for_url(lambda url: "/sign-in" not in url)
    if path is not None:
        page.goto(f"{site.url}{path}")
    return page


def link(site: Running, seat: str) -> str:
    """A one-time link, with the agreement that it names (docs/adr/0006)."""
    return str(site.administer(f"{site.path}/links", {"seat": seat}).json()["url"])


def faults(page: Page) -> list[str]:
    """What the page complains about in its console from now on."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def axe_source() -> str:
    """axe-core itself, to be evaluated in a page."""
    return (Path(__file__).parents[2] / "web" / "client" / "node_modules" / "axe-core" / "axe.min.js").read_text()


def axe(page: Page) -> list[dict[str, Any]]:
    """Violations of WCAG 2.2 A and AA that axe-core finds on the page as it stands."""
    page.evaluate(axe_source())
    found = page.evaluate("tags => axe.run({runOnly: {type: 'tag', values: tags}})", AXE_TAGS)
    return [
        {"rule": each["id"], "at": [node["target"] for node in each["nodes"]], "why": each["help"]}
        for each in found["violations"]
    ]
