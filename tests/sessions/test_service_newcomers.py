"""A newcomer comes through the real doors: its name with the act, told to whom it may be told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evidence.core import disclosure
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u
from evidence.errors import Malformed, Untrusted
from sessions import people
from sessions.errors import SeatingRefused
from tests.sessions.drive import FINANCE
from tests.sessions.newcomers import OpenDrive, answered, drawn, leaf_of, person, seating
from tests.sessions.service_people import People
from tests.sessions.service_world import World, audit, tender, until


@pytest.mark.asyncio
async def test_a_newcomer_is_named_with_its_act_and_certified_by_that_name(tmp_path: Path) -> None:
    """On a fixed roster, after an external draw: replaced in the declarations, the whole service behind it."""
    world = World(tmp_path)
    async with world.running() as proceedings:
        name = await proceedings.create(tender())
        game, keeper = People(world, name), proceedings.get(name)
        game.connect(keeper)
        await game.play(keeper, lambda state: state.stage == "declarations")

        async def supervise(act: str, body: Object) -> None:
            await keeper.perform(game.act(keeper, "supervisor-1", act, body).jws)

        await supervise("member.remove", {"seat": "seat-5", "ground": "absent", "reason": "联系不上"})
        stated: Object = {"label": "expert/province", "reference": "省库 117", "evidence": b64u(bytes(32))}
        await supervise("draw.external", stated)
        who = person("seat-6", "金丝雀六")
        source: Object = {"kind": "external", "label": "expert/province"}
        body: Object = {"seat": "seat-6", "replaces": "seat-5", "source": source}
        seated = game.act(keeper, "supervisor-1", "member.seat", body, sd=(who.digest,))
        for texts in ([], [person("seat-7").text], [who.text, who.text]):
            with pytest.raises(Malformed):
                await keeper.perform(seated.jws, texts)
        other = game.act(keeper, "supervisor-1", "incident.note", {"seat": None, "text": "x"})
        with pytest.raises(Malformed):
            await keeper.perform(other.jws, [who.text])
        first = await keeper.perform(seated.jws, [who.text])
        assert (await keeper.perform(seated.jws, [who.text])).index == first.index
        assert keeper.entries[first.index + 1].type == "CaseDisclosed"
        assert (await keeper.names("seat-1")).keys() == {"seat-1", "seat-2", "seat-3"}
        assert (await keeper.names("operator-3"))["seat-6"] == ("金丝雀六", "某大学")
        await game.play(keeper, lambda state: state.stage == "chair-election", 120)
        await until(lambda: "seat-6" in keeper.state.credentials)
        await audit(world, keeper)


def test_the_disclosed_person_is_the_leaf_that_was_drawn() -> None:
    """Who reads the published name finds the drawn leaf in it; another person is refused at the door."""
    drive = OpenDrive()
    drive.to_holders()
    made = drawn(drive)
    answered(made, [0, 0, "accepted", None])
    leaf = leaf_of(made, 0, 0)

    def act_for(text: disclosure.Disclosure) -> Act:
        return replace(seating(made, "seat-4", 0), sd=(text.digest,))

    right = person("seat-4", leaf=leaf)
    people.check(drive.state, act_for(right), [right.text])
    for wrong in (person("seat-4", leaf=(leaf + 2) % 10), person("seat-4"), person("seat-5", leaf=leaf)):
        with pytest.raises((Malformed, Untrusted)):
            people.check(drive.state, act_for(wrong), [wrong.text])
    wrongs: list[Any] = [{"seat": "seat-4"}, {"seat": "seat-4", "name": " ", "organisation": "x"}, "x", []]
    for value in wrongs:
        shown = disclosure.make("member", value, bytes(16))
        with pytest.raises(Malformed):
            people.check(drive.state, act_for(shown), [shown.text])
    named = disclosure.make("names", right.value, bytes(16))
    with pytest.raises(Malformed):
        people.check(drive.state, act_for(named), [named.text])
    drive.take(seating(made, "seat-4", 0))
    with pytest.raises(SeatingRefused):
        drive.take(drive.act(FINANCE, "member.seat", dict(seating(made, "seat-4", 0).body), sd=(right.digest,)))
