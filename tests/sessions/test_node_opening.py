"""A fixed result is opened without the main centre (protocols.md section 3, "Opening"; issue 4, the table's rows).

From G2 on the result is fixed: if `SheetsOpened` is missing after ten minutes, or the proceeding is aborted, k holders
open it by what they hold themselves. Before that nobody makes a node release, and k−1 of them read nothing.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from evaluation.errors import AlreadyDone, TooFewShares
from evidence.adapters import envelope_p256
from evidence.core import act as acts
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, encode, sha256, unb64u
from evidence.core.entry import Draft
from evidence.core.note import read_checkpoint
from evidence.core.tiles import Tile
from evidence.errors import EvidenceError, Malformed, Unavailable, Untrusted
from sessions import released
from sessions.adapters.node_store import FileNodeStore
from sessions.core.commands import NoteWitnessed
from sessions.node import CityNode
from sessions.node_errors import (
    CiphertextNotKept,
    ClockBackwards,
    FalseShare,
    LogForked,
    NotAHolder,
    NotApproved,
    NotOverdue,
    NotYet,
    OtherRelease,
)
from sessions.node_opening import PATIENCE_S
from tests.sessions.node_play import FINANCE, ZHONGSHAN, ZHUHAI, Play, make_node, shares
from tests.sessions.node_world import MAIN, NOW, PROCEEDING, Log, Main, new_signer, request

pytestmark = pytest.mark.asyncio


class Mortal(Main):
    """The main server, which may be gone for good."""

    gone = False

    def _live(self) -> None:
        if self.gone:
            raise Unavailable("the main server is gone")

    async def checkpoint(self, origin: str) -> bytes:
        self._live()
        return await super().checkpoint(origin)

    async def bundle(self, origin: str, tile: Tile) -> bytes:
        self._live()
        return await super().bundle(origin, tile)

    async def receipt(self, origin: str, n: int) -> bytes:
        self._live()
        return await super().receipt(origin, n)

    async def object(self, origin: str, sha256_: bytes, size: int) -> bytes | None:
        self._live()
        return await super().object(origin, sha256_, size)


@dataclass
class World:
    """A played proceeding with nodes on disk; `now` is what their clocks say."""

    folder: Path
    now: float = float(NOW)
    main: Mortal = field(default_factory=Mortal)

    def __post_init__(self) -> None:
        self.stores = {keys.domain: FileNodeStore.create(self.folder / keys.domain) for keys in self.main.cities}
        self.game = Play(self.main, [self.node(keys.domain) for keys in self.main.cities])

    def node(self, domain: str) -> CityNode:
        """A node's process on what its disk holds."""
        keys = next(keys for keys in self.main.cities if keys.domain == domain)
        return make_node(self.main, keys, store=self.stores[domain], clock=lambda: self.now)

    def restart(self) -> None:
        self.game.nodes = {domain: self.node(domain) for domain in self.game.nodes}

    async def frozen(self) -> bytes:
        """Sheets are sealed and frozen; nobody has approved."""
        await self.game.to_sheets()
        await self.game.seal_all()
        return self.game.freeze()

    async def fixed(self) -> bytes:
        """G2: the approval is witnessed, and every node has followed."""
        freeze = await self.frozen()
        self.game.confirm(freeze, "seat-5")
        self.game.approve(freeze, "seat-5")
        self.game.witness()
        await self.follow()
        return freeze

    async def follow(self) -> None:
        for node in self.game.nodes.values():
            await node.follow(PROCEEDING)

    def overdue(self) -> None:
        self.now = float(NOW + PATIENCE_S)

    async def release(self, *domains: str) -> list[str]:
        return [await self.game.nodes[domain].opening.release(PROCEEDING) for domain in domains]

    async def open(self, releases: list[str], at: str = ZHUHAI) -> Object:
        return await self.game.nodes[at].opening.open(PROCEEDING, releases)

    def forged(self, release: str, **changes: object) -> str:
        """A release as its holder might sign it otherwise."""
        act = acts.parse(release)
        keys = next(keys for keys in self.main.cities if keys.domain == act.sub)
        said = {"act": act.act, "aud": act.aud, "body": act.body, "seen": act.seen} | changes
        made: Act = acts.make(keys.identity, sub=act.sub, ctr=act.ctr, iat=NOW, prev=act.prev, **said)  # type: ignore[arg-type]
        return made.jws


@pytest.fixture
def world(tmp_path: Path):  # type: ignore[no-untyped-def]
    made = World(tmp_path)
    yield made
    for store in made.stores.values():
        store.close()


async def test_the_main_server_is_dead_for_good_after_g2(world: World) -> None:
    """k holders open by what lies on their disks: the same sheets that the main server would have opened."""
    await world.fixed()
    world.main.gone = True
    world.main.objects.clear()
    world.restart()
    world.overdue()
    releases = await world.release(ZHONGSHAN, FINANCE)
    found = await world.open(releases)
    assert [sheet["seat"] for sheet in found["sheets"]] == [f"seat-{n}" for n in range(1, 6)]
    assert all(sheet["code"] is None and sheet["says"]["seat"] == sheet["seat"] for sheet in found["sheets"])
    listed = world.game.round.freeze.sheets if world.game.round.freeze else ()
    assert [(sheet["seat"], unb64u(sheet["act"], 32)) for sheet in found["sheets"]] == list(listed)
    assert [each["holder"] for each in found["releases"]] == sorted([FINANCE, ZHONGSHAN])
    assert next(each["type"] for each in found["follows"]) == "SheetsOpened"
    assert found["log"] is None
    note = found["gate"]["note"].encode()
    checkpoint = world.main.pins.policy.check(note, world.main.log.signer.vkey)
    assert checkpoint.size == found["gate"]["size"] > found["gate"]["n"]
    assert found["gate"]["at"] == NOW
    other = await world.open(releases[::-1], at=FINANCE)
    assert encode(other) == encode(found), "two cities that open write the same octets"


async def test_the_release_is_the_one_that_the_main_server_would_have_got(world: World) -> None:
    """R5: one act for this freeze, for ever, whoever asks first; and the log takes it when the server comes back."""
    freeze = await world.fixed()
    world.main.gone = True
    world.overdue()
    first, again = await world.release(ZHONGSHAN, ZHONGSHAN)
    world.restart()
    assert first == again == (await world.release(ZHONGSHAN))[0]
    assert freeze in world.stores[ZHONGSHAN].released(PROCEEDING)
    world.main.gone = False
    assert await world.game.nodes[ZHONGSHAN].release(PROCEEDING, freeze) == first
    releases = [first, *await world.release(ZHUHAI)]
    found = await world.open(releases)
    await world.game.release(freeze)
    world.game.open()
    later = await world.open(releases)
    opened = next(entry for entry in world.game.log.entries[::-1] if entry.type == "SheetsOpened")
    assert later["log"] == {"n": opened.n, "agrees": True}
    assert {**later, "log": None} == found
    told = {entry.body["act"]: entry.body["p"] for entry in world.game.log.entries if entry.type == "SheetOpened"}
    assert all(told[sheet["act"]] == sheet["p"] for sheet in found["sheets"])


async def test_where_the_log_opened_another_sheet_the_result_says_so(world: World) -> None:
    """(O7): whoever holds the file sees that a later `SheetsOpened` tells something else."""
    freeze = await world.fixed()
    world.overdue()
    releases = await world.release(ZHONGSHAN, ZHUHAI)
    found = await world.open(releases)
    await world.game.release(freeze)
    world.game.open()
    round_ = world.game.state.evaluation.find_freeze(freeze)
    assert released.agreement(round_, found) == {"n": round_.opened, "agrees": True}
    for changed in ({"p": b64u(b"another sheet")}, {"code": "sheet-unreadable"}):
        told = copy.deepcopy(found)
        told["sheets"][2] |= changed
        assert released.agreement(round_, told) == {"n": round_.opened, "agrees": False}


async def test_an_aborted_proceeding_is_opened_at_once(world: World) -> None:
    """What was fixed before the abort must not be hidden by it: no ten minutes are waited for."""
    await world.fixed()
    with pytest.raises(NotOverdue):
        await world.release(ZHUHAI)
    world.game.by("supervisor-1", "proceeding.abort", {"reason": "x"})
    await world.follow()
    world.main.gone = True
    releases = await world.release(ZHONGSHAN, ZHUHAI)
    assert len((await world.open(releases))["sheets"]) == 5


async def test_ten_minutes_belong_to_the_main_centre(world: World) -> None:
    """U3, for a release and for an opening, by a clock that stands before nothing that this node signed."""
    await world.fixed()
    world.main.gone = True
    world.now = float(NOW + PATIENCE_S - 1)
    with pytest.raises(NotOverdue):
        await world.release(ZHONGSHAN)
    world.overdue()
    releases = await world.release(ZHONGSHAN, ZHUHAI)
    world.now = float(NOW + PATIENCE_S - 1)
    with pytest.raises(NotOverdue):
        await world.open(releases)
    log = world.main.log
    world.now = float(NOW + 9 * PATIENCE_S)
    world.game.nodes[ZHUHAI].witness.add_checkpoint(request(log, 0))
    world.overdue()
    with pytest.raises(ClockBackwards):
        await world.release(ZHUHAI)


async def test_no_node_can_be_made_to_release_before_g2(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by a clock, nor by an abort, nor by a quorum that is none: what is sealed stays sealed."""
    freeze = await world.frozen()
    game = world.game
    world.now = float(NOW + 99 * PATIENCE_S)
    await world.follow()
    with pytest.raises(NotApproved):
        await world.release(ZHUHAI)
    game.confirm(freeze, "seat-5")
    game.approve(freeze, "seat-5")
    await world.follow()
    with pytest.raises(NotYet, match="quorum"):
        await world.release(ZHUHAI)
    two = world.main.quorum(world.main.log, witnesses=2)
    size, root = world.main.log.seen()
    game.command(NoteWitnessed(size, root, world.main.put(two)))
    await world.follow()
    with pytest.raises(NotYet, match="quorum"):
        await world.release(ZHUHAI)
    game.by("supervisor-1", "proceeding.abort", {"reason": "x"})
    await world.follow()
    with pytest.raises(NotYet, match="quorum"):
        await world.release(ZHUHAI)
    assert not any(world.stores[ZHUHAI].act(PROCEEDING, "release", each) for each in (freeze, b""))
    checked = []

    def unasked(self: object, note: bytes, key: object) -> object:
        checked.append(note)
        return read_checkpoint(note, key)[0]  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr("evidence.core.policy.Policy.check", unasked)
        assert shares((await world.release(ZHUHAI))[0]), "with the quorum unasked it would have left"
    assert checked


async def test_nothing_is_released_that_is_open_or_was_never_frozen(world: World) -> None:
    game = world.game
    await game.to_sheets()
    await world.follow()
    world.overdue()
    with pytest.raises(NotYet):
        await world.release(ZHUHAI)
    await game.seal_all()
    freeze = game.freeze()
    game.confirm(freeze)
    game.approve(freeze)
    game.witness()
    await game.release(freeze)
    game.open()
    with pytest.raises(NotYet):
        await world.release(ZHUHAI)


async def test_a_server_that_shows_nonsense_cannot_keep_a_fixed_result_closed(world: World) -> None:
    """The own copy counts, and stays as it was: another history, or none, stops no release."""
    await world.fixed()
    true = world.main.log
    fork = Log(PROCEEDING, true.signer)
    fork.append([Draft(entry.type, entry.body, entry.act) for entry in true.entries])
    fork.append([Draft("PageShown", {})])
    world.main.log = fork
    world.overdue()
    assert len((await world.open(await world.release(ZHONGSHAN, ZHUHAI)))["sheets"]) == 5


async def test_k_less_one_colluding_nodes_read_nothing(world: World) -> None:
    """One holder of k = 2, its operator's command, its own disk, and all the code: not even with the count unasked."""
    await world.fixed()
    world.overdue()
    (own,) = await world.release(ZHONGSHAN)
    with pytest.raises(TooFewShares):
        await world.open([own], at=ZHONGSHAN)
    for twice in (own, world.forged(own)):
        with pytest.raises((TooFewShares, AlreadyDone)):
            await world.open([own, twice], at=ZHONGSHAN)
    node = world.game.nodes[ZHONGSHAN]
    mirror = node.replayed[PROCEEDING]
    freeze = unb64u(acts.parse(own).body["freeze"], 32)
    told = {ZHONGSHAN: acts.parse(own)}
    with pytest.raises(EvidenceError):
        released.result(mirror.state, freeze, told, ciphertext=world.stores[ZHONGSHAN].object, envelopes=envelope_p256)


async def test_only_releases_of_this_freeze_by_its_holders_open(world: World) -> None:
    """(O1) and (O2), each for itself; the last is the control: without a change it opens."""
    await world.fixed()
    world.overdue()
    one, two = await world.release(ZHONGSHAN, ZHUHAI)
    said = acts.parse(two).body
    stranger = acts.make(
        new_signer(), act="share.release", aud=PROCEEDING, sub=ZHUHAI, body=said, ctr=9, iat=NOW, prev=bytes(32)
    ).jws
    by_main = acts.make(
        world.main.identity, act="share.release", aud=PROCEEDING, sub=MAIN, body=said, ctr=9, iat=NOW, prev=bytes(32)
    ).jws
    before_g2 = (3, world.main.log.tree.root(3))
    swapped = [[name, y] for (name, _), (_, y) in zip(said["shares"], said["shares"][::-1], strict=True)]
    for wrong, error in (
        (stranger, Untrusted),
        (by_main, NotAHolder),
        ("junk", Malformed),
        (world.forged(two, act="share.ack"), OtherRelease),
        (world.forged(two, aud=f"{MAIN}/proceedings/{'b' * 26}"), OtherRelease),
        (world.forged(two, body=said | {"freeze": b64u(bytes(32))}), OtherRelease),
        (world.forged(two, body=said | {"shares": said["shares"][1:]}), Malformed),
        (world.forged(two, seen=before_g2), EvidenceError),
        (world.forged(two, seen=(world.main.log.seen()[0], bytes(32))), LogForked),
        (world.forged(two, body=said | {"shares": swapped}), FalseShare),
    ):
        with pytest.raises(Exception) as refused:  # noqa: PT011
            await world.open([one, wrong])
        if error is not EvidenceError:
            assert refused.type is error
        else:
            assert refused.value.code == "seen-too-old"  # type: ignore[attr-defined]
    assert len((await world.open([one, two]))["sheets"]) == 5


async def test_a_share_that_does_not_verify_convicts_its_holder(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """(O3). With the check switched off k others would be needed, or the combined secret is not the committed one."""
    await world.fixed()
    world.overdue()
    one, two = await world.release(ZHONGSHAN, ZHUHAI)
    said = acts.parse(two).body
    first, rest = said["shares"][0], said["shares"][1:]
    flipped = bytearray(unb64u(first[1], 32))
    flipped[31] ^= 1
    false = world.forged(two, body=said | {"shares": [[first[0], b64u(bytes(flipped))], *rest]})
    with pytest.raises(FalseShare, match=ZHUHAI):
        await world.open([one, false])
    with monkeypatch.context() as patch:
        patch.setattr(released, "_false", lambda *_: None)
        with pytest.raises(Untrusted):
            await world.open([one, false])


async def test_a_ciphertext_that_is_not_the_entrys_blames_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """(O5): gone or damaged on this disk, it is told who kept it; with the check off its author would be blamed."""
    await world.fixed()
    world.main.gone = True
    world.overdue()
    releases = await world.release(ZHONGSHAN, FINANCE)
    seal = world.game.round.seals[world.game.round.listed[1]]
    assert seal.envelope.ct_sha256 is not None
    path = world.folder / ZHUHAI / "objects" / seal.envelope.ct_sha256.hex()
    whole = path.read_bytes()
    damaged = whole[:-1] + bytes([whole[-1] ^ 1])
    path.write_bytes(damaged)
    with pytest.raises(CiphertextNotKept, match=FINANCE):
        await world.open(releases)
    path.unlink()
    with pytest.raises(CiphertextNotKept):
        await world.open(releases)
    assert (await world.open(releases, at=FINANCE))["sheets"][1]["code"] is None
    state = world.game.nodes[ZHUHAI].replayed[PROCEEDING].state
    given = {act.sub: act for act in map(acts.parse, releases)}
    freeze = unb64u(acts.parse(releases[0]).body["freeze"], 32)
    held = {sha256(whole): damaged} | {
        name: world.stores[FINANCE].object(name) or b""
        for name in (found.envelope.ct_sha256 or b"" for found in world.game.round.seals.values())
        if name != sha256(whole)
    }
    monkeypatch.setattr(released, "sha256", lambda data: next(name for name, each in held.items() if each is data))
    blamed = released.result(state, freeze, given, ciphertext=held.__getitem__, envelopes=envelope_p256)
    assert blamed["sheets"][1]["code"] == "sheet-unreadable"


async def test_releases_that_stand_in_the_log_count(world: World) -> None:
    """The main server died between the first release and the opening: one more is enough."""
    freeze = await world.fixed()
    game = world.game
    game.perform(await game.nodes[FINANCE].release(PROCEEDING, freeze))
    await world.follow()
    world.main.gone = True
    world.overdue()
    found = await world.open(await world.release(ZHONGSHAN))
    assert [each["holder"] for each in found["releases"]] == sorted([FINANCE, ZHONGSHAN])
    with pytest.raises(TooFewShares):
        released.gathered(
            released.before_opening([], game.nodes[ZHUHAI].replayed[PROCEEDING].state, freeze),
            freeze,
            [],
            {},
            identities=world.main.pins.trust.identities,
            root_at=lambda size: None,
            envelopes=envelope_p256,
        )


async def test_ballots_are_opened_like_sheets(world: World) -> None:
    """Their gate is the freeze itself, once every member has confirmed; what follows is the chair."""
    game = world.game
    game.found()
    await game.offers()
    await game.check_in()
    game.declare()
    await game.seal_all()
    freeze = game.freeze()
    game.confirm(freeze)
    game.witness()
    await world.follow()
    world.main.gone = True
    world.overdue()
    found = await world.open(await world.release(ZHONGSHAN, ZHUHAI))
    assert found["purpose"] == "ballot"
    assert [each["body"]["seat"] for each in found["follows"] if each["type"] == "ChairElected"] == ["seat-2"]
