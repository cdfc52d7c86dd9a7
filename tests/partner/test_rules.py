"""The rules of a partnership, act by act (docs/protocol.md 10.1), on the pure core."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest

from evidence.core import act as acts
from evidence.core import disclosure
from evidence.core.act import NOTHING_SEEN, Act
from evidence.core.canonical import Object, b64u, sha256
from evidence.errors import Malformed, Untrusted
from sessions.core import partnering, partnership
from sessions.core.convening import Guest, assemble
from sessions.core.naming import Ids, read_names
from sessions.core.partnering import Facts
from sessions.core.partnership import Chain, Partnership
from sessions.errors import (
    ActFork,
    ActGap,
    ActRepeated,
    SeenUnknown,
    SessionError,
    UnknownAct,
    UnknownKey,
    WrongLog,
    WrongRole,
    WrongSeat,
)
from sessions.partner_errors import (
    AgreementState,
    InvitationState,
    NamingRefused,
    NotInForce,
    OfferRefused,
    PartnershipError,
)
from tests.sessions.drive import signer_of

HOST, PARTNER, OTHER = "hohhot.example", "zhongshan.example", "zhuhai.example"
A, B, ONE, TWO = "a" * 26, "b" * 26, "i" * 26, "j" * 26
FACTS = Facts(
    partners=frozenset({PARTNER, OTHER}),
    witnesses={PARTNER: "vkey"},
    holders=frozenset({PARTNER}),
    today="2030-01-01",
)
NAMES = disclosure.make("names", [["甲", "张三", "某单位"]], b"s" * 16)
OFFER: Object = {
    "invitation": ONE,
    "venue": "venue-2",
    "starts": "2030-05-06T09:00:00+08:00",
    "rooms": 1,
    "seats": 1,
    "specialities": [["信息化", 1]],
}
VENUE: Object = {
    "invitation": ONE,
    "rooms": ["室"],
    "seats": [
        {"label": "甲", "role": "expert", "speciality": "信息化"},
        {"label": "乙", "role": "operator", "speciality": None},
    ],
    "witness": "vkey",
    "holder": True,
}
CONVENED: Object = {
    "invitation": ONE,
    "origin": f"{HOST}/proceedings/x",
    "rooms": [["室", "room-2"]],
    "seats": [["甲", "seat-4"], ["乙", "operator-2"]],
}


@dataclass
class Play:
    """A partnership and its acts, each checked, decided and folded as the service does it."""

    state: Partnership = field(default_factory=lambda: Partnership(HOST))
    n: int = 0

    def make(self, by: str, act: str, body: Object, agreement: str = A, **changed: Any) -> Act:
        signer = signer_of(changed.pop("key", by))
        found = self.state.agreements.get(agreement)
        chain = Chain() if found is None else found.chains.get(acts.thumbprint(signer.jwk), Chain())
        parts: dict[str, Any] = {
            "aud": partnership.audience(HOST, agreement),
            "sub": by,
            "ctr": chain.ctr + 1,
            "prev": chain.last,
            "iat": 1,
            "seen": NOTHING_SEEN,
        }
        return acts.make(signer, act=act, body=body, **{**parts, **changed})

    def take(self, act: Act, facts: Facts = FACTS) -> None:
        identities = {domain: signer_of(domain).jwk for domain in (HOST, PARTNER, OTHER)}
        partnership.check(self.state, act, identities=identities, root_at={1: sha256(b"root")}.get)
        partnering.decide(self.state, act, facts)
        self.state = partnership.evolve(self.state, act, self.n)
        self.n += 1

    def do(self, by: str, act: str, body: Object, facts: Facts = FACTS, **changed: Any) -> None:
        self.take(self.make(by, act, body, **changed), facts)

    def offered(self, agreement: str = A, partner: str = PARTNER) -> str:
        body: Object = {"partner": partner, "terms": b64u(sha256(b"terms")), "until": "2030-12-31"}
        self.do(HOST, "agreement.offer", body, agreement=agreement)
        return b64u(self.state.agreements[agreement].offer)

    def in_force(self, agreement: str = A, partner: str = PARTNER) -> None:
        offer = self.offered(agreement, partner)
        for party in (partner, HOST):
            self.do(party, "agreement.sign", {"offer": offer}, agreement=agreement)

    def invited(self) -> None:
        self.in_force()
        self.do(HOST, "invitation.offer", OFFER)

    def named(self) -> None:
        self.invited()
        self.do(PARTNER, "invitation.accept", {"invitation": ONE})
        self.name(VENUE)

    def name(self, venue: Object, shown: disclosure.Disclosure = NAMES) -> None:
        self.do(PARTNER, "venue.name", venue, replace(FACTS, names=shown.text), sd=(shown.digest,))


def test_an_agreement_holds_with_both_signatures_and_ends_by_either() -> None:
    for first, second, last in ((PARTNER, HOST, PARTNER), (HOST, PARTNER, HOST)):
        play = Play()
        offer = play.offered()
        states = [play.state.agreements[A].state]
        for party, act, body in (
            (first, "agreement.sign", {"offer": offer}),
            (second, "agreement.sign", {"offer": offer}),
            (last, "agreement.end", {"reason": "到期"}),
        ):
            play.do(party, act, body)
            states.append(play.state.agreements[A].state)
        assert states == ["draft", "draft", "in-force", "ended"]


def test_the_whole_way_of_an_invitation() -> None:
    play = Play()
    play.named()
    play.do(HOST, "venue.convene", CONVENED)
    found = play.state.invitations[ONE]
    assert (found.state, found.origin) == ("convened", CONVENED["origin"])
    assert found.ids == Ids({"室": "room-2"}, {"甲": "seat-4", "乙": "operator-2"})
    # Convened again as long as the opening did not happen; never afterwards.
    play.do(HOST, "venue.convene", CONVENED | {"origin": f"{HOST}/proceedings/y"})
    opened = replace(FACTS, opened=frozenset({f"{HOST}/proceedings/y"}))
    with pytest.raises(InvitationState):
        play.do(HOST, "venue.convene", CONVENED, opened)


def test_who_is_no_party_learns_nothing_and_does_nothing() -> None:
    """The order of section 3: whose act it is comes before what stands."""
    play = Play()
    play.invited()
    play.in_force(B, OTHER)
    for error, act in (
        (WrongSeat, play.make(OTHER, "invitation.accept", {"invitation": ONE})),
        (WrongSeat, play.make(OTHER, "agreement.sign", {"offer": "x"})),
        (WrongSeat, play.make("seat-1", "agreement.sign", {"offer": "x"})),
        (WrongSeat, play.make(PARTNER, "agreement.end", {"reason": "x"}, agreement="z" * 26)),
        (UnknownKey, play.make(PARTNER, "invitation.accept", {"invitation": ONE}, key=OTHER)),
        (WrongLog, play.make(PARTNER, "invitation.accept", {"invitation": ONE}, aud=f"{OTHER}/agreements/{A}")),
        (InvitationState, play.make(OTHER, "invitation.accept", {"invitation": ONE}, agreement=B)),
        (WrongRole, play.make(PARTNER, "invitation.offer", OFFER)),
        (WrongRole, play.make(PARTNER, "venue.convene", CONVENED)),
        (WrongRole, play.make(HOST, "invitation.accept", {"invitation": ONE})),
        (WrongRole, play.make(HOST, "venue.name", VENUE)),
        (UnknownAct, play.make(PARTNER, "stage.advance", {})),
        (ActGap, play.make(PARTNER, "invitation.accept", {"invitation": ONE}, ctr=3)),
        (ActFork, play.make(PARTNER, "invitation.accept", {"invitation": ONE}, ctr=1)),
        (ActFork, play.make(PARTNER, "invitation.accept", {"invitation": ONE}, prev=bytes(32))),
        (SeenUnknown, play.make(PARTNER, "invitation.accept", {"invitation": ONE}, seen=(2, bytes(32)))),
        (SeenUnknown, play.make(PARTNER, "invitation.accept", {"invitation": ONE}, seen=(1, bytes(32)))),
    ):
        before = play.state
        with pytest.raises(error) as refused:
            play.take(act)
        assert type(refused.value) is error
        assert play.state is before


def test_an_act_is_taken_once_and_its_signature_holds() -> None:
    play = Play()
    play.invited()
    act = play.make(PARTNER, "invitation.accept", {"invitation": ONE})
    forged = replace(act, jws=act.jws[:-6] + "AAAAAA")
    with pytest.raises(Untrusted):
        play.take(forged)
    play.take(act)
    with pytest.raises(ActRepeated) as repeated:
        play.take(act)
    assert repeated.value.index == play.state.acts[act.id]


@pytest.mark.parametrize(
    ("error", "by", "act", "body"),
    [
        (AgreementState, HOST, "agreement.offer", {"partner": PARTNER, "terms": "A" * 43, "until": "2030-12-31"}),
        (AgreementState, PARTNER, "agreement.sign", {"offer": "A" * 43}),
        (Malformed, PARTNER, "agreement.end", {"reason": ""}),
        (Malformed, PARTNER, "agreement.end", {"reason": "x" * 501}),
        (Malformed, PARTNER, "agreement.end", {"reason": "x", "more": 1}),
        (InvitationState, HOST, "invitation.offer", OFFER),
        (InvitationState, HOST, "invitation.offer", OFFER | {"invitation": "x"}),
        (OfferRefused, HOST, "invitation.offer", OFFER | {"invitation": TWO, "venue": "venue-1"}),
        (OfferRefused, HOST, "invitation.offer", OFFER | {"invitation": TWO, "starts": "tomorrow"}),
        (OfferRefused, HOST, "invitation.offer", OFFER | {"invitation": TWO, "starts": "2030-05-06T09:00:00"}),
        (OfferRefused, HOST, "invitation.offer", OFFER | {"invitation": TWO, "seats": 0, "specialities": []}),
        (OfferRefused, HOST, "invitation.offer", OFFER | {"invitation": TWO, "rooms": 10}),
        (OfferRefused, HOST, "invitation.offer", OFFER | {"invitation": TWO, "specialities": [["x", 2]]}),
        (
            OfferRefused,
            HOST,
            "invitation.offer",
            OFFER | {"invitation": TWO, "seats": 2, "specialities": [["x", 1]] * 2},
        ),
        (Malformed, HOST, "invitation.offer", OFFER | {"invitation": TWO, "specialities": [["x", True]]}),
        (InvitationState, PARTNER, "venue.name", VENUE),
        (InvitationState, PARTNER, "invitation.accept", {"invitation": TWO}),
        (InvitationState, HOST, "venue.convene", CONVENED),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(error: type[Exception], by: str, act: str, body: Object) -> None:
    play = Play()
    play.invited()
    before = play.state
    with pytest.raises(error):
        play.do(by, act, body)
    assert play.state is before


def test_offers_are_for_partners_of_the_trust_and_agreements_that_hold() -> None:
    play = Play()
    for body in (
        {"partner": "guangzhou.example", "terms": "A" * 43, "until": "2030-12-31"},
        {"partner": HOST, "terms": "A" * 43, "until": "2030-12-31"},
        {"partner": PARTNER, "terms": "A" * 43, "until": "2029-12-31"},
        {"partner": PARTNER, "terms": "A" * 43, "until": "soon"},
    ):
        with pytest.raises(OfferRefused):
            play.do(HOST, "agreement.offer", body)
    offer = play.offered()
    with pytest.raises(NotInForce):
        play.do(HOST, "invitation.offer", OFFER)
    for party in (PARTNER, HOST):
        play.do(party, "agreement.sign", {"offer": offer})
    with pytest.raises(NotInForce):
        play.do(HOST, "invitation.offer", OFFER, replace(FACTS, today="2031-01-01"))
    play.do(HOST, "invitation.offer", OFFER)
    # Its end takes what is open with it.
    play.do(HOST, "agreement.end", {"reason": "x"})
    assert play.state.invitations[ONE].state == "lapsed"
    assert play.state.invitations[ONE].version == play.state.agreements[A].version
    with pytest.raises(InvitationState):
        play.do(PARTNER, "invitation.accept", {"invitation": ONE})


@pytest.mark.parametrize(
    ("end", "by", "body"),
    [
        ("invitation.decline", PARTNER, {"invitation": ONE, "reason": "x"}),
        ("invitation.withdraw", HOST, {"invitation": ONE, "reason": "x"}),
    ],
)
def test_an_invitation_that_ended_stays_ended(end: str, by: str, body: Object) -> None:
    play = Play()
    play.invited()
    play.do(by, end, body)
    for actor, act, said in (
        (PARTNER, "invitation.accept", {"invitation": ONE}),
        (PARTNER, "invitation.decline", {"invitation": ONE, "reason": "x"}),
        (HOST, "invitation.withdraw", {"invitation": ONE, "reason": "x"}),
        (HOST, "venue.convene", CONVENED),
    ):
        with pytest.raises(InvitationState):
            play.do(actor, act, said)


def seats(*rows: tuple[str, str, str | None]) -> list[Object]:
    return [{"label": label, "role": role, "speciality": speciality} for label, role, speciality in rows]


@pytest.mark.parametrize(
    "venue",
    [
        VENUE | {"rooms": []},
        VENUE | {"rooms": ["室", "室"]},
        VENUE | {"rooms": ["甲"]},
        VENUE | {"rooms": [""]},
        VENUE | {"rooms": ["x" * 201]},
        VENUE | {"rooms": ["a\nb"]},
        VENUE | {"rooms": [1]},
        VENUE | {"seats": seats(("甲", "expert", "信息化"))},
        VENUE | {"seats": seats(("甲", "expert", "建筑"), ("乙", "operator", None))},
        VENUE | {"seats": seats(("甲", "expert", None), ("乙", "operator", None))},
        VENUE | {"seats": seats(("甲", "supervisor", None), ("乙", "operator", None))},
        VENUE | {"seats": seats(("甲", "expert", "信息化"), ("乙", "operator", "信息化"))},
        VENUE | {"seats": seats(("甲", "expert", "信息化"), ("丙", "expert", None), ("乙", "operator", None))},
        VENUE | {"seats": seats(("丁", "expert", "信息化"), ("乙", "operator", None))},
        VENUE | {"witness": None},
        VENUE | {"witness": "another"},
        VENUE | {"witness": 1},
        VENUE | {"holder": False},
    ],
)
def test_a_venue_is_named_as_it_was_offered(venue: Object) -> None:
    """Rooms, members, specialities, operator, and the keys that the policy pins for this centre."""
    play = Play()
    play.named()
    with pytest.raises((NamingRefused, Malformed)):
        play.name(venue)
    play.name(VENUE)


@pytest.mark.parametrize(
    "names",
    [
        [],
        [["甲", "张三"]],
        [["甲", "张三", 1]],
        [["甲", "a", "b"], ["甲", "c", "d"]],
        [["乙", "a", "b"]],
        "x",
        [["甲", "", "b"]],
    ],
)
def test_names_are_those_of_the_members(names: Any) -> None:
    play = Play()
    play.named()
    with pytest.raises(NamingRefused):
        play.name(VENUE, disclosure.make("names", names, b"s" * 16))
    with pytest.raises(NamingRefused):
        play.name(VENUE, disclosure.make("title", [["甲", "张三", "某单位"]], b"s" * 16))


def test_random_acts_never_break_the_fold() -> None:
    """Whatever comes in whatever order is refused with a code, or leads to a state that is one of those named."""
    play, bodies = (
        Play(),
        [OFFER, VENUE, CONVENED, {"invitation": ONE}, {"reason": "x"}, {"invitation": ONE, "reason": "x"}],
    )
    offer = play.offered()
    refused, random = set[str](), Random(5)
    for _ in range(600):
        by, act = random.choice((HOST, PARTNER, OTHER)), random.choice(list(partnering.EVENTS))
        body = random.choice([*bodies, {"offer": offer}])
        try:
            play.do(
                by, act, body, replace(FACTS, names=NAMES.text), **({"sd": (NAMES.digest,)} if body is VENUE else {})
            )
        except (PartnershipError, SessionError, Malformed, Untrusted) as error:
            refused.add(error.code)
    assert len(refused) > 5
    assert refused & {"partnership", "session"} == set()
    assert play.state.agreements[A].state in ("draft", "in-force", "ended")


def test_ids_are_the_lowest_free_ones_and_the_same_each_time() -> None:
    """10.1: so a founding that is tried again founds the same."""
    play = Play()
    play.named()
    named = play.state.invitations[ONE].named
    assert named is not None
    guest = Guest(ONE, "venue-2", PARTNER, named, read_names(NAMES.text))
    tender: Object = {
        "definition": {"members": [{"seat": "seat-2", "name": "a", "organisation": "b"}]},
        "venues": [{"id": "venue-1", "centre": HOST, "kind": "main"}],
        "rooms": [{"id": "room-1", "venue": "venue-1"}],
        "seats": [{"id": "seat-2", "role": "expert", "venue": "venue-1", "centre": HOST}],
        "invitations": [ONE],
    }
    whole, given = assemble(tender, [guest])
    assert given[ONE] == Ids({"室": "room-2"}, {"甲": "seat-1", "乙": "operator-1"})
    assert whole["definition"]["members"][0] == {"seat": "seat-1", "name": "张三", "organisation": "某单位"}
    assert "invitations" not in whole
    assert [room["id"] for room in whole["rooms"]] == ["room-1", "room-2"]
    assert assemble(tender, [guest]) == (whole, given)
