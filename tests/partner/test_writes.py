"""Writes that come twice, too late or changed: Idempotency-Key and If-Match (docs/protocol.md 10.3)."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from evidence.errors import Unavailable
from sessions.partner_ports import Answer, Running
from tests.partner.world import UNTIL, Site, problem, site

PATH = "/v1/partner/agreements/"


async def draft(found: Site) -> str:
    body = {"terms": "条款", "until": UNTIL, "sign": True}
    return str((await found.host(f"/v1/partners/{found.zhongshan.domain}/agreements", body))["agreement"])


@pytest.mark.asyncio
async def test_the_same_request_again_gets_the_same_answer(tmp_path: Path) -> None:
    """One act in the log however often it comes, with one octet sequence as its answer."""
    async with site(tmp_path) as found:
        city = found.zhongshan
        agreement = await draft(found)
        path = PATH + agreement
        read = await city.call("GET", path)
        chain, offer = read.json()["chain"], read.json()["offer"]
        body = {"act": city.act(chain, "agreement.sign", {"offer": offer})}
        headers = {"If-Match": read.headers["etag"]}
        size = len(found.proceedings.centre.entries)
        first = await city.call("POST", f"{path}/signature", body, key="k1", headers=headers)
        again = await city.call("POST", f"{path}/signature", body, key="k1", headers=headers)
        assert (first.status_code, first.content) == (201, again.content)
        assert first.headers["etag"] == again.headers["etag"]
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"
        assert len(found.proceedings.centre.entries) == size + 1
        # The same act under a new key: the act's own id answers, whatever the version.
        other = await city.call("POST", f"{path}/signature", body, key="k2", headers=headers)
        assert other.content == first.content
        assert len(found.proceedings.centre.entries) == size + 1


@pytest.mark.asyncio
async def test_a_key_belongs_to_one_request_of_one_tenant(tmp_path: Path) -> None:
    """Same key, other body, other path or other version: 422; and another tenant's keys are its own."""
    async with site(tmp_path) as found:
        city, other = found.zhongshan, found.zhuhai
        path = PATH + await draft(found)
        etag = (await city.call("GET", path)).headers["etag"]
        first = await city.call("POST", f"{path}/signature", {"act": "x"}, key="k", headers={"If-Match": etag})
        assert problem(first) == (400, "malformed")
        for changed in (
            await city.call("POST", f"{path}/signature", {"act": "y"}, key="k", headers={"If-Match": etag}),
            await city.call("POST", f"{path}/signature", {"act": "x"}, key="k", headers={"If-Match": '"x"'}),
            await city.call("POST", f"{path}/end", {"act": "x"}, key="k", headers={"If-Match": etag}),
        ):
            assert problem(changed) == (422, "idempotency-mismatch")
        theirs = PATH + await found.agree(other)
        answer = await other.call("POST", f"{theirs}/end", {"act": "x"}, key="k", headers={"If-Match": "*"})
        assert problem(answer) == (400, "malformed")


@pytest.mark.asyncio
async def test_a_write_without_a_key_is_refused(tmp_path: Path) -> None:
    async with site(tmp_path) as found:
        city = found.zhongshan
        path = PATH + await draft(found)
        for key in ("", " ", "x" * 129, "a b", "a\tb"):
            headers = {"Idempotency-Key": key, "If-Match": "*"}
            answer = await city.call("POST", f"{path}/signature", {"act": "x"}, headers=headers)
            assert problem(answer) == (400, "idempotency-key-missing"), key


@pytest.mark.asyncio
async def test_a_change_says_which_version_it_changes(tmp_path: Path) -> None:
    """428 without If-Match, 412 with one that is stale, weak, several or of something else; nothing happened."""
    async with site(tmp_path) as found:
        city = found.zhongshan
        path = PATH + await draft(found)
        read = await city.call("GET", path)
        body = {"act": city.act(read.json()["chain"], "agreement.sign", {"offer": read.json()["offer"]})}
        etag = read.headers["etag"]
        assert problem(await city.call("POST", f"{path}/signature", body)) == (428, "precondition-required")
        for stale in ('"x"', "x", f"W/{etag}", f'{etag}, "x"', '""', " ", '"' + "A" * 43 + '"', "\x7f"):
            answer = await city.call("POST", f"{path}/signature", body, headers={"If-Match": stale})
            assert problem(answer)[0] in (412, 428), stale
        assert (await city.get(path))["state"] == "draft"
        done = await city.call("POST", f"{path}/signature", body, headers={"If-Match": etag})
        assert done.status_code == 201
        # What was current a moment ago is stale now.
        chain = done.json()["chain"]
        end = {"act": city.act(chain, "agreement.end", {"reason": "到期"})}
        assert problem(await city.call("POST", f"{path}/end", end, headers={"If-Match": etag})) == (
            412,
            "precondition-failed",
        )
        ended = await city.call("POST", f"{path}/end", end, headers={"If-Match": done.headers["etag"]})
        assert ended.json()["state"] == "ended"


@pytest.mark.asyncio
async def test_twenty_at_once_leave_one_act(tmp_path: Path) -> None:
    """The same key in a race: each gets the answer, or is told to come back; the log holds one act."""
    async with site(tmp_path) as found:
        city = found.zhongshan
        path = PATH + await draft(found)
        read = await city.call("GET", path)
        body = {"act": city.act(read.json()["chain"], "agreement.sign", {"offer": read.json()["offer"]})}
        headers = {"If-Match": read.headers["etag"]}
        size = len(found.proceedings.centre.entries)
        answers = await asyncio.gather(
            *(city.call("POST", f"{path}/signature", body, key="k", headers=headers) for _ in range(20))
        )
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert 201 in {answer.status_code for answer in answers}
        assert {problem(a)[1] for a in answers if a.status_code == 409} <= {"idempotency-in-progress"}
        assert len(found.proceedings.centre.entries) == size + 1


@pytest.mark.asyncio
async def test_what_was_not_decided_is_not_kept(tmp_path: Path) -> None:
    """A defect frees the key: the request may be carried out when it is over."""
    async with site(tmp_path) as found:
        city = found.zhongshan
        path = PATH + await draft(found)
        partners: Any = found.proceedings.partners
        kept, partners.perform = partners.perform, None
        first = await city.call("POST", f"{path}/signature", {"act": "x"}, key="k", headers={"If-Match": "*"})
        assert problem(first) == (500, "internal")
        partners.perform = kept
        again = await city.call("POST", f"{path}/signature", {"act": "x"}, key="k", headers={"If-Match": "*"})
        assert problem(again) == (400, "malformed")


@pytest.mark.asyncio
async def test_the_database_gives_a_key_out_once(tmp_path: Path) -> None:
    """`sessions.partner_ports.PartnerAccounts.begin`, by its clock."""
    async with site(tmp_path) as found:
        accounts, now = found.services.partner_accounts, int(time.time())
        mine = {"keep_s": 100, "stuck_s": 10}
        digest = b"\1" * 32
        assert accounts.begin("a.example", "k", digest, now=now, **mine) is None
        assert accounts.begin("a.example", "k", digest, now=now + 9, **mine) == Running(same=True)
        assert accounts.begin("a.example", "k", b"\2" * 32, now=now + 9, **mine) == Running(same=False)
        assert accounts.begin("b.example", "k", digest, now=now, **mine) is None
        # A process that died does not keep the key for ever, nor does the next one lose it at once.
        assert accounts.begin("a.example", "k", digest, now=now + 10, **mine) is None
        assert accounts.begin("a.example", "k", digest, now=now + 11, **mine) == Running(same=True)
        answer = Answer(201, {"etag": '"x"'}, b"{}")
        accounts.answer("a.example", "k", answer)
        accounts.forget("a.example", "k")
        assert accounts.begin("a.example", "k", digest, now=now + 50, **mine) == answer
        assert accounts.begin("a.example", "k", b"\2" * 32, now=now + 50, **mine) == Running(same=False)
        assert accounts.begin("a.example", "k", b"\2" * 32, now=now + 111, **mine) is None


@pytest.mark.asyncio
async def test_an_append_that_was_not_answered_is_found_and_not_repeated(tmp_path: Path) -> None:
    """The database commits and the answer is lost: 503, and the same act again finds its first entry."""
    async with site(tmp_path) as found:
        city = found.zhongshan
        path = PATH + await draft(found)
        read = await city.call("GET", path)
        body = {"act": city.act(read.json()["chain"], "agreement.sign", {"offer": read.json()["offer"]})}
        headers = {"If-Match": read.headers["etag"]}
        ledger: Any = found.world.ledger
        append = ledger.append

        async def lost(*given: Any, **named: Any) -> int:
            await append(*given, **named)
            raise Unavailable("the answer is lost")

        size = len(found.proceedings.centre.entries)
        ledger.append = lost
        first = await city.call("POST", f"{path}/signature", body, key="k", headers=headers)
        ledger.append = append
        assert problem(first) == (503, "evidence-unavailable")
        again = await city.call("POST", f"{path}/signature", body, key="k", headers=headers)
        assert (again.status_code, again.json()["state"]) == (201, "in-force")
        assert again.json()["signed"] == [found.proceedings.partners.host, city.domain]
        assert len(found.proceedings.centre.entries) == size + 1


@pytest.mark.asyncio
async def test_a_new_process_folds_the_same_partnerships(tmp_path: Path) -> None:
    """Architecture: state is a fold, so a process that starts again knows what the last one knew."""
    async with site(tmp_path) as found:
        await found.convene(await found.named(found.zhongshan))
        before, events = found.proceedings.partners.state, found.proceedings.partners.events(found.zhongshan.domain)
        world = found.world
    async with world.running() as proceedings:
        assert proceedings.partners.state == before
        assert proceedings.partners.events("zhongshan.example") == events
