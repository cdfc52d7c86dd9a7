"""What follows a proceeding through the service: in the centre log as digests, and deletion after its date only."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from evidence.adapters.memory import MemoryVault
from evidence.core import act as acts
from evidence.core.canonical import Object, b64u, unb64, unb64u
from evidence.errors import EvidenceError, NotRetained, ObjectMissing, Retained
from sessions import auditing, verify_after
from sessions.after_errors import AfterNotOpen, NoSuchCase, Purged
from sessions.archive import Archive
from sessions.centre import Centre
from sessions.core import contents
from sessions.core.audited import Query
from sessions.core.state import CLOSED
from sessions.docket import Performed
from sessions.errors import SessionError, WrongRole
from sessions.service import ProceedingKeeper, Proceedings
from tests.sessions.afterwards import YES
from tests.sessions.drive import FINANCE, signer_of
from tests.sessions.service_people import People
from tests.sessions.service_world import World, tender, until

pytestmark = pytest.mark.asyncio
RATING: Object = {"seat": "seat-1", "breaches": [["left-the-post", "离席"]], "answers": YES, "text": "擅自离席十分钟"}


@dataclass
class Closed:
    """A proceeding that was played to its end."""

    proceedings: Proceedings
    keeper: ProceedingKeeper

    def make(self, seat: str, name: str, body: Object) -> str:
        chain: Any = self.proceedings.after.view(self.keeper.state, seat)["chain"]
        made = acts.make(
            signer_of(seat),
            act=name,
            aud=chain["aud"],
            sub=seat,
            body=body,
            ctr=chain["ctr"],
            iat=1_795_400_000,
            prev=unb64u(chain["prev"], 32),
            seen=(chain["seen"][0], unb64(chain["seen"][1], 32)),
        )
        return made.jws

    async def perform(self, seat: str, name: str, body: Object) -> Performed:
        return await self.proceedings.after.perform(self.make(seat, name, body), self.keeper.state)


async def played(world: World, proceedings: Proceedings) -> Closed:
    name = await proceedings.create(tender())
    people = People(world, name)
    keeper = people.keeper(proceedings)
    people.connect(keeper)
    await people.play(keeper, lambda state: state.gate == CLOSED)
    await until(lambda: world.keyring.log_key(keeper.state.origin) is None)
    return Closed(proceedings, keeper)


async def test_a_rating_stands_in_the_centre_log_as_a_digest_and_outlives_the_process(tmp_path: Path) -> None:
    """docs/adr/0005; a repeated act gets the first answer, and a new process knows all that was stated."""
    world = World(tmp_path)
    async with world.running() as proceedings:
        closed = await played(world, proceedings)
        with pytest.raises(AfterNotOpen):
            proceedings.after.view(proceedings.get(await proceedings.create(tender())).state, "operator-1")
        jws = closed.make("operator-1", "rating.give", RATING)
        done = await proceedings.after.perform(jws, closed.keeper.state)
        again = await proceedings.after.perform(jws, closed.keeper.state)
        assert (again.index, again.leaf, again.repeated) == (done.index, done.leaf, True)
        with pytest.raises(WrongRole):
            await closed.perform("seat-2", "rating.give", RATING | {"seat": "seat-3"})
        entry = proceedings.centre.entries[done.index]
        assert (entry.type, entry.act, entry.body) == ("AfterActed", None, {})
        for told in (e.data for e in proceedings.centre.entries):
            assert "擅自离席".encode() not in told
            assert b"left-the-post" not in told
        opened = proceedings.centre.after_opened[closed.keeper.state.origin].act
        assert opened is not None
        assert set(opened.body) == {"origin", "closed", "aborted", "timetable", "calendar", "retain"}
        (deed,) = proceedings.after.deeds(closed.keeper.state, "seat-1")
        assert deed.act.jws == jws
        assert proceedings.after.deeds(closed.keeper.state, "seat-2") == []
        await proceedings.centre.witnessed(deed.entry, 5.0)
        assert proceedings.after.receipt(deed.entry) is not None
        before = proceedings.after.view(closed.keeper.state, "operator-1")
    async with world.running() as proceedings:
        keeper = await taken_up(proceedings, closed.keeper.id)
        assert proceedings.after.view(keeper.state, "operator-1") == before
        rating = proceedings.after.state(keeper.state.origin).ratings["seat-1"]
        again_closed = Closed(proceedings, keeper)
        await again_closed.perform("seat-1", "rating.appeal", {"rating": b64u(rating.id), "reason": "停电"})
        await again_closed.perform(
            "supervisor-1",
            "rating.decide",
            {"rating": b64u(rating.id), "uphold": False, "points": 0, "reason": "停电属实"},
        )
        assert proceedings.after.state(keeper.state.origin).ratings["seat-1"].points == 0


async def taken_up(proceedings: Proceedings, name: str) -> ProceedingKeeper:
    await until(lambda: proceedings.ready)
    return proceedings.get(name)


async def test_nothing_is_deleted_before_its_date_and_after_it_the_log_says_so_first(tmp_path: Path) -> None:
    """政府采购法 42: fifteen years, the recordings included; the vault refuses by itself, too."""
    world = World(tmp_path)
    async with world.running() as proceedings:
        closed = await played(world, proceedings)
        # Another one of the same tender, still in its meeting.
        other = proceedings.get(await proceedings.create(tender()))
        keeper, origin = closed.keeper, closed.keeper.state.origin
        recordings = [e for e in keeper.entries if e.type == "SegmentsClosed"]
        given = await closed.perform("operator-1", "rating.give", RATING)
        (rating,) = proceedings.centre.entries[given.index].sd
        assert rating in await world.ledger.disclosures(proceedings.centre.log.origin, [rating])
        assert len(await keeper.names("auditor-1")) == 5
        segment = unb64u(recordings[0].body["segments"][0]["sha256"], 32)
        assert segment in contents.kept(keeper.entries)
        for shift in (timedelta(), timedelta(days=365 * 15)):
            world.shift = shift
            with pytest.raises(Retained):
                await proceedings.purge(keeper.id)
            with pytest.raises(Retained):
                await world.vault.remove(segment.hex(), proceedings._clock())
        assert keeper.evidence_path().exists()
        assert origin not in proceedings.centre.purged
        world.shift = timedelta(days=366 * 15)
        done = await proceedings.purge(keeper.id)
        act = proceedings.centre.entries[done["index"]].act
        assert act is not None
        assert (act.act, act.body["origin"], act.body["objects"]) == ("proceeding.purge", origin, done["gone"])
        # What was told of persons is gone with it, in the proceeding's log and in the centre log.
        assert act.body["disclosures"] >= 7
        assert await world.ledger.disclosures(origin, list(keeper.state.people.values())) == {}
        assert await world.ledger.disclosures(proceedings.centre.log.origin, [rating]) == {}
        assert await keeper.names("auditor-1") == {}
        assert done["left"] == 0
        with pytest.raises(ObjectMissing):
            await world.vault.get(segment.hex())
        with pytest.raises(Purged):
            keeper.evidence_path()
        # The other proceeding's objects are all there, the tender's document of both among them.
        assert contents.kept(other.entries) & contents.kept(keeper.entries)
        for sha256 in contents.objects(other.entries).values():
            assert await world.vault.has(sha256.hex())
        # The auditor's search still finds that there was a proceeding, and no more by what it was about.
        page = await auditing.search(proceedings, FINANCE, Query(), before=None, most=50)
        told = {hit.id: hit.tender for hit in page.hits}
        assert (told[keeper.id], told[other.id] is None) == (None, False)
        # Again: the same answer, and nothing more.
        assert (await proceedings.purge(keeper.id))["index"] == done["index"]
    async with world.running() as proceedings:
        assert isinstance(world.vault, MemoryVault)
        again = await taken_up(proceedings, closed.keeper.id)
        with pytest.raises(Purged):
            again.evidence_path()
        assert proceedings.after.state(origin).ratings == {}
        assert await again.tender() is None
        assert (await proceedings.purge(again.id))["index"] == done["index"]


async def test_an_unanswered_complaint_holds_up_the_deletion(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.running() as proceedings:
        closed = await played(world, proceedings)
        day = proceedings.after.today(closed.keeper.state.origin).isoformat()
        body: Object = {"kind": "complaint", "of": "乙公司", "day": day, "text": "投诉", "evidence": None}
        done = await closed.perform("supervisor-1", "case.open", body)
        world.shift = timedelta(days=366 * 16)
        with pytest.raises(Retained, match="answered"):
            await proceedings.purge(closed.keeper.id)
        answer: Object = {"case": b64u(done.id), "text": "驳回", "evidence": None}
        await closed.perform("supervisor-1", "case.answer", answer)
        # Answered now, so the years count anew.
        with pytest.raises(Retained, match="kept until"):
            await proceedings.purge(closed.keeper.id)


def kept_by(closed: Closed, seat: str) -> Any:
    """What `GET …/after/acts` gives to this seat."""
    after, state = closed.proceedings.after, closed.keeper.state
    opened = after.opened(state)
    return {
        "opened": {"entry": b64u(opened.data), "receipt": after.receipt(opened)},
        "acts": [
            {
                "index": deed.entry.n,
                "leaf": b64u(deed.entry.leaf),
                "entry": b64u(deed.entry.data),
                "disclosure": deed.disclosure,
                "receipt": after.receipt(deed.entry),
            }
            for deed in after.deeds(state, seat)
        ],
    }


async def test_evidence_file_and_deeds_prove_who_stated_what(tmp_path: Path) -> None:
    """docs/adr/0005: decided again where all acts are there, authentic where a seat holds its own only."""
    world = World(tmp_path)
    async with world.running() as proceedings:
        closed = await played(world, proceedings)
        await closed.perform("operator-1", "rating.give", RATING | {"seat": "seat-2"})
        rating = await closed.perform("operator-1", "rating.give", RATING)
        await closed.perform("seat-1", "rating.appeal", {"rating": b64u(rating.id), "reason": "停电"})
        decision: Object = {"rating": b64u(rating.id), "uphold": True, "points": None, "reason": "维持"}
        last = await closed.perform("supervisor-1", "rating.decide", decision)
        await proceedings.centre.witnessed(proceedings.centre.entries[last.index], 5.0)
        whole, own = kept_by(closed, "auditor-1"), kept_by(closed, "seat-1")
        path = closed.keeper.evidence_path()

        def proven(deeds: Any) -> list[tuple[str, str]]:
            with path.open("rb") as file:
                return [(p.act.act, p.how) for p in verify_after.verify(file, deeds, world.pins)]

        names = ["rating.give", "rating.give", "rating.appeal", "rating.decide"]
        assert proven(whole) == [(name, "decided") for name in names]
        assert proven(own) == [(name, "authentic") for name in names[1:]]

        def altered(change: Callable[[Any], object]) -> Any:
            deeds = copy.deepcopy(whole)
            change(deeds)
            return deeds

        changes: tuple[Callable[[Any], object], ...] = (
            lambda d: d["acts"][0].update(disclosure=d["acts"][1]["disclosure"]),
            lambda d: d["acts"][0].update(receipt=d["acts"][1]["receipt"]),
            lambda d: d["acts"][0].update(entry=d["opened"]["entry"], receipt=d["opened"]["receipt"]),
            lambda d: d["opened"].update(entry=d["acts"][0]["entry"], receipt=d["acts"][0]["receipt"]),
            lambda d: d["acts"][0].update(receipt=None),
            lambda d: d["acts"].append(d["acts"][0]),
            lambda d: d.update(more=1),
        )
        for change in changes:
            with pytest.raises((EvidenceError, SessionError)):
                proven(altered(change))
        # The appeal without its rating was allowed by nobody.
        deeds = altered(lambda d: d["acts"].pop(1))
        with pytest.raises(NoSuchCase):
            proven(deeds)


async def test_a_proceeding_of_an_earlier_release_is_kept_from_the_next_start_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closed when nobody wrote `AfterOpened` or dates: the next process does both, once."""

    async def nothing(*given: object) -> None:
        """As if the release did not know of it."""

    world = World(tmp_path)
    with monkeypatch.context() as earlier:
        earlier.setattr(Centre, "open_after", nothing)
        earlier.setattr(Archive, "retain", nothing)
        async with world.running() as proceedings:
            closed = await played(world, proceedings)
            assert closed.keeper.state.origin not in proceedings.centre.after_opened
    name = next(iter(contents.objects(closed.keeper.entries).values())).hex()
    with pytest.raises(NotRetained):
        await world.vault.remove(name, datetime.now(UTC) + timedelta(days=36500))
    for _ in range(2):
        async with world.running() as proceedings:
            await taken_up(proceedings, closed.keeper.id)
            assert [entry.type for entry in proceedings.centre.entries].count("AfterOpened") == 1
    with pytest.raises(Retained):
        await world.vault.remove(name, datetime.now(UTC) + timedelta(days=365 * 14))
