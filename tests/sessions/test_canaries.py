"""No score is visible before the opening, and no name before it may be told: canaries, and every byte that is sent.

Issue 4: "tested by planting canary scores and searching every byte sent to every role, all logs, the database file and
the exports"; 87号令 62, 招标投标法 37. Each search is shown to find a server that leaks.
"""

from __future__ import annotations

import base64
import logging
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from decimal import Decimal
from os import urandom
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from evaluation.core.rounds import SHEET, Round
from evidence.adapters.database import DatabaseLedger, prepare
from evidence.adapters.disclosure_keys import DisclosureKeys
from evidence.adapters.vault_files import FileVault
from evidence.core.canonical import Object, b64, b64u, sha256, unb64u
from sessions.core.state import CLOSED, Proceeding
from sessions.core.view import view
from sessions.keeper import ProceedingKeeper
from tests.partner.test_webhook_doors import calling, registered
from tests.partner.world import Site, site
from tests.sessions import drive
from tests.sessions.canaries import Walk, disk, found
from tests.sessions.receivers import Receiver, receiving
from tests.sessions.service_people import People
from tests.sessions.service_world import World, blank_report, tender, until
from web.server.routes import proceedings as doors

# A busy machine takes minutes for what is fifteen seconds of work.
pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(600)]


SCORE = Decimal("13.37")
"""It stands nowhere else in a proceeding."""


NOT_YET = {
    "/v1/partner/invitations/{invitation}/venue",
    "/v1/partner/proceedings/{id}/evidence",
    "/v1/partner/proceedings/{id}/results",
    "/v1/proceedings/{id}/after",
    "/v1/proceedings/{id}/after/acts",
    "/v1/proceedings/{id}/evidence",
    "/v1/proceedings/{id}/verification",
    "/v1/proceedings/{id}/workbook",
}
"""What nobody is given while sheets are frozen: there is nothing there (nothing is closed). Everything else that can be
read was read."""
TAKEN = {
    "/v1/administrator/links",
    "/v1/partner/webhooks/{webhook}",
    "/v1/proceedings/{id}/acts",
    "/v1/proceedings/{id}/links",
    "/v1/proceedings/{id}/objects",
    "/v1/proceedings/{id}/socket-tickets",
    "/v1/proceedings/{id}/watch",
    "/v1/sign-in",
    "/v1/sign-out",
}
"""Writes that were not only refused."""


ACCOUNT = "6222000099990715"
"""What the buyer noted of two bidders, so that the advice has a fact."""


ADVISED = ("seat-1", "seat-3", "seat-4", "supervisor-1", "auditor-1")


class Scorers(People):
    """Members whose sheets are remembered as they were sealed, with a figure that stands nowhere else."""

    def __init__(self, world: World, proceeding: str) -> None:
        super().__init__(world, proceeding)
        self.sealed: dict[str, bytes] = {}
        self.sheets = {seat: dict.fromkeys(given, SCORE) for seat, given in drive.spread().items()}

    def plaintext(self, state: Proceeding, found_: Round, seat: str) -> bytes:
        made = super().plaintext(state, found_, seat)
        if found_.purpose == SHEET:
            self.sealed[seat] = made
        return made

    def canaries(self) -> dict[str, bytes]:
        """Each sheet's salt, and the one figure that all of them hold, as JSON writes it and beside its criterion."""
        figure = f'"{SCORE:.2f}"'
        planted = {"figure": figure.encode()}
        for made in self.sealed.values():
            start = made.index(b'"salt":"') + 8
            planted[f"salt {len(planted)}"] = made[start : start + 43]
        rows = {criterion: f'"{criterion}",{figure}' for _, criterion in self.sheets[drive.MEMBERS[0]]}
        return planted | {f"row of {criterion}": row.encode() for criterion, row in rows.items()}


@dataclass
class Game:
    """A proceeding on real disks behind the real doors."""

    site: Site
    world: World
    people: Scorers
    walk: Walk
    folder: Path
    partner: Receiver

    @property
    def keeper(self) -> ProceedingKeeper:
        return self.site.proceedings.get(self.people.id)

    async def told(self, said: str) -> dict[str, bytes]:
        """Routes, sockets, webhooks, logs, and every file: databases, vault, spool, keys, exports."""
        await self.heard()
        await until(lambda: self.partner.calls, 60)
        heard = b"".join(call.body + repr(call.headers).encode() for call in self.partner.calls)
        told = await self.walk.told() | {"webhooks": heard}
        return told | disk(self.folder) | {"logs": said.encode()}

    async def does(self, seat: str, name: str, body: Object) -> None:
        """One act of this seat."""
        await self.keeper.perform(self.people.act(self.keeper, seat, name, body).jws)

    async def heard(self) -> None:
        """Until every socket has said all that there is."""
        size = len(self.keeper.entries)
        await until(lambda: all(wire.entries >= size for wire in self.walk.wires.values()), 60)


def _frozen(state: Proceeding) -> bool:
    round_ = state.evaluation.round
    return round_ is not None and round_.purpose == SHEET and round_.freeze is not None


@asynccontextmanager
async def game(folder: Path) -> AsyncIterator[Game]:
    url = f"sqlite:///{folder / 'ledger.sqlite'}"
    prepare(url)
    ledger = DatabaseLedger(
        url, keys=DisclosureKeys(folder / "keys" / "disclosures", master=bytes(32), entropy=urandom)
    )
    world = World(folder, ledger=ledger, vault=FileVault(folder / "vault"), disk=True)
    async with site(folder, world=world) as found_, calling(found_):
        with receiving(Receiver()) as partner:
            webhook, spare = [await registered(found_.zhuhai, partner.url) for _ in range(2)]
            agreement = await found_.agree(found_.zhuhai)
            invitation = await found_.invite(found_.zhuhai, agreement)
            await until(lambda: partner.calls, 60)
            ids = {
                **dict.fromkeys(("subscription", "client", "name", "rest"), "0"),
                "agreement": agreement,
                "centre": found_.zhuhai.domain,
                "invitation": invitation,
                "message": partner.calls[0].message,
                "page": "1",
                "question": b64u(bytes(32)),
                "room": "room-2",
                "seat": "seat-1",
                "spare": spare["webhook"],
                "webhook": webhook["webhook"],
            }
            name = await found_.proceedings.create(case())
            people = Scorers(world, name)
            people.connect(found_.proceedings.get(name))
            walk = Walk(found_, people, ids)
            walk.listen()
            try:
                yield Game(found_, world, people, walk, folder, partner)
            finally:
                await walk.hang_up()
    ledger.close()


def case() -> Any:
    """The example's tender with members' names that stand nowhere else, a document that has a page, and notes."""
    value = tender()
    document = blank_report()
    value["files"] = [b64(document)]
    value["notes"] = {bidder: {"account": [ACCOUNT]} for bidder in ("bidder-2", "bidder-3")}
    value["definition"]["documents"][0] |= {"sha256": b64u(sha256(document)), "pages": 1}
    for n, member in enumerate(value["definition"]["members"], 1):
        member["name"], member["organisation"] = f"金丝雀{n}号专家", f"黄鹂{n}号研究院"
    return value


def names(*seats: int) -> dict[str, bytes]:
    return {f"name of seat-{n}": f"金丝雀{n}号专家".encode() for n in seats}


async def test_no_score_leaves_before_the_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, logger="httpx2")
    with capture_logs() as said:
        await scores(tmp_path, monkeypatch, caplog, said)


async def scores(folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, said: Any) -> None:
    async with game(folder) as play:
        await play.people.play(play.keeper, lambda state: _frozen(state) and state.evaluation.advice is not None)
        planted = play.people.canaries()
        told = await play.told(caplog.text + repr(said))
        assert len(told) > 1000
        assert found(planted, told) == set()
        # The advice was read with what is in it, by those who may and by no other way.
        await unfound(play, f"{SCORE:.2f}")
        readers = {f"GET /v1/proceedings/{play.people.id}/advice to {seat}" for seat in ADVISED}
        by_door = {
            place: data for place, data in told.items() if place.startswith(("GET ", "POST ", "PUT ", "socket "))
        }
        assert {place for _, place in found({"account": ACCOUNT.encode()}, by_door)} == readers
        refused = {route for route in play.walk.routes if route[1].startswith("/v1/")} - play.walk.answered
        assert {path for method, path in refused if method == "GET"} == NOT_YET
        assert {path for method, path in play.walk.answered if method != "GET"} >= TAKEN
        await leaking(play, planted, monkeypatch)
        # Afterwards they are there to be seen, so the search looks in the right places.
        await play.people.play(play.keeper, lambda state: bool(state.evaluation.sheets()))
        await play.heard()
        later = found(planted, await play.walk.told(("seat-1", "operator-2", "room-2", "administrator"), reads=True))
        assert {place for _, place in later} & {f"socket of {seat}" for seat in ("seat-1", "supervisor-1")}
        assert not {place for _, place in later if place.endswith(("operator-2", "room-2", "administrator"))}


async def test_no_score_leaves_with_the_file_of_an_evaluation_that_was_aborted_after_its_freeze(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The one export that there can be while sheets are sealed: every one of them lies in it, and none can be read."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, logger="httpx2")
    with capture_logs() as said:
        async with game(tmp_path) as play:
            await play.people.play(play.keeper, _frozen)
            planted = play.people.canaries()
            sealed = [entry for entry in play.keeper.entries if entry.type == "SheetSealed"]
            await play.does("supervisor-1", "proceeding.abort", {"reason": "发现泄密线索，依法终止"})
            await until(lambda: not play.keeper.state.recording, 60)
            await play.does("operator-1", "proceeding.seal", {})
            await until(lambda: play.world.keyring.log_key(play.keeper.state.origin) is None, 60)
            told = await play.told(caplog.text + repr(said))
            assert found(planted, told) == set()
            exports = {path for path in NOT_YET if path.endswith(("/evidence", "/verification"))}
            assert {("GET", path) for path in exports} <= play.walk.answered
            (file,) = (tmp_path / "evidence").iterdir()
            archive = file.read_bytes()
            assert len(sealed) == len(play.people.sealed) == len(drive.MEMBERS)
            assert all(entry.data in archive for entry in sealed)
            # What is looked for is what would be there: the same search finds a file that holds one opened sheet.
            assert found(planted, {"evidence": archive + play.people.sealed["seat-1"]})
            assert found(planted, {"evidence": archive + b64u(play.people.sealed["seat-1"]).encode()})


async def leaking(play: Game, planted: Mapping[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """The controls switched off: a view, a log line, a file and a socket that tell."""
    figures = next(iter(play.people.sealed.values()))

    def told(state: Proceeding, seat: str) -> Any:
        return view(state, seat) | {"hint": figures.decode()}

    with monkeypatch.context() as patched:
        patched.setattr(doors, "view", told)
        shown = await play.walk.ask("operator-2", f"/v1/proceedings/{play.people.id}")
        assert found(planted, {"view": shown})
    assert found(planted, {"logs": b"opened " + figures})
    (play.folder / "spool" / "leak").write_bytes(figures.hex().encode())
    assert found(planted, disk(play.folder))
    (play.folder / "spool" / "leak").unlink()
    with closing(sqlite3.connect(play.folder / "leak.sqlite")) as database, database:
        database.execute("CREATE TABLE leak (said BLOB)")
        database.execute("INSERT INTO leak VALUES (?)", (figures,))
    assert {place.rpartition(": ")[2] for _, place in found(planted, disk(play.folder))} >= {"leak"}
    (play.folder / "leak.sqlite").unlink()
    heard = play.partner.calls[0]
    assert found(planted, {"webhooks": heard.body + figures})
    play.walk.wires["room-2"].sent.append(base64.b64encode(b"x" + figures))
    assert found(planted, {"socket": b"".join(play.walk.wires["room-2"].sent)})
    play.walk.wires["room-2"].sent.pop()
    # A route that nobody has written down stops the walk, by what it names or by what it takes.
    routes: list[tuple[str, Any]] = [("/v1/proceedings/{id}/new/{thing}", {}), ("/v1/new", {"requestBody": {}})]
    for route, extra in routes:
        before = list(play.site.app.router.routes)
        play.site.app.add_api_route(route, lambda: None, methods=["POST"], openapi_extra=extra)
        play.site.app.openapi_schema = None
        with pytest.raises(KeyError):
            list(play.walk.questions())
        play.site.app.router.routes[:] = before
        play.site.app.openapi_schema = None


async def test_names_are_told_to_nobody_before_they_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """招标投标法 37: before the start nobody, then each venue its own, with the result everybody."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, logger="httpx2")
    with capture_logs() as said:
        await named(tmp_path, caplog, said)


async def named(folder: Path, caplog: pytest.LogCaptureFixture, said: Any) -> None:
    async with game(folder) as play:
        everybody = names(1, 2, 3, 4, 5)
        bound = set(play.keeper.state.seats)
        await play.people.play(play.keeper, lambda state: bound <= set(state.seat_key))
        told = await play.walk.told() | {"logs": (caplog.text + repr(said)).encode()}
        own = {(f"name of {seat}", _door(play, seat)) for seat in ("seat-1", "seat-3", "seat-4")}
        assert found(everybody, told) == own
        await unfound(play, "金丝雀1号专家")
        # Beside the log they lie sealed; in the clear they would be found.
        stored = {place: data for place, data in disk(play.folder).items() if "ledger.sqlite" in place}
        assert any(place.endswith(": disclosures") for place in stored)
        assert found(everybody, stored) == set()
        kept = await play.world.ledger.disclosures(play.keeper.state.origin, list(play.keeper.state.people.values()))
        assert found(everybody, {"opened": b"".join(unb64u(each.text) for each in kept.values())}) != set()
        await play.people.play(play.keeper, lambda state: state.stage == "compliance-review")
        assert any(entry.type == "CaseDisclosed" for entry in play.keeper.entries)
        told = await play.walk.told(reads=True)
        expected = {(name, _door(play, seat)) for seat in ("supervisor-1", "auditor-1") for name in everybody}
        main = ("seat-1", "seat-3", "operator-1")
        expected |= {(name, _door(play, seat)) for seat in main for name in names(1, 2, 3)}
        expected |= {("name of seat-4", _door(play, seat)) for seat in ("seat-4", "operator-2")}
        assert found(everybody, told) == expected
        await play.people.play(play.keeper, lambda state: state.report is not None)
        report = play.keeper.state.report
        assert report is not None
        path = f"/v1/proceedings/{play.people.id}/objects/{report.document.hex()}"
        for seat, reads in (("seat-4", True), ("auditor-1", True), ("operator-1", True), ("operator-2", False)):
            answer = await play.walk.ask(seat, path)
            assert (b"%PDF" in answer) is reads
        assert b"%PDF" not in await play.walk.ask("node", path)
        await play.people.play(play.keeper, lambda state: state.gate == CLOSED)
        assert found(everybody, {"x": await play.walk.ask("operator-2", _path(play))}) == {
            (name, "x") for name in everybody
        }
        await until(lambda: play.world.keyring.log_key(play.keeper.state.origin) is None)
        archive = next((play.folder / "evidence").iterdir()).read_bytes()
        assert {name for name, _ in found(everybody, {"evidence": archive})} == set(everybody)


async def unfound(play: Game, canary: str) -> None:
    """The search over all proceedings finds this one by what it is about, and by nothing that is not told of it yet."""
    door = f"/v1/proceedings/{play.people.id}/audited"
    shown = b'"proceedings":[{'
    for field in ("text", "bidder", "city", "type"):
        assert shown not in await play.walk.ask("auditor-1", f"{door}?{field}={canary}"), field
    for known in ("text=" + drive.definition()["title"][:4], "bidder=" + drive.definition()["bidders"][0]["name"]):
        assert shown in await play.walk.ask("auditor-1", f"{door}?{known}"), known


def _path(play: Game) -> str:
    return f"/v1/proceedings/{play.people.id}/names"


def _door(play: Game, seat: str) -> str:
    return f"GET {_path(play)} to {seat}"
