"""A partner from the agreement to its evidence file, through nothing but the partner API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evidence.core import act as acts
from evidence.core import disclosure
from evidence.core import entry as entries
from evidence.core.canonical import unb64u
from evidence.core.proof import Proof
from sessions.core.state import CLOSED
from tests.partner.world import STARTS, problem, site
from tests.sessions.service_people import People
from tests.sessions.service_world import audit, until


@pytest.mark.asyncio
async def test_from_the_agreement_to_the_evidence_file(tmp_path: Path) -> None:
    """docs/protocol.md section 10, as a whole."""
    async with site(tmp_path) as found:
        city = found.zhongshan
        agreement = await found.agree(city, "共同遵守的条款")
        terms = await city.call("GET", f"/v1/partner/agreements/{agreement}/terms")
        assert terms.content.decode() == "共同遵守的条款"

        invitation = await found.invite(city, agreement)
        offered = await city.get(f"/v1/partner/invitations/{invitation}")
        assert (offered["state"], offered["starts"], offered["seats"]) == ("offered", STARTS, 1)
        assert offered["proceeding"] is None
        assert (await city.accept(invitation)).json()["state"] == "accepted"
        named = await city.name(invitation, found.venue(city), [["专家甲", "张三", "某单位"]])
        assert named.status_code == 200, named.text

        proceeding = await found.convene(invitation)
        venue = await city.get(f"/v1/partner/invitations/{invitation}/venue")
        assert [room["id"] for room in venue["rooms"]] == ["room-2"]
        assert [seat["id"] for seat in venue["seats"]] == ["seat-4", "operator-2"]

        path = f"/v1/partner/proceedings/{proceeding}"
        before = await city.get(path)
        assert before.keys() == {"id", "origin", "phase", "starts", "seats", "specialities", "venue", "own"}
        assert (before["phase"], before["seats"], before["specialities"]) == ("before", 1, [["信息化", 1]])
        assert [seat["id"] for seat in before["own"]["seats"]] == ["room-2", "seat-4", "operator-2"]
        assert problem(await city.call("GET", f"{path}/results")) == (409, "too-early")
        assert problem(await city.call("GET", f"{path}/evidence")) == (409, "too-early")

        people = People(found.world, proceeding)
        keeper = people.keeper(found.proceedings)
        people.connect(keeper)
        for seat in ("seat-4", "operator-2", "room-2"):
            kid = acts.thumbprint(people_key(seat))
            jws = await found.world.holders[city.domain].vouch(keeper.state.origin, seat, kid)
            done = await city.call("POST", f"{path}/vouches", {"act": jws})
            assert done.status_code == 201, done.text
        await people.play(keeper, lambda state: state.stage == "declarations")
        assert {"stage", "gate", "venues"} <= (await city.get(path)).keys()
        await people.play(keeper, lambda state: state.gate == CLOSED)
        results = await city.get(f"{path}/results")
        assert results["candidates"]
        await until(lambda: found.world.keyring.log_key(keeper.state.origin) is None)
        evidence = await city.call("GET", f"{path}/evidence")
        assert evidence.content == keeper.evidence_path().read_bytes()
        await audit(found.world, keeper)

        events = await read_all(city, f"{path}/events")
        assert [event["sequence"] for event in events] == list(range(len(events)))
        assert {"session.seat-vouched", "session.stage-advanced", "session.proceeding-closed"} <= {
            event["type"] for event in events
        }
        told = await read_all(city, "/v1/partner/events", limit=2)
        assert [event["type"] for event in told] == [
            "agreement.offered",
            "agreement.signed",
            "agreement.signed",
            "invitation.offered",
            "invitation.accepted",
            "venue.named",
            "venue.convened",
        ]
        await evidence_holds(found, city, agreement)


def people_key(seat: str) -> Any:
    from tests.sessions.drive import signer_of

    return signer_of(seat).jwk


async def read_all(city: Any, path: str, limit: int = 7) -> list[Any]:
    """A feed page by page."""
    read, cursor = [], ""
    while True:
        page = await city.get(f"{path}?limit={limit}{cursor and '&cursor=' + cursor}")
        read += page["events"]
        cursor = page["cursor"]
        if not page["more"]:
            return read


async def evidence_holds(found: Any, city: Any, agreement: str) -> None:
    """10.1: entry, disclosure and receipt prove what both centres signed, without the host."""
    log = found.proceedings.centre.log
    await log.quorum(log.size, 5.0)
    acts_read = (await city.get(f"/v1/partner/agreements/{agreement}/acts"))["acts"]
    assert len(acts_read) == 7
    for deed in acts_read:
        entry = entries.parse(unb64u(deed["entry"]))
        shown = disclosure.parse(deed["disclosure"])
        assert entry.sd == (shown.digest,)
        assert entry.body == {}
        act = acts.parse(dict(shown.value)["act"])
        acts.verify(act, found.world.pins.trust.identities[act.sub])
        assert Proof.parse(deed["receipt"].encode()).index == entry.n
