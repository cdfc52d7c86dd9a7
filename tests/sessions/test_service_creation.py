"""From a tender to a founded proceeding, and back into one's own after the end (protocols.md section 2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from evaluation.errors import CommitteeRefused, ImportRefused, WeightRefused
from evidence.adapters.vault_files import FileVault
from evidence.core import disclosure
from evidence.core.act import thumbprint
from evidence.core.canonical import Object, b64, decode_object, encode, sha256
from sessions.core.state import CLOSED
from sessions.core.view import view
from sessions.errors import Closed, FoundingRefused, MemberMismatch
from sessions.service_errors import KeyLost, NotFoundedYet, TenderRefused, UnknownProceeding
from sessions.tender import Plan
from tests.sessions import drive
from tests.sessions.canaries import disk, found
from tests.sessions.service_people import People
from tests.sessions.service_world import DOCUMENT, NAMES, World, tender, types, until
from tests.sessions.test_canaries import case

Change = Callable[[Object], None]


def _two_venues(value: Object) -> None:
    value["seats"] = [seat for seat in value["seats"] if seat["id"] != "supervisor-1"]


def _four_members(value: Object) -> None:
    value["seats"] = [seat for seat in value["seats"] if seat["id"] != "seat-5"]
    value["definition"] = value["definition"] | {
        "members": [m for m in value["definition"]["members"] if m["seat"] != "seat-5"]
    }


def _light_price(value: Object) -> None:
    value["definition"] = value["definition"] | {"weights": {"technical": "95.00", "price": "5.00"}}


def _members(value: Object) -> None:
    value["definition"] = value["definition"] | {"members": value["definition"]["members"][1:]}


def _no_file(value: Object) -> None:
    value["files"] = []


def _other_file(value: Object) -> None:
    value["files"] = [b64(DOCUMENT + b"!")]


def _salted(value: Object) -> None:
    value["definition"] = value["definition"] | {"origin": "elsewhere"}


def _unknown(value: Object) -> None:
    value["bribe"] = 1


def _titleless(value: Object) -> None:
    value["definition"] = {name: part for name, part in value["definition"].items() if name != "title"}


def _not_lists(value: Object) -> None:
    value["venues"] = {"venue-1": "main"}


def _no_objects(value: Object) -> None:
    value["seats"] = ["seat-1"]


def _kind(value: Object) -> None:
    value["kind"] = "joke"


def _stranger_noted(value: Object) -> None:
    value["notes"] = {"bidder-9": {"account": ["1"]}}


def _notes_of_no_form(value: Object) -> None:
    value["notes"] = {"bidder-1": {"account": "1"}}


def _hash_of_notes(value: Object) -> None:
    value["definition"] = value["definition"] | {"notes": "A" * 43}


REFUSED: dict[Change, type[Exception]] = {
    _two_venues: FoundingRefused,
    _four_members: CommitteeRefused,
    _light_price: WeightRefused,
    _members: MemberMismatch,
    _no_file: TenderRefused,
    _other_file: TenderRefused,
    _salted: TenderRefused,
    _unknown: ImportRefused,
    _titleless: ImportRefused,
    _not_lists: ImportRefused,
    _kind: TenderRefused,
    _no_objects: ImportRefused,
    _stranger_noted: ImportRefused,
    _notes_of_no_form: ImportRefused,
    _hash_of_notes: ImportRefused,
}


@pytest.mark.asyncio
async def test_a_tender_that_breaks_a_rule_opens_nothing(tmp_path: Path) -> None:
    """All rules are asked before `ProceedingOpened`, which nobody can take back."""
    world = World(tmp_path)
    async with world.running() as proceedings:
        for change, error in REFUSED.items():
            value = tender()
            change(value)
            with pytest.raises(error):
                await proceedings.create(value)
        assert types(proceedings.centre.entries) == ["CentreFounded"]
        assert proceedings.ids == ()


@pytest.mark.asyncio
async def test_entry_zero_names_its_witnessed_opening(tmp_path: Path) -> None:
    """G0: `ProceedingOpened` has the centre log's quorum before entry 0; title and names are disclosures."""
    world = World(tmp_path)
    async with world.running() as proceedings:
        keeper = proceedings.get(await proceedings.create(tender()))
        opened = proceedings.centre.openings[keeper.state.origin]
        founding = keeper.state.founding
        assert founding is not None
        assert founding.opening == (opened.origin, opened.n, opened.leaf)
        assert proceedings.centre.log.cosigned.size > opened.n
        held = await world.ledger.disclosures(keeper.state.origin, keeper.entries[0].sd)
        told = [disclosure.parse(each.text) for each in held.values()]
        shown = {item.name: item.value for item in told}
        assert shown["title"] == drive.definition()["title"]
        assert {item.value["seat"] for item in told if item.name == "member"} == set(drive.MEMBERS)
        assert {item.digest for item in told if item.name == "member"} == set(keeper.state.people.values())
        assert drive.definition()["title"].encode() not in keeper.entries[0].data
        assert view(keeper.state, "seat-1")["cities"] == NAMES


@pytest.mark.asyncio
async def test_without_the_quorum_there_is_no_entry_zero(tmp_path: Path) -> None:
    """The proceeding is opened, and founded as soon as the witnesses are back; the id is known at once."""
    world = World(tmp_path)
    world.times = type(world.times)(opening=0.2, pace=world.times.pace, pauses=world.times.pauses)
    async with world.running() as proceedings:
        await until(lambda: proceedings.centre.log.cosigned.size == 1)
        policy = world.pins.policy
        world.witnesses[0]._policy = None
        states, world.witnesses[0]._states = world.witnesses[0]._states, {}
        name = await proceedings.create(tender())
        with pytest.raises(NotFoundedYet):
            proceedings.get(name)
        with pytest.raises(UnknownProceeding):
            proceedings.get("a" * 26)
        assert proceedings.ready
        origin = next(iter(proceedings.centre.openings))
        assert origin not in await world.ledger.origins()
        world.witnesses[0]._states = states
        world.witnesses[0]._policy = policy
        await until(lambda: name in proceedings._keepers)
        assert types(proceedings.get(name).entries)[:2] == ["ProceedingFounded", "DefinitionFixed"]


@pytest.mark.asyncio
async def test_no_proceeding_is_unknown_while_the_process_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A room that asks while the log is being read waits; it would leave if it were told that there is no proceeding.
    And whoever repeats its creation does not open it a second time."""
    world, secret = World(tmp_path), bytes(32)
    async with world.running() as proceedings:
        name = await proceedings.create(tender(), secret=secret)
        centre = proceedings.centre.log.origin
    starting, read, asked = world.process(), world.ledger.entries, []

    async def entries(origin: str, start: int, end: int) -> Sequence[bytes]:
        if origin == centre:
            asked.append(origin)
            with pytest.raises(NotFoundedYet):
                starting.get(name)
            with pytest.raises(NotFoundedYet):
                await starting.create(tender(), secret=secret)
        return await read(origin, start, end)

    monkeypatch.setattr(world.ledger, "entries", entries)
    await starting.start()
    await until(lambda: starting.ready)
    assert asked
    assert starting.get(name).state.size
    assert await starting.create(tender(), secret=secret) == name
    assert len(starting.centre.openings) == 1
    await starting.stop()


@pytest.mark.asyncio
async def test_a_second_process_under_our_name_takes_over(tmp_path: Path) -> None:
    """A process that lost its epoch appends nothing and signs nothing (architecture section 1)."""
    world = World(tmp_path)
    async with world.running() as old:
        name = await old.create(tender())
        people = People(world, name)
        left = old.get(name)
        await until(lambda: left.state.holders_frozen)
        async with world.running() as new:
            await until(lambda: new.ready)
            kid = thumbprint(drive.signer_of("seat-1").jwk)
            with pytest.raises(Exception, match=r".") as caught:
                await left.vouch("seat-1", kid)
            assert caught.value.code in ("lost-lease", "not-owner")  # type: ignore[attr-defined]
            assert await people.keeper(new).vouch("seat-1", kid) == people.keeper(new).state.size - 1
            await until(lambda: left.lost)
            assert not old.ready


@pytest.mark.asyncio
async def test_an_archived_proceeding_is_read_and_never_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """protocols.md 1.6: the log's key is destroyed with the end; a closed log cannot grow."""
    world = World(tmp_path)
    async with world.running() as proceedings:
        people = People(world, await proceedings.create(tender()))
        keeper = people.keeper(proceedings)
        people.connect(keeper)
        await people.play(keeper, lambda state: state.gate == CLOSED)
        await until(lambda: world.keyring.log_key(keeper.state.origin) is None)
        size, root, file = keeper.state.size, keeper.log.tree.root(), keeper.evidence_path().read_bytes()
    async with world.running() as proceedings:
        await until(lambda: proceedings.ready)
        keeper = people.keeper(proceedings)
        assert (keeper.state.size, keeper.log.tree.root(), keeper.log.newest.size) == (size, root, size)
        assert keeper.receipt(size - 1).index == size - 1
        assert sha256(keeper.evidence_path().read_bytes()) == sha256(file)
        late = people.act(keeper, "supervisor-1", "proceeding.abort", {"reason": "zu spät"})
        with pytest.raises(Closed):
            await keeper.perform(late.jws)
        final = proceedings.centre.finals[keeper.state.origin]
        assert final.act is not None
        assert final.act.body["size"] == size
    # A database restored from before the end: the centre log knows how far this one went.
    log = world.ledger._logs[keeper.state.origin]  # type: ignore[attr-defined]
    whole, log.entries = log.entries, log.entries[:-1]
    async with world.running() as proceedings:
        await until(lambda: "entries-lost" in caplog.text)
        with pytest.raises(NotFoundedYet):
            proceedings.get(people.id)
    log.entries = whole
    keeper.evidence_path().unlink()
    async with world.running() as proceedings:
        await until(lambda: all(task.done() for task in proceedings._tasks.values()))
        with pytest.raises(NotFoundedYet):
            proceedings.get(people.id)
        for task in proceedings._tasks.values():
            assert isinstance(task.exception(), KeyLost)


@pytest.mark.asyncio
async def test_the_vault_holds_no_members_name_before_somebody_has_a_certificate(tmp_path: Path) -> None:
    """protocols.md 5: a person's name is a sealed disclosure; what lies in the vault lies there in clear, for years."""
    world = World(tmp_path, vault=FileVault(tmp_path / "vault"))
    async with world.running() as proceedings:
        name = await proceedings.create(case())
        await until(lambda: proceedings.get(name).state.definition is not None)
        keeper, names = proceedings.get(name), {f"{n}": f"金丝雀{n}号专家".encode() for n in range(1, 6)}
        assert len(keeper.state.people) == 5
        vault = disk(tmp_path / "vault")
        assert found({"title": keeper.state.origin.encode()}, vault), "the plan is there"
        assert found(names, vault) == set()
        # As plans were before: they would be found, and are still read.
        digests = list(keeper.state.people.values())
        texts = [each.text for each in (await world.ledger.disclosures(keeper.state.origin, digests)).values()]
        (plan,) = (data for data in vault.values() if b'"venues":' in data and b'"kind":' in data)
        old = encode(decode_object(plan) | {"people": texts, "v": 2})
        assert {each for each, _ in found(names, {"old": old})} == set(names)
        assert Plan.from_json(old, ()).people == tuple(texts)
        assert Plan.from_json(plan, texts).people == tuple(texts)
