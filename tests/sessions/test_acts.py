"""Who checks an act, in which order, with which code (docs/protocol.md section 3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from evidence.core import act as acts_form
from evidence.core.act import Act, thumbprint
from evidence.core.canonical import b64u, sha256, unb64u
from evidence.errors import Malformed, Untrusted
from sessions.core import acts
from sessions.core.commands import Perform
from sessions.core.state import EMPTY
from sessions.errors import (
    ActFork,
    ActGap,
    ActRepeated,
    NotVouched,
    SeatKeyEnded,
    SeenUnknown,
    UnknownKey,
    WrongLog,
    WrongSeat,
)
from tests.sessions.drive import FINANCE, MAIN, POLICY, SHOWN, TRUST, ZHUHAI, Drive, founding, signer_of

BODY = {"shown": SHOWN}


@pytest.fixture
def drive() -> Drive:
    drive = Drive()
    drive.check_in()
    drive.advance()
    return drive


def commit(drive: Drive, **more: object) -> Act:
    return drive.act("seat-1", "commitment.sign", BODY, **more)


def test_a_right_act_passes(drive: Drive) -> None:
    drive.check(commit(drive))


def resigned(act: Act, name: str) -> Act:
    """The same header and payload with a signature of somebody else's key."""
    signing_input = act.jws.rpartition(".")[0]
    return acts_form.parse(signing_input + "." + b64u(signer_of(name).sign(signing_input.encode())))


WRONG: list[tuple[type[Exception], str, Callable[[Drive], Act]]] = [
    (UnknownKey, "unknown-key", lambda d: d.act("stranger", "commitment.sign", BODY, sub="seat-1")),
    (Untrusted, "untrusted", lambda d: resigned(commit(d), "seat-2")),
    (WrongLog, "wrong-log", lambda d: commit(d, aud=f"{MAIN}/proceedings/{'a' * 26}")),
    (WrongLog, "wrong-log", lambda d: commit(d, aud=f"{MAIN}/centre")),
    (WrongSeat, "wrong-seat", lambda d: commit(d, sub="seat-2")),
    (WrongSeat, "wrong-seat", lambda d: commit(d, sub=MAIN)),
    (ActGap, "act-gap", lambda d: commit(d, ctr=3)),
    (ActFork, "act-fork", lambda d: d.act(ZHUHAI, "pool.freeze", {"count": 9, "root": SHOWN}, ctr=1)),
    (ActFork, "act-fork", lambda d: commit(d, prev=sha256(b"another"))),
    (SeenUnknown, "seen-unknown", lambda d: commit(d, seen=(len(d.tree), sha256(b"another root")))),
    (SeenUnknown, "seen-unknown", lambda d: commit(d, seen=(len(d.tree) + 1, d.tree.root()))),
    (SeenUnknown, "seen-unknown", lambda d: commit(d, seen=(0, sha256(b"")))),
    (SeenUnknown, "seen-unknown", lambda d: commit(d, seen=(0, sha256(b"no empty tree")))),
    (SeenUnknown, "seen-unknown", lambda d: commit(d, seen=(1, d.tree.root(1)))),
]


@pytest.mark.parametrize(("error", "code", "make"), WRONG)
def test_each_wrong_act_has_its_code(
    drive: Drive, error: type[Exception], code: str, make: Callable[[Drive], Act]
) -> None:
    with pytest.raises(error) as refused:
        drive.check(make(drive))
    assert getattr(refused.value, "code", None) == code


@pytest.mark.parametrize("make", [make for _, _, make in WRONG[1:5] + WRONG[6:]])
def test_without_the_check_the_rules_alone_would_take_some(drive: Drive, make: Callable[[Drive], Act]) -> None:
    """The control switched off: `decide` trusts that `check` was made, so no door may skip it."""
    assert drive.execute(Perform(make(drive)))


def test_a_repeated_act_gets_the_first_place_again(drive: Drive) -> None:
    act = commit(drive)
    (entry,) = drive.take(act)
    with pytest.raises(ActRepeated) as repeated:
        drive.check(act)
    assert repeated.value.index == entry.n


def test_a_malleated_signature_is_the_same_act(drive: Drive) -> None:
    """protocols.md 1.3: s and q-s both verify, so the id leaves the signature out."""
    act = commit(drive)
    drive.take(act)
    head, _, signature = act.jws.rpartition(".")
    raw = unb64u(signature, 64)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    other = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    with pytest.raises(ActRepeated):
        drive.check(acts_form.parse(head + "." + b64u(other)))


def test_a_repeated_act_of_a_stranger_is_not_answered(drive: Drive) -> None:
    """The signature is checked before the repetition: nobody learns places by guessing ids."""
    act = commit(drive)
    drive.take(act)
    with pytest.raises(Untrusted):
        drive.check(resigned(act, "seat-2"))


def test_seen_never_goes_back(drive: Drive) -> None:
    drive.take(commit(drive))
    seen = drive.state.keys[thumbprint(signer_of("seat-1").jwk)].seen_size
    with pytest.raises(SeenUnknown):
        drive.check(commit(drive, seen=(seen - 1, drive.tree.root(seen - 1))))
    drive.check(commit(drive, seen=(seen, drive.tree.root(seen))))


def test_an_ended_key_acts_no_more(drive: Drive) -> None:
    kid = drive.state.seat_key["seat-1"]
    ended = replace(drive.state.keys[kid], ended=0)
    drive.state = replace(drive.state, keys={**drive.state.keys, kid: ended})
    with pytest.raises(SeatKeyEnded):
        drive.check(commit(drive))


def test_a_seat_is_bound_only_with_the_vouched_key() -> None:
    """protocols.md 1.6: without `seat.vouch` the main server could enrol its own key as any expert."""
    drive = Drive()
    drive.found()
    body = {"jwk": signer_of("seat-1").jwk, "policy": b64u(POLICY), "trust": b64u(TRUST), "client": None}
    with pytest.raises(NotVouched):
        drive.check(drive.act("seat-1", "seat.bind", body))
    vouched = {"seat": "seat-1", "thumbprint": thumbprint(signer_of("evil").jwk), "cose": None}
    drive.perform(MAIN, "seat.vouch", vouched)
    with pytest.raises(NotVouched):
        drive.check(drive.act("seat-1", "seat.bind", body))
    evil = body | {"jwk": signer_of("evil").jwk}
    with pytest.raises(NotVouched):
        drive.check(drive.act("evil", "seat.bind", evil, sub="seat-2"))
    # The key in the body must be the one that signed.
    with pytest.raises(Untrusted):
        drive.check(drive.act("seat-1", "seat.bind", evil))
    drive.check(drive.act("evil", "seat.bind", evil, sub="seat-1"))


def test_a_bound_key_does_not_bind_again(drive: Drive) -> None:
    body = {"jwk": signer_of("seat-1").jwk, "policy": b64u(POLICY), "trust": b64u(TRUST), "client": None}
    with pytest.raises(WrongSeat):
        drive.check(drive.act("seat-1", "seat.bind", body, sub="seat-2"))


def identities() -> dict[str, object]:
    return {name: signer_of(name).jwk for name in (MAIN, "zhongshan.example", ZHUHAI, FINANCE)}


FOUNDERS: list[tuple[type[Exception], Callable[[], Act]]] = [
    (WrongSeat, lambda: Drive().act(ZHUHAI, "proceeding.found", founding(identities()))),  # type: ignore[arg-type]
    (WrongSeat, lambda: Drive().act(MAIN, "proceeding.found", {}, aud=f"{MAIN}/centre")),
    (UnknownKey, lambda: Drive().act(MAIN, "proceeding.found", {})),
    (UnknownKey, lambda: Drive().act(MAIN, "proceeding.found", {"identities": 5})),
    (UnknownKey, lambda: Drive().act(MAIN, "proceeding.found", {"identities": [MAIN]})),
    (UnknownKey, lambda: Drive().act(MAIN, "proceeding.found", {"identities": {MAIN: "key"}})),
    (Malformed, lambda: Drive().act(MAIN, "proceeding.found", {"identities": {MAIN: {}}})),
    (Untrusted, lambda: Drive().act("evil", "proceeding.found", {"identities": identities()}, sub=MAIN)),
    (UnknownKey, lambda: Drive().act(MAIN, "definition.fix", {"identities": identities()})),
]


@pytest.mark.parametrize(("error", "make"), FOUNDERS)
def test_only_the_centre_of_the_origin_founds(error: type[Exception], make: Callable[[], Act]) -> None:
    with pytest.raises(error):
        acts.check(EMPTY, make(), root_at=lambda _: None)


HOSTILE_BODIES: list[object] = [{}, {"x": 1}, {"jwk": 1}, {"jwk": {}}, {"jwk": {"crv": "P-256"}}]


@pytest.mark.parametrize("body", HOSTILE_BODIES)
def test_a_hostile_binding_ends_in_a_code(body: dict[str, object]) -> None:
    drive = Drive()
    drive.found()
    act = drive.act("seat-1", "seat.bind", body)
    with pytest.raises((UnknownKey, Malformed)):
        drive.check(act)
