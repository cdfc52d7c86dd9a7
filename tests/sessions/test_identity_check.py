"""Identity checks by the venue's operator, and whom a city vouches for upon them (docs/protocol.md 2.1)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evidence.core import act as acts
from evidence.core.act import thumbprint
from evidence.core.canonical import Object
from evidence.errors import Malformed
from sessions.announced import AnnouncedKeys
from sessions.core import duties, view
from sessions.core.commands import Perform
from sessions.core.identity import comparison_code
from sessions.core.proceeding import decide
from sessions.errors import AlreadyFixed, FoundingRefused, SeatKeyEnded, UnknownSeat, WrongRole, WrongVenue
from sessions.node_errors import AlreadyVouched, ForeignSeat, NotYet, OtherCode
from sessions.service_errors import NotAnnounced
from tests.sessions.drive import MAIN, ZHONGSHAN, Drive, signer_of
from tests.sessions.node_play import Play, make_node
from tests.sessions.node_world import PROCEEDING, Main, new_signer
from tests.sessions.service_people import People
from tests.sessions.service_world import World, tender, until


def body(seat: str, **changed: object) -> Object:
    shown = thumbprint(signer_of(seat).jwk)
    return {"seat": seat, "thumbprint": shown, "document": "identity-card", "note": None} | changed


@pytest.fixture
def drive() -> Drive:
    found = Drive()
    found.found()
    for seat in ("operator-1", "operator-2"):
        found.bind(seat)
    return found


def test_the_seats_own_centre_vouches_upon_its_operators_check(drive: Drive) -> None:
    (entry,) = drive.perform("operator-1", "identity.check", body("seat-1"))
    assert (entry.type, entry.body) == ("IdentityChecked", {})
    drive.perform("operator-2", "identity.check", body("seat-4", note="已核对原件"))
    drive.perform("operator-2", "identity.check", body("room-2", document="inventory-tag"))
    asked = {d for d in duties.duties(drive.state) if isinstance(d, duties.Vouch | duties.AskVouch)}
    assert asked == {
        duties.Vouch("seat-1", body("seat-1")["thumbprint"]),
        duties.AskVouch(ZHONGSHAN, entry.n + 1),
        duties.AskVouch(ZHONGSHAN, entry.n + 2),
    }
    drive.bind("seat-1")
    assert not any(isinstance(d, duties.Vouch) for d in duties.duties(drive.state))
    assert "seat-1" not in drive.state.checks


HOSTILE: list[tuple[type[Exception], str, Object]] = [
    (WrongVenue, "operator-2", body("seat-1")),
    (WrongVenue, "operator-1", body("seat-4")),
    (WrongVenue, "operator-1", body("supervisor-1")),
    (WrongRole, "operator-1", body("operator-1")),
    (AlreadyFixed, "operator-1", body("seat-2")),
    (AlreadyFixed, "operator-1", body("seat-2", thumbprint=body("seat-9")["thumbprint"])),
    (FoundingRefused, "operator-1", body("seat-1", thumbprint=body("seat-2")["thumbprint"])),
    (FoundingRefused, "operator-1", body("seat-1", thumbprint=body("operator-2")["thumbprint"])),
    (UnknownSeat, "operator-1", body("seat-99")),
    (Malformed, "operator-1", body("seat-1", thumbprint="AA")),
    (Malformed, "operator-1", body("seat-1", document="library-card")),
    (Malformed, "operator-1", body("seat-1", document="inventory-tag")),
    (Malformed, "operator-1", body("room-1")),
    (Malformed, "operator-1", body("seat-1", note="")),
    (Malformed, "operator-1", body("seat-1", note="x" * 201)),
    (Malformed, "operator-1", body("seat-1", note="a\nb")),
    (Malformed, "operator-1", body("seat-1", note=7)),
    (Malformed, "operator-1", body("seat-1", extra=1)),
    (WrongRole, "seat-2", body("seat-1")),
    (WrongRole, "supervisor-1", body("seat-1")),
]


@pytest.mark.parametrize(("error", "actor", "asked"), HOSTILE)
def test_a_check_by_or_of_the_wrong_person_is_refused(
    drive: Drive, error: type[Exception], actor: str, asked: Object
) -> None:
    """Another venue's operator, oneself, twice, another's key, papers that are none."""
    drive.perform("operator-1", "identity.check", body("seat-2"))
    with pytest.raises(error) as refused:
        drive.execute(Perform(drive.act(actor, "identity.check", asked)))
    assert type(refused.value) is error


def test_an_operator_checks_the_people_of_the_own_centre_only(drive: Drive) -> None:
    """A supervisor who sits in the main venue is another centre's: that centre vouches."""
    founding = drive.state.founding
    assert founding is not None
    guest = replace(founding.seats["supervisor-1"], venue="venue-1")
    state = replace(drive.state, founding=replace(founding, seats={**founding.seats, guest.id: guest}))
    with pytest.raises(WrongRole):
        decide(state, Perform(drive.act("operator-1", "identity.check", body(guest.id))), at="", entropy=b"")


def test_a_device_that_is_lost_before_it_is_bound_can_be_replaced(drive: Drive) -> None:
    drive.perform("operator-1", "identity.check", body("seat-1"))
    drive.perform(MAIN, "seat.vouch", {"seat": "seat-1", "thumbprint": body("seat-1")["thumbprint"], "cose": None})
    (lost,) = drive.perform("operator-1", "seat.lose", {"seat": "seat-1", "reason": "浏览器数据被清除"})
    assert lost.body == {"ctr": 0}
    again = body("seat-1", thumbprint=thumbprint(signer_of("another device").jwk))
    drive.perform("operator-1", "identity.check", again)
    assert drive.state.checks["seat-1"].thumbprint == again["thumbprint"]


def test_what_the_papers_were_is_for_those_who_watch(drive: Drive) -> None:
    """protocols.md section 5: what touches the person."""
    (entry,) = drive.perform("operator-1", "identity.check", body("seat-1", note="临时身份证"))
    seen = {seat: view.visibility(entry, drive.state, seat) for seat in drive.state.seats}
    full = {"operator-1", "supervisor-1", "auditor-1"}
    assert {seat for seat, how in seen.items() if how == "full"} == full
    assert seen["seat-1"] == seen["operator-2"] == "summary"
    assert seen["room-1"] == "hash"


def test_the_comparison_code_belongs_to_one_key_one_seat_and_one_proceeding() -> None:
    """A known answer, which both screens compute; whatever is another thing has another code."""
    code = comparison_code("a.example/proceedings/" + "b" * 26, "seat-1", "A" * 43)
    assert code == "9775 4929 8295 7934"
    others = {
        comparison_code(origin + "a.example/proceedings/" + "b" * 26, seat, key)
        for origin, seat, key in (("x", "seat-1", "A" * 43), ("", "seat-2", "A" * 43), ("", "seat-1", "B" * 43))
    }
    assert len(others | {code}) == 4


def test_only_the_key_that_the_device_shows_now_is_checked(drive: Drive) -> None:
    keys, first, second = AnnouncedKeys(), signer_of("first").jwk, signer_of("second").jwk
    with pytest.raises(NotAnnounced):
        keys.demand("seat-1", thumbprint(first))
    shown = keys.announce(drive.state, "seat-1", first)
    assert shown.code == comparison_code(drive.state.origin, "seat-1", shown.thumbprint)
    keys.demand("seat-1", shown.thumbprint)
    for other, jwk in (("seat-2", first), ("seat-2", signer_of("operator-1").jwk)):
        with pytest.raises(FoundingRefused):
            keys.announce(drive.state, other, jwk)
    keys.announce(drive.state, "seat-1", second)
    with pytest.raises(NotAnnounced):
        keys.demand("seat-1", shown.thumbprint)
    with pytest.raises(AlreadyFixed):
        keys.announce(drive.state, "operator-1", first)
    assert [found.seat for found in keys.waiting(drive.state)] == ["seat-1"]
    with pytest.raises(Malformed):
        keys.announce(drive.state, "seat-1", {"kty": "EC"})


async def founded() -> Play:
    """A main server and the nodes of its three cities."""
    main = Main()
    play = Play(main, [make_node(main, keys) for keys in main.cities])
    play.found()
    await play.offers()
    return play


@pytest.mark.asyncio
async def test_a_city_vouches_upon_a_check_by_its_own_operator_alone() -> None:
    """I1 to I3: the node believes its own replay, not whoever asks."""
    play = await founded()
    mine, theirs = play.nodes[ZHONGSHAN], play.nodes["zhuhai.example"]
    for name in ("operator-2", "operator-1"):
        await play.bind(name)
    shown = thumbprint(new_signer().jwk)
    asked: Object = {"seat": "seat-4", "thumbprint": shown, "document": "passport", "note": None}
    n = len(play.log.entries)
    with pytest.raises(NotYet):
        await mine.vouch_upon(PROCEEDING, n)
    play.by("operator-2", "identity.check", asked)
    with pytest.raises(ForeignSeat):
        await theirs.vouch_upon(PROCEEDING, n)
    for other in (0, n - 1, -1):
        with pytest.raises(ForeignSeat):
            await mine.vouch_upon(PROCEEDING, other)
    vouched = await mine.vouch_upon(PROCEEDING, n)
    assert acts.parse(vouched).body == {"seat": "seat-4", "thumbprint": shown, "cose": None}
    assert await mine.vouch_upon(PROCEEDING, n) == vouched
    with pytest.raises(AlreadyVouched):
        await mine.vouch(PROCEEDING, "seat-4", thumbprint(new_signer().jwk))
    play.perform(acts.parse(vouched))
    assert await mine.vouch_upon(PROCEEDING, n) == vouched
    # The device is lost before it was bound: the next one is vouched for upon a check of its own.
    play.by("operator-2", "seat.lose", {"seat": "seat-4", "reason": "x"})
    again = asked | {"thumbprint": thumbprint(new_signer().jwk)}
    m = len(play.log.entries)
    play.by("operator-2", "identity.check", again)
    assert acts.parse(await mine.vouch_upon(PROCEEDING, m)).body["thumbprint"] == again["thumbprint"]


@pytest.mark.asyncio
async def test_an_operator_whom_the_city_did_not_vouch_for_vouches_for_nobody() -> None:
    """I3: without the voucher by this node's own key the check is another's."""
    play = await founded()
    await play.bind("operator-2")
    mine = play.nodes[ZHONGSHAN]
    asked: Object = {"seat": "seat-4", "thumbprint": thumbprint(new_signer().jwk), "document": "passport", "note": None}
    n = len(play.log.entries)
    play.by("operator-2", "identity.check", asked)
    mine._keys = replace(mine._keys, identity=new_signer())
    with pytest.raises(ForeignSeat):
        await mine.vouch_upon(PROCEEDING, n)


@pytest.mark.asyncio
async def test_the_first_operator_of_a_city_is_vouched_for_by_the_code_that_an_officer_read() -> None:
    play = await founded()
    mine, shown = play.nodes[ZHONGSHAN], thumbprint(new_signer().jwk)
    with pytest.raises(NotYet):
        await mine.vouch_by_code(PROCEEDING, "operator-2", "0000 0000 0000 0000")
    play.main.devices["operator-2"] = shown
    with pytest.raises(OtherCode):
        await mine.vouch_by_code(PROCEEDING, "operator-2", comparison_code(PROCEEDING, "operator-3", shown))
    read = comparison_code(PROCEEDING, "operator-2", shown).replace(" ", "-")
    assert await mine.vouch_by_code(PROCEEDING, "operator-2", read) == play.main.brought[-1]
    assert acts.parse(play.main.brought[-1]).body["thumbprint"] == shown


@pytest.mark.asyncio
async def test_main_and_city_vouch_by_themselves_once_their_operators_have_checked(tmp_path: Path) -> None:
    """Nobody types a thumbprint: the check is all that people do."""
    world = World(tmp_path)
    async with world.running() as proceedings:
        keeper = proceedings.get(await proceedings.create(tender()))
        people = People(world, keeper.id)
        await until(lambda: keeper.state.holders_frozen)
        for operator, seat in (("operator-1", "seat-1"), ("operator-2", "seat-4")):
            await people.vouch(keeper, operator)
            await people.do(keeper, operator, "seat.bind")
            act = people.act(keeper, operator, "identity.check", body(seat))
            with pytest.raises(NotAnnounced):
                await keeper.perform(act.jws)
            keeper.announced.announce(keeper.state, seat, signer_of(seat).jwk)
            done = await keeper.perform(act.jws)
            assert (await keeper.perform(act.jws)).index == done.index
            await until(lambda seat=seat: seat in keeper.state.vouches)  # type: ignore[misc]
            assert keeper.state.vouches[seat] == body(seat)["thumbprint"]
            await people.do(keeper, seat, "seat.bind")


def test_a_lost_device_announces_no_old_key(drive: Drive) -> None:
    drive.bind("seat-1")
    drive.perform("operator-1", "seat.lose", {"seat": "seat-1", "reason": "x"})
    with pytest.raises(FoundingRefused):
        AnnouncedKeys().announce(drive.state, "seat-1", signer_of("seat-1").jwk)
    with pytest.raises(SeatKeyEnded):
        drive.perform("seat-1", "incident.note", {"seat": None, "text": "x"})
