"""The wall between tenants: no name, no id, no difference of one city in anything that another city's token gets."""

from __future__ import annotations

import re
import time
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import pytest

from evidence.core import act as acts
from evidence.core.canonical import b64u, encode
from evidence.core.merkle import leaf_hash
from sessions.core import tenancy
from sessions.core.partnership import Partnership
from sessions.core.state import CLOSED
from tests.partner.test_whole import read_all
from tests.partner.world import ORIGIN, Site, problem, site
from tests.sessions import drive
from tests.sessions.drive import signer_of
from tests.sessions.service_people import People
from tests.sessions.service_world import until

CANARY = "金丝雀甲乙丙"
TERMS = f"条款 {CANARY} terms-canary"
REASON = "reason-canary"


async def planted(found: Site) -> tuple[str, str, str]:
    """Zhongshan's agreement, invitation and proceeding, canaries in all that it may write."""
    city = found.zhongshan
    agreement = await found.agree(city, TERMS)
    invitation = await found.invite(city, agreement, specialities=[[CANARY, 1]])
    assert (await city.accept(invitation)).status_code == 201
    venue = found.venue(city)
    venue["rooms"], venue["seats"][0]["speciality"] = [f"房间{CANARY}"], CANARY
    named = await city.name(invitation, venue, [["专家甲", CANARY, CANARY]])
    assert named.status_code == 200, named.text
    return agreement, invitation, await found.convene(invitation)


def routes(app: Any) -> list[tuple[str, str]]:
    """Every method and path of a partner."""
    found = [
        (method.upper(), path)
        for path, methods in app.openapi()["paths"].items()
        for method in methods
        if path.startswith("/v1/partner/")
    ]
    assert len(found) > 18
    return found


def filled(path: str, *, agreement: str, invitation: str, proceeding: str) -> str:
    named = {"agreement": agreement, "invitation": invitation, "id": proceeding}
    return re.sub(r"\{(\w+)\}", lambda match: named.get(match[1], "whk_" + "a" * 24), path)


def stripped(answer: httpx2.Response) -> tuple[int, bytes, dict[str, str]]:
    """What an answer says, but for the caller's own account of requests."""
    headers = {k: v for k, v in answer.headers.items() if k not in ("ratelimit", "date")}
    return answer.status_code, answer.content, headers


@pytest.mark.asyncio
async def test_another_tenants_things_answer_like_things_that_never_were(tmp_path: Path) -> None:
    """Issue 5, line 1: the same octets, headers and status; the control is the tenant itself, for whom they differ."""
    async with site(tmp_path) as found:
        agreement, invitation, proceeding = await planted(found)
        for method, path in routes(found.app):
            if "{" not in path or "webhooks" in path:
                continue
            theirs = filled(path, agreement=agreement, invitation=invitation, proceeding=proceeding)
            nobodys = filled(path, agreement="a" * 26, invitation="b" * 26, proceeding="c" * 26)
            body = None if method in ("GET", "DELETE") else {"act": "x", "disclosures": []}
            headers = {"If-Match": "*"}
            foreign = await found.zhuhai.call(method, theirs, body, headers=headers)
            unknown = await found.zhuhai.call(method, nobodys, body, headers=headers)
            assert problem(foreign) == (404, "not-found"), path
            assert stripped(foreign) == stripped(unknown), path
            own = await found.zhongshan.call(method, theirs, body, headers=headers)
            assert stripped(own) != stripped(unknown), path


@pytest.mark.asyncio
async def test_nobody_but_a_guest_knows_of_a_proceeding(tmp_path: Path) -> None:
    """Both secondary venues come by invitation here: each sees its own seats and no name of the other."""
    async with site(tmp_path) as found:
        first = await found.named(found.zhongshan, "中山专家")
        second = await found.named(found.zhuhai, "珠海专家", "venue-3")
        proceeding = await found.convene(first, second)
        path = f"/v1/partner/proceedings/{proceeding}"
        for city, own, other in (
            (found.zhongshan, {"room-2", "seat-4", "operator-2"}, "zhuhai"),
            (found.zhuhai, {"room-3", "seat-5", "operator-3"}, "zhongshan"),
        ):
            shown = await city.call("GET", path)
            assert {seat["id"] for seat in shown.json()["own"]["seats"]} == own
            assert other not in shown.text
            assert (await city.get("/v1/partner/proceedings"))["proceedings"] == [shown.json()]
        # A seat of somebody else cannot be vouched for, nor its existence be felt.
        keeper = found.proceedings.get(proceeding)
        answers = set()
        for seat in ("seat-5", "seat-1", "seat-99", "supervisor-1", None):
            size = keeper.log.newest.size
            jws = acts.make(
                found.zhongshan.identity,
                act="seat.vouch",
                aud=keeper.state.origin,
                sub=found.zhongshan.domain,
                body={"seat": seat, "thumbprint": "A" * 43, "cose": None},
                ctr=2,
                iat=1,
                seen=(size, keeper.log.tree.root(size)),
            ).jws
            answer = await found.zhongshan.call("POST", f"{path}/vouches", {"act": jws})
            assert problem(answer) == (404, "not-found")
            answers.add(answer.content)
        assert len(answers) == 1


@pytest.mark.asyncio
async def test_another_centres_act_is_not_taken_from_a_tenant(tmp_path: Path) -> None:
    """Identity comes from the token and from the signature, and both must be one."""
    async with site(tmp_path) as found:
        city, other = found.zhongshan, found.zhuhai
        invitation = await found.invite(city, await found.agree(city))
        path = f"/v1/partner/invitations/{invitation}"
        chain = (await city.get(path))["chain"]
        for jws in (
            city.act(chain, "invitation.accept", {"invitation": invitation}, sub=other.domain),
            city.act(chain, "invitation.accept", {"invitation": invitation}, signer=other.identity),
            city.act(chain, "invitation.accept", {"invitation": invitation}, sub=other.domain, signer=other.identity),
            city.act(chain, "invitation.accept", {"invitation": "a" * 26}),
            city.act(chain, "invitation.accept", {"invitation": invitation}, aud="other.example/agreements/x"),
            city.act(chain, "invitation.withdraw", {"invitation": invitation, "reason": REASON}),
        ):
            answer = await city.call("POST", f"{path}/acceptance", {"act": jws}, headers={"If-Match": "*"})
            assert answer.status_code in (400, 403, 422), answer.text
            assert "zhuhai" not in answer.text
        assert (await city.get(path))["state"] == "offered"


@pytest.mark.asyncio
async def test_the_centre_log_says_nothing_of_who_works_with_whom(tmp_path: Path) -> None:
    """10.1: every city's node reads the centre log; entries hold a salted digest, which no guess of a domain opens."""
    async with site(tmp_path) as found:
        agreement, invitation, proceeding = await planted(found)
        written = [entry for entry in found.proceedings.centre.entries if entry.type == "PartnershipActed"]
        assert len(written) == 7
        for entry in written:
            assert (entry.body, entry.act, len(entry.sd)) == ({}, None, 1)
            for secret in (agreement, invitation, "zhongshan", CANARY, proceeding):
                assert secret.encode() not in entry.data
            assert entry.leaf == leaf_hash(entry.data)


@pytest.mark.asyncio
async def test_a_feed_tells_a_tenant_of_its_own_before_the_start_and_of_the_meeting_afterwards(tmp_path: Path) -> None:
    """10.4, 10.5: seen by one tenant, the other's events are not there, not even as gaps."""
    async with site(tmp_path) as found:
        first = await found.named(found.zhongshan)
        proceeding = await found.convene(first, await found.named(found.zhuhai, "珠海专家", "venue-3"))
        people = People(found.world, proceeding)
        keeper = people.keeper(found.proceedings)
        people.connect(keeper)
        path = f"/v1/partner/proceedings/{proceeding}/events"
        await people.play(keeper, lambda state: state.stage == "declarations")
        for city, own in ((found.zhongshan, "2 4"), (found.zhuhai, "3 5")):
            events = await read_all(city, path)
            assert [event["sequence"] for event in events] == list(range(len(events)))
            subjects = {event["subject"] for event in events} - {None}
            assert {subject.rpartition("-")[2] for subject in subjects} == set(own.split())
            assert all(keeper.entries[event["index"]].leaf for event in events)
        await people.play(keeper, lambda state: state.gate == CLOSED)
        again = await read_all(found.zhongshan, path)
        types = [event["type"] for event in again]
        assert types[-1] == "session.proceeding-closed"
        assert not {t for t in types if "seal" in t or "vote" in t or "sheet" in t or "share" in t}


def test_only_the_wall_decides_what_a_tenant_may_know() -> None:
    """The one place: a state, a tenant, and nothing else."""
    played = drive.Drive()
    played.found()
    assert tenancy.exists_for(played.state, drive.ZHONGSHAN)
    for stranger in (drive.FINANCE, "guangzhou.example", "shenzhen.example", "seat-4", "", drive.MAIN):
        assert not tenancy.exists_for(played.state, stranger), stranger


@pytest.mark.asyncio
async def test_without_the_wall_the_difference_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: with either half of the wall taken away, the test above fails."""
    (tmp_path / "a").mkdir()
    async with site(tmp_path / "a") as found:
        monkeypatch.setattr("web.server.allow.exists_for", lambda state, tenant: state.founding is not None)
        _, _, proceeding = await planted(found)
        answer = await found.zhuhai.call("GET", f"/v1/partner/proceedings/{proceeding}/events")
        assert problem(answer) != (404, "not-found")
    monkeypatch.undo()
    monkeypatch.setattr(Partnership, "agreement", lambda self, tenant, name: self.agreements.get(name))
    (tmp_path / "b").mkdir()
    with pytest.raises(AssertionError):
        await test_another_tenants_things_answer_like_things_that_never_were(tmp_path / "b")


@pytest.mark.asyncio
async def test_a_node_of_a_centre_without_a_part_finds_no_proceeding(tmp_path: Path) -> None:
    """A centre that joined the trust later is no witness of what was founded before: unknown, in the same octets."""
    async with site(tmp_path) as found:
        proceeding = await found.convene(await found.named(found.zhongshan))
        late = "guangzhou.example"
        found.join(late, signer_of(late).jwk)
        # Before its first checkpoint is cosigned a log has none to show.
        await until(lambda: found.services.keeper(proceeding).log.cosigned.size)
        for domain, signer, seen in (
            (late, signer_of(late), 404),
            (found.zhuhai.domain, found.zhuhai.identity, 200),
        ):
            claims = {"iss": domain, "aud": ORIGIN, "exp": int(time.time()) + 30}
            signed = f"{b64u(encode({'alg': 'ES256'}))}.{b64u(encode(claims))}"
            headers = {"Authorization": f"Bearer {signed}.{b64u(signer.sign(signed.encode()))}"}
            for path in ("log/entries/0", "log/checkpoint", "log/tile/0/000.p/1", "log/receipts/0"):
                asked = await found.http.get(f"/v1/proceedings/{proceeding}/{path}", headers=headers)
                unknown = await found.http.get(f"/v1/proceedings/{'a' * 26}/{path}", headers=headers)
                assert asked.status_code == seen, path
                assert (stripped(asked) == stripped(unknown)) == (seen == 404), path


@pytest.mark.asyncio
async def test_a_stranger_waits_as_long_for_what_is_there_as_for_what_is_not(tmp_path: Path) -> None:
    """Medians of questions asked in turns; the control is the tenant's own, which takes longer to put together."""
    async with site(tmp_path) as found:
        agreement, invitation, proceeding = await planted(found)
        for path in (f"agreements/{agreement}", f"invitations/{invitation}", f"proceedings/{proceeding}"):
            kind = path.partition("/")[0]
            took: dict[str, list[float]] = {path: [], f"{kind}/{'a' * 26}": []}
            for _ in range(150):
                for asked, times in took.items():
                    begun = time.perf_counter()
                    await found.zhuhai.call("GET", f"/v1/partner/{asked}")
                    times.append(time.perf_counter() - begun)
            there, nowhere = (median(times) for times in took.values())
            assert 0.67 < there / nowhere < 1.5, path
