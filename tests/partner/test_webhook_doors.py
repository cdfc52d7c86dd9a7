"""Webhooks through the partner door: each tenant its own, keys handed out once, calls that say nothing (10.6)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from inspect import isawaitable
from pathlib import Path
from typing import Any

import pytest

from tests.partner.world import City, Site, problem, site
from tests.sessions.receivers import Receiver, answers, ed25519_signatures, hmac_signatures, receiving

PATH = "/v1/partner/webhooks"
CANARY = "金丝雀甲"


@asynccontextmanager
async def calling(found: Site) -> AsyncIterator[None]:
    """With the loop that calls."""
    task = asyncio.create_task(found.services.webhooks.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def registered(city: City, url: str, *types: str) -> Any:
    answer = await city.call("POST", PATH, {"url": url, "types": list(types)})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def eventually(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Until it holds; what it gives may have to be awaited."""
    async with asyncio.timeout(seconds):
        while True:
            held = condition()
            if await held if isawaitable(held) else held:
                return
            await asyncio.sleep(0.01)


@pytest.mark.asyncio
async def test_a_partner_registers_reads_rotates_and_removes(tmp_path: Path) -> None:
    async with site(tmp_path) as found:
        city = found.zhongshan
        made = await registered(city, "https://zhongshan.example/hooks", "session.stage-advanced")
        one = f"{PATH}/{made['webhook']}"
        read = await city.call("GET", one)
        assert (read.json(), read.headers["etag"]) == (made, '"1"')
        assert (await city.get(PATH))["webhooks"] == [made]
        (secret,) = (await city.get(f"{one}/secret"))["secrets"]
        assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
        assert re.fullmatch(r"whpk_[A-Za-z0-9+/]{43}=", made["public_keys"][0])

        assert problem(await city.call("POST", f"{one}/rotation", {})) == (428, "precondition-required")
        rotated = await city.call("POST", f"{one}/rotation", {}, headers={"If-Match": '"1"'})
        assert rotated.status_code == 201
        assert rotated.json()["public_keys"][1:] == made["public_keys"]
        assert (await city.get(f"{one}/secret"))["secrets"][1:] == [secret]

        assert problem(await city.call("DELETE", one, headers={"If-Match": '"1"'})) == (412, "precondition-failed")
        assert (await city.call("DELETE", one, headers={"If-Match": '"2"'})).status_code == 204
        assert problem(await city.call("GET", one)) == (404, "not-found")


def database(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("partner.db*"))


@pytest.mark.asyncio
async def test_no_answer_that_is_kept_holds_a_secret(tmp_path: Path) -> None:
    """Answers to writes lie in the database for a day."""
    async with site(tmp_path) as found:
        made = await registered(found.zhongshan, "https://zhongshan.example/hooks")
        (secret,) = (await found.zhongshan.get(f"{PATH}/{made['webhook']}/secret"))["secrets"]
        stored = database(tmp_path)
        assert made["webhook"].encode() in stored
        assert secret.encode() not in stored


@pytest.mark.asyncio
async def test_another_tenants_webhook_is_answered_like_one_that_never_was(tmp_path: Path) -> None:
    """The same status, octets and headers, on every route."""
    async with site(tmp_path) as found:
        with receiving(Receiver()) as receiver:
            async with calling(found):
                made = await registered(found.zhongshan, receiver.url)
                await found.host(
                    f"/v1/partners/{found.zhongshan.domain}/agreements",
                    {"terms": "x", "until": "2031-12-31", "sign": False},
                )
                await eventually(lambda: receiver.calls)
                message = receiver.calls[0].message
        never = "wh_" + "a" * 24
        routes: list[tuple[str, str, dict[str, str] | None]] = [
            ("GET", "", None),
            ("DELETE", "", None),
            ("POST", "/rotation", {}),
            ("GET", "/secret", None),
            ("GET", "/deliveries", None),
            ("POST", f"/deliveries/{message}/replay", {}),
        ]
        for method, rest, body in routes:
            headers = {"If-Match": '"1"'}
            theirs, none = [
                await found.zhuhai.call(method, f"{PATH}/{name}{rest}", body, headers=headers)
                for name in (made["webhook"], never)
            ]
            assert problem(theirs) == (404, "not-found"), (method, rest)
            assert theirs.content == none.content
            assert _comparable(theirs.headers) == _comparable(none.headers)
        assert (await found.zhuhai.get(PATH)) == {"webhooks": []}
        assert (await found.zhongshan.get(PATH))["webhooks"] == [made]


def _comparable(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "ratelimit"}


@pytest.mark.asyncio
async def test_what_cannot_be_called_is_not_registered(tmp_path: Path) -> None:
    async with site(tmp_path) as found:
        city = found.zhongshan
        for url in ("ftp://x.example/", "https://u@x.example/", "https://x.example/#y", "x"):
            answer = await city.call("POST", PATH, {"url": url, "types": []})
            assert problem(answer) == (422, "webhook-url-refused")
        wrong = await city.call("POST", PATH, {"url": "https://x.example/", "types": ["session.sheet-sealed"]})
        assert problem(wrong) == (422, "webhook-type-refused")
        for body in ({}, {"url": "https://x.example/"}, {"url": 7, "types": []}, {"url": "", "types": []}):
            assert problem(await city.call("POST", PATH, body)) == (400, "malformed-request")
        for _ in range(5):
            await registered(city, "https://x.example/")
        full = await city.call("POST", PATH, {"url": "https://x.example/", "types": []})
        assert problem(full) == (409, "too-many-webhooks")
        # Another tenant's do not count.
        await registered(found.zhuhai, "https://x.example/")


@pytest.mark.asyncio
async def test_calls_say_what_the_own_feed_says_and_nothing_of_anybody(tmp_path: Path) -> None:
    """Issue 5: canary names planted in one tenant appear in no byte of another's webhooks, and in none of its own."""
    async with site(tmp_path) as found:
        with receiving(Receiver()) as mine, receiving(Receiver()) as others:
            async with calling(found):
                webhook = await registered(found.zhongshan, mine.url)
                await registered(found.zhuhai, others.url)
                invitation = await found.named(found.zhongshan, CANARY)
                await found.convene(invitation)
                await eventually(lambda: len(mine.calls) >= 6)
                feed = (await found.zhongshan.get("/v1/partner/events"))["events"]
                await eventually(lambda: len(mine.calls) >= len(feed))
                (secret,) = (await found.zhongshan.get(f"{PATH}/{webhook['webhook']}/secret"))["secrets"]
        said = sorted((c.event["data"]["index"], c.event["data"]["type"], c.event["source"]) for c in mine.calls)
        assert said == [(e["index"], e["type"], e["log"]) for e in feed]
        assert all(hmac_signatures(c, [secret]) == [True] for c in mine.calls)
        assert all(ed25519_signatures(c, webhook["public_keys"]) == [True] for c in mine.calls)
        assert others.calls == []
        planted = [CANARY, json.dumps(CANARY)[1:-1], found.zhuhai.domain]
        octets = b"".join(c.body + json.dumps(c.headers).encode() for c in mine.calls)
        assert [text for text in planted if text.encode() in octets] == []


@pytest.mark.asyncio
async def test_a_delivery_is_listed_and_replayed_by_its_id(tmp_path: Path) -> None:
    async with site(tmp_path) as found:
        with receiving(Receiver()) as receiver:
            async with calling(found):
                made = await registered(found.zhongshan, receiver.url, "agreement.offered")
                await found.agree(found.zhongshan)
                await eventually(lambda: receiver.calls)
                one = f"{PATH}/{made['webhook']}"
                message = receiver.calls[0].message

                async def delivered() -> Any:
                    return (await found.zhongshan.get(f"{one}/deliveries"))["deliveries"]

                async def settled() -> bool:
                    return [d["state"] for d in await delivered()] == ["delivered"]

                await eventually(settled)
                (listed,) = await delivered()
                assert (listed["message"], listed["attempts"], listed["status"]) == (message, 1, 204)
                again = await found.zhongshan.call("POST", f"{one}/deliveries/{message}/replay", {})
                assert (again.status_code, again.json()["state"]) == (202, "pending")
                await eventually(lambda: len(receiver.calls) == 2)
                assert {call.message for call in receiver.calls} == {message}


@pytest.mark.asyncio
async def test_a_receiver_that_is_gone_is_shown_as_disabled(tmp_path: Path) -> None:
    async with site(tmp_path) as found:
        with receiving(Receiver(behave=answers(410))) as receiver:
            async with calling(found):
                made = await registered(found.zhongshan, receiver.url)
                await found.agree(found.zhongshan)

                async def disabled() -> bool:
                    return bool((await found.zhongshan.get(f"{PATH}/{made['webhook']}"))["disabled"] == "gone")

                await eventually(disabled)
        assert len(receiver.calls) == 1
