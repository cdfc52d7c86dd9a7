"""Founding and check-in (docs/protocol.md 2.1), with hostile rosters."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from evaluation.errors import CommitteeRefused, DefinitionRefused, UnknownRulePack
from evidence.adapters.envelope_p256 import public_bytes
from evidence.core.act import thumbprint
from evidence.core.canonical import Object, b64u, encode, sha256
from evidence.errors import Malformed
from sessions.core.commands import FixDefinition, FreezeHolders, IssueCredential, NoteWitnessed, Perform, StartRecording
from sessions.errors import (
    AlreadyFixed,
    CommandRefused,
    FoundingRefused,
    MemberMismatch,
    NotBound,
    NotFounded,
    NotReady,
    ObjectMismatch,
    PinsMismatch,
    UnknownSeat,
    WrongRole,
)
from tests.sessions.drive import (
    FINANCE,
    HOLDERS,
    MAIN,
    MEMBERS,
    POLICY,
    TRUST,
    ZHONGSHAN,
    ZHUHAI,
    Drive,
    definition,
    founding,
    private_key,
    signer_of,
)


def body() -> Any:
    names = (MAIN, ZHONGSHAN, ZHUHAI, FINANCE)
    return copy.deepcopy(founding({name: signer_of(name).jwk for name in names}))


def drop(value: list[Any], name: str) -> None:
    value[:] = [item for item in value if item["id"] != name]


def device(room: str, venue: str, centre: str) -> Object:
    return {"id": room, "role": "room", "venue": venue, "centre": centre}


HOSTILE: list[tuple[type[Exception], Callable[[Any], Any]]] = [
    (Malformed, lambda b: b.pop("seats")),
    (Malformed, lambda b: b.update(extra=1)),
    (Malformed, lambda b: b.update(holder_k="2")),
    (Malformed, lambda b: b.update(policy="x")),
    (FoundingRefused, lambda b: b.update(engine="4")),
    (FoundingRefused, lambda b: b["opening"].update(origin="other.example/centre")),
    (FoundingRefused, lambda b: b["opening"].update(index=-1)),
    (Malformed, lambda b: b["opening"].update(leaf="AA")),
    (UnknownRulePack, lambda b: b["rule_pack"].update(version="2")),
    (UnknownRulePack, lambda b: b["rule_pack"].update(sha256=b64u(sha256(b"x")))),
    (FoundingRefused, lambda b: b["holders"].pop()),
    (FoundingRefused, lambda b: b["holders"].append(ZHUHAI)),
    (FoundingRefused, lambda b: b["holders"].append("stranger.example")),
    (FoundingRefused, lambda b: b["holders"].__setitem__(0, [ZHUHAI])),
    (FoundingRefused, lambda b: b["holders"].__setitem__(0, None)),
    (FoundingRefused, lambda b: b.update(holder_k=1)),
    (FoundingRefused, lambda b: b.update(holder_k=3)),
    (FoundingRefused, lambda b: b["identities"].update({"a.example": signer_of(MAIN).jwk})),
    (FoundingRefused, lambda b: b["identities"].update({"A example": signer_of("a").jwk})),
    (Malformed, lambda b: b["identities"].update({"a.example": {"kty": "EC"}})),
    (FoundingRefused, lambda b: b.update(names={"a.example": {"zh": "甲", "en": "A"}})),
    (Malformed, lambda b: b.update(names={MAIN: {"zh": "甲", "en": "A"}, ZHUHAI: {"zh": "甲", "en": "B"}})),
    (Malformed, lambda b: b.update(names={MAIN: {"zh": "甲", "en": "\u202eA"}})),
    (Malformed, lambda b: b.update(names={MAIN: "甲"})),
    (Malformed, lambda b: b.update(names=[])),
    (FoundingRefused, lambda b: b["venues"][1].update(kind="main")),
    (FoundingRefused, lambda b: b["venues"][0].update(kind="secondary")),
    (FoundingRefused, lambda b: b["venues"][0].update(centre=ZHUHAI)),
    (FoundingRefused, lambda b: b["venues"][1].update(centre="stranger.example")),
    (FoundingRefused, lambda b: b["venues"][1].update(id="venue-1")),
    (FoundingRefused, lambda b: b["venues"][1].update(id="venue-0")),
    (FoundingRefused, lambda b: b["venues"][1].update(id="Venue 2")),
    (FoundingRefused, lambda b: drop(b["rooms"], "room-2")),
    (FoundingRefused, lambda b: b["rooms"][1].update(venue="venue-9")),
    (FoundingRefused, lambda b: b["rooms"][1].update(id="room-1")),
    (FoundingRefused, lambda b: b["seats"][0].update(role="bidder")),
    (FoundingRefused, lambda b: b["seats"][0].update(id="operator-9")),
    (FoundingRefused, lambda b: b["seats"][0].update(id="seat-2")),
    (FoundingRefused, lambda b: b["seats"][0].update(venue=None)),
    (FoundingRefused, lambda b: b["seats"][0].update(venue="")),
    (FoundingRefused, lambda b: b["seats"][0].update(venue=[])),
    (FoundingRefused, lambda b: b["seats"][0].update(venue="venue-9")),
    (FoundingRefused, lambda b: b["seats"][0].update(centre=ZHUHAI)),
    (FoundingRefused, lambda b: b["seats"][0].update(centre="stranger.example")),
    (FoundingRefused, lambda b: drop(b["seats"], "operator-1")),
    (FoundingRefused, lambda b: drop(b["seats"], "supervisor-1")),
    (FoundingRefused, lambda b: b["seats"].append(device("room-9", "venue-1", MAIN))),
    (FoundingRefused, lambda b: b["seats"].append(device("room-1", "venue-2", ZHONGSHAN))),
    (CommitteeRefused, lambda b: drop(b["seats"], "seat-1")),
    (CommitteeRefused, lambda b: b["seats"][0].update(role="buyer-representative")),
    (Malformed, lambda b: b["seats"].append("seat-9")),
    (Malformed, lambda b: b["venues"].append(None)),
]  # fmt: skip


@pytest.mark.parametrize(("error", "change"), HOSTILE)
def test_a_roster_that_cannot_meet_is_refused(error: type[Exception], change: Callable[[Any], Any]) -> None:
    drive = Drive()
    value = body()
    change(value)
    with pytest.raises(error) as refused:
        drive.execute(Perform(drive.act(MAIN, "proceeding.found", value)))
    assert type(refused.value) is error


def test_room_devices_are_seats_listed_or_not() -> None:
    drive = Drive()
    value = body()
    value["seats"].append(device("room-1", "venue-1", MAIN))
    drive.perform(MAIN, "proceeding.found", value)
    assert {seat.id for seat in drive.state.seats.values() if seat.role == "room"} == {"room-1", "room-2", "room-3"}
    assert drive.state.seat("room-2").centre == ZHONGSHAN


@pytest.mark.parametrize("origin", ["hohhot.example/proceedings/K3", "hohhot.example/proceedings/" + "1" * 26])
def test_an_origin_has_its_form(origin: str) -> None:
    """docs/protocol.md section 1."""
    drive = Drive(origin=origin)
    with pytest.raises(FoundingRefused):
        drive.execute(Perform(drive.act(MAIN, "proceeding.found", body())))


def test_nothing_precedes_the_founding_and_it_happens_once() -> None:
    drive = Drive()
    with pytest.raises(NotFounded):
        drive.execute(FreezeHolders())
    drive.found()
    with pytest.raises(AlreadyFixed):
        drive.perform(MAIN, "proceeding.found", body())


def fix(drive: Drive, document: bytes, **more: Any) -> None:
    named: Object = {"sha256": b64u(sha256(document)), "size": len(document), **more}
    act = drive.act(MAIN, "definition.fix", named)
    drive.check(act)
    drive.execute(FixDefinition(act, document))


def test_the_definition_is_the_named_document_of_this_roster() -> None:
    drive = Drive()
    drive.found()
    right = definition()
    with pytest.raises(ObjectMismatch):
        fix(drive, encode(right), sha256=b64u(sha256(b"another")))
    with pytest.raises(ObjectMismatch):
        fix(drive, encode(right), size=1)
    with pytest.raises(DefinitionRefused):
        fix(drive, b"{}")
    with pytest.raises(MemberMismatch):
        fix(drive, encode({**right, "origin": "other.example/proceedings/" + "a" * 26}))
    with pytest.raises(MemberMismatch):
        fix(drive, encode({**right, "members": right["members"][1:]}))
    with pytest.raises(CommandRefused):
        drive.perform(MAIN, "definition.fix", {"sha256": b64u(sha256(encode(right))), "size": len(encode(right))})
    fix(drive, encode(right))
    with pytest.raises(AlreadyFixed):
        fix(drive, encode(right))


def test_holders_offer_once_and_no_key_twice() -> None:
    drive = Drive()
    drive.found()
    pk = {"pk": b64u(public_bytes(private_key(ZHUHAI)))}
    drive.perform(ZHUHAI, "holder.offer", pk)
    with pytest.raises(AlreadyFixed):
        drive.perform(ZHUHAI, "holder.offer", pk)
    with pytest.raises(FoundingRefused):
        drive.perform(FINANCE, "holder.offer", pk)
    with pytest.raises(FoundingRefused):
        drive.perform(FINANCE, "holder.offer", {"pk": b64u(b"\x02" + bytes(64))})
    with pytest.raises(Malformed):
        drive.perform(FINANCE, "holder.offer", {"pk": b64u(bytes(33))})
    with pytest.raises(WrongRole):
        drive.perform(MAIN, "holder.offer", pk)
    with pytest.raises(CommandRefused):
        drive.execute(FreezeHolders())
    for domain in (FINANCE, ZHONGSHAN):
        drive.perform(domain, "holder.offer", {"pk": b64u(public_bytes(private_key(domain)))})
    (entry,) = drive.execute(FreezeHolders())
    assert entry.body["offers"] == [b64u(drive.state.offers[domain].leaf) for domain in HOLDERS]
    with pytest.raises(AlreadyFixed):
        drive.execute(FreezeHolders())


def test_a_centre_vouches_for_its_own_seats_once() -> None:
    """protocols.md 1.6."""
    drive = Drive()
    drive.found()
    jwk = signer_of("seat-5").jwk
    vouched = {"seat": "seat-5", "thumbprint": thumbprint(jwk), "cose": None}
    with pytest.raises(WrongRole):
        drive.perform(MAIN, "seat.vouch", vouched)
    with pytest.raises(UnknownSeat):
        drive.perform(ZHUHAI, "seat.vouch", vouched | {"seat": "seat-99"})
    with pytest.raises(FoundingRefused):
        drive.perform(ZHUHAI, "seat.vouch", vouched | {"cose": "key"})
    with pytest.raises(FoundingRefused):
        drive.perform(ZHUHAI, "seat.vouch", vouched | {"thumbprint": thumbprint(signer_of(MAIN).jwk)})
    drive.perform(ZHUHAI, "seat.vouch", vouched)
    with pytest.raises(AlreadyFixed):
        drive.perform(ZHUHAI, "seat.vouch", vouched | {"thumbprint": b64u(sha256(b"another"))})
    with pytest.raises(FoundingRefused):
        drive.perform(ZHUHAI, "seat.vouch", vouched | {"seat": "room-3"})


def test_a_seat_binds_under_the_pins_of_the_founding() -> None:
    """protocols.md 1.6: seats pin policy and trust of their own centre."""
    drive = Drive()
    drive.found()
    jwk = signer_of("seat-5").jwk
    drive.perform(ZHUHAI, "seat.vouch", {"seat": "seat-5", "thumbprint": thumbprint(jwk), "cose": None})
    right = {"jwk": jwk, "policy": b64u(POLICY), "trust": b64u(TRUST), "client": b64u(sha256(b"client"))}
    for wrong in ({"policy": b64u(TRUST)}, {"trust": b64u(POLICY)}):
        with pytest.raises(PinsMismatch):
            drive.perform("seat-5", "seat.bind", right | wrong)
    with pytest.raises(Malformed):
        drive.perform("seat-5", "seat.bind", right | {"client": "x"})
    drive.perform("seat-5", "seat.bind", right)
    with pytest.raises(AlreadyFixed):
        drive.perform("seat-5", "seat.bind", right)


def test_credentials_are_for_bound_members_one_each() -> None:
    drive = Drive()
    drive.found()
    with pytest.raises(NotBound):
        drive.execute(IssueCredential("seat-1", "c1", sha256(b"1")))
    drive.bind("seat-1")
    drive.bind("seat-2")
    drive.bind("operator-1")
    with pytest.raises(CommandRefused):
        drive.execute(IssueCredential("operator-1", "c0", sha256(b"0")))
    drive.execute(IssueCredential("seat-1", "c1", sha256(b"1")))
    for again in (IssueCredential("seat-2", "c1", sha256(b"2")), IssueCredential("seat-2", "c2", sha256(b"1"))):
        with pytest.raises(CommandRefused):
            drive.execute(again)
    with pytest.raises(AlreadyFixed):
        drive.execute(IssueCredential("seat-1", "c3", sha256(b"3")))


def test_witnessed_sizes_grow_and_never_pass_the_log() -> None:
    drive = Drive()
    drive.found()
    drive.fix()
    for size in (0, 3, -1):
        with pytest.raises(CommandRefused):
            drive.execute(NoteWitnessed(size, sha256(b"r"), sha256(b"n")))
    drive.witness()
    with pytest.raises(CommandRefused):
        drive.execute(NoteWitnessed(2, sha256(b"r"), sha256(b"n")))


def test_check_in_ends_when_everybody_and_everything_is_there() -> None:
    """Architecture 1: no admission before its evidence; 87号令 39: nothing unrecorded."""
    drive = Drive()
    drive.found()

    def not_ready(what: str) -> None:
        with pytest.raises(NotReady, match=what):
            drive.advance()

    drive.bind("operator-1")
    not_ready("definition or holders")
    drive.fix()
    drive.freeze_holders()
    for seat in drive.state.seats:
        if seat not in ("operator-1", "seat-5", "auditor-1"):
            drive.bind(seat)
    for seat in MEMBERS[:-1]:
        drive.execute(IssueCredential(seat, f"credential-{seat}", sha256(seat.encode())))
    not_ready("seat-5 has not checked in")
    drive.bind("seat-5")
    not_ready("seat-5 has no credential")
    drive.execute(IssueCredential("seat-5", "credential-seat-5", sha256(b"seat-5")))
    not_ready("room-1 is not admitted")
    for n in (1, 2, 3):
        drive.perform(f"operator-{n}", "room.admit", {"room": f"room-{n}"})
    not_ready("not being recorded")
    drive.execute(StartRecording(("room-1", "room-2", "room-3"), "engine-1"))
    drive.segments(1, 0)
    drive.segments(2, 0)
    not_ready("no recorded sound and picture of room-3")
    drive.segments(3, 0)
    drive.advance()
