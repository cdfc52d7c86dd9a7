"""The public list of a draw (protocols.md 4(7)): it says who was drawn by its own bytes, or is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evaluation.core import pool as pools
from evaluation.draw_errors import DrawRefused
from evidence.core import disclosure
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, decode_object, encode, sha256
from evidence.core.entry import Entry
from evidence.errors import EvidenceError, Malformed, Untrusted
from sessions import people
from sessions.core import drawn_list
from tests.evaluation.plain_draw import drawn as plainly_drawn
from tests.evaluation.test_pool import FILTER, POOL, entropy
from tests.sessions.draws import Drawn, venue_draw
from tests.sessions.drive import FINANCE, Drive
from tests.sessions.newcomers import OpenDrive, answered, seating


def drawn(drive: Drive, *wanted: pools.Wanted) -> Drawn:
    """A draw from the custodian's own pool, as its tools prepare it."""
    plan = pools.plan(POOL, name="experts", filter_=FILTER, wanted=wanted, excluded={}, entropy=entropy(b"plan"))
    (frozen,) = drive.perform(FINANCE, "pool.freeze", POOL.public)
    body = {name: value for name, value in plan.body.items() if name != "v"}
    made = Drawn(drive).by_act(body | {"attempt": 1, "pool": b64u(frozen.leaf)}).to_freeze().reveal()
    made.resolve()
    return made


def listed(*entries: Entry | bytes) -> bytes:
    data = [each if isinstance(each, bytes) else each.data for each in entries]
    return encode({"v": 1, "entries": [b64u(each) for each in data]})


def of_types(drive: Drive, *types: str) -> list[Entry]:
    return [next(entry for entry in drive.entries if entry.type == name) for name in types]


LAW = pools.Wanted("expert/law", 2, ("法律",), ())
IT = pools.Wanted("expert/it", 1, ("信息技术",), ())


def forged(entry: Entry, **changed: Any) -> bytes:
    return encode(decode_object(entry.data) | {"body": entry.body | changed})


def test_the_list_follows_from_its_entries_and_from_nothing_else() -> None:
    drive = Drive().until("declarations")
    made = drawn(drive, LAW, IT)
    four = of_types(drive, *drawn_list.TYPES)
    found = drawn_list.read(listed(*four))
    assert (found.origin, found.opened, found.root, found.count) == (drive.origin, made.opened, POOL.root, 12)
    plain = plainly_drawn(made.draw.seed, [(each.label, each.quota, list(each.leaves)) for each in made.draw.strata])
    assert [list(order) for order in found.ranked] == plain
    assert [leaf.hash for leaf in pools.who(POOL, found.ranked[0])] == plain[0]

    pool, opened, frozen, resolved = four
    strata = resolved.body["strata"]
    other = [strata[0] | {"digest": b64u(bytes(32))}, strata[1]]
    swapped = resolved.body["secrets"][::-1]
    for wrong in (
        listed(pool, opened, frozen),
        listed(pool, opened, resolved, frozen),
        listed(pool, opened, frozen, forged(resolved, seed=b64u(bytes(32)))),
        listed(pool, opened, frozen, forged(resolved, secrets=swapped)),
        listed(pool, opened, frozen, forged(resolved, strata=other)),
        listed(pool, opened, frozen, forged(resolved, strata=[])),
        listed(pool, opened, frozen, forged(resolved, freeze=b64u(opened.leaf))),
        listed(pool, opened, forged(frozen, contributions=[]), resolved),
        listed(pool, forged(opened, minimum=1), frozen, resolved),
        listed(encode(decode_object(pool.data) | {"salt": b64u(bytes(16))}), opened, frozen, resolved),
        listed(b"{}", opened, frozen, resolved),
        encode({"v": 2, "entries": []}),
        encode({"v": 1, "entries": ["x"] * 4}),
        b"[]",
    ):
        with pytest.raises((DrawRefused, EvidenceError)):
            drawn_list.read(wrong)


def test_who_stands_in_the_log_by_name_needs_no_custodian() -> None:
    drive = Drive().until("declarations")
    (frozen,) = drive.perform(FINANCE, "pool.freeze", POOL.public)
    public = Drawn(drive).by_act(venue_draw()).to_freeze().reveal()
    public.resolve()
    with pytest.raises((DrawRefused, Malformed)):
        drawn_list.read(listed(frozen, *of_types(drive, *drawn_list.TYPES[1:])))


def test_a_drawn_leaf_is_one_person_and_the_custodian_cannot_make_it_another() -> None:
    """The leaf's reference binds the person: another name at the drawn leaf is refused at the door."""
    drive = OpenDrive()
    drive.to_holders()
    made = drawn(drive, LAW, IT)
    answered(made, [0, 0, "accepted", None])
    (leaf,) = pools.who(POOL, [made.draw.ranked[0][0]])
    right = people.drawn("seat-4", leaf, bytes(16))

    def taken(text: disclosure.Disclosure) -> None:
        act: Act = replace(seating(made, "seat-4", 0), sd=(text.digest,))
        people.check(drive.state, act, [text.text])

    taken(right)
    value: Any = right.value
    bound: Object = value["bound"]
    others: tuple[Object, ...] = (
        {"name": "朋友"},
        {"organisation": "另一单位"},
        {"bound": bound | {"number": "E-999"}},
        {"bound": bound | {"nonce": b64u(bytes(16))}},
        {"bound": {}},
        {"bound": bound | {"nonce": "名"}},
    )
    for wrong in others:
        with pytest.raises((Untrusted, Malformed)):
            taken(disclosure.make("member", value | wrong, sha256(encode(wrong))[:16]))
    # Past a server that did not look, the verifier finds it in the published names.
    friend = disclosure.make("member", value | {"name": "朋友"}, bytes(16))
    drive.take(drive.act(FINANCE, "member.seat", dict(seating(made, "seat-4", 0).body), sd=(friend.digest,)))
    people.check_drawn(drive.state, [right.text])
    with pytest.raises(Untrusted):
        people.check_drawn(drive.state, [right.text, friend.text])
