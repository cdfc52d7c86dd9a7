"""The loop that calls receivers: at least once, the same id, signed, and never for ever (Standard Webhooks)."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from evidence.adapters.database import DatabaseLedger, prepare
from evidence.adapters.memory import MemoryLedger
from sessions.adapters import webhooks_database
from sessions.adapters.webhooks_database import DatabaseWebhooks
from sessions.adapters.webhooks_http import HttpWebhookSender
from sessions.adapters.webhooks_memory import MemoryWebhooks
from sessions.core.webhooks import (
    DELIVERED,
    FAILED,
    HMAC,
    PENDING,
    ROTATION_S,
    SCHEDULE_S,
    Delivery,
    Endpoint,
    Notice,
    message_id,
)
from sessions.partner_errors import StaleVersion
from sessions.webhook_errors import (
    TooManyWebhooks,
    UnknownWebhook,
    WebhookTypeRefused,
    WebhookUrlRefused,
)
from sessions.webhook_signatures import fresh_keys, handed_out
from sessions.webhooks import MAX_ENDPOINTS, Pace, Webhooks
from tests.contract.ledgers import ORIGIN, OTHER, entry
from tests.sessions.receivers import Receiver, answers, ed25519_signatures, hmac_signatures, receiving
from tests.sessions.webhook_process import MASTER

ROOT = Path(__file__).resolve().parents[2]
MINE, OTHERS = "b.example", "c.example"
LOST, CLOSED = "session.venue-lost", "session.proceeding-closed"


@dataclass
class World:
    """A server with its ledger, whose clock the test sets."""

    now: float = 1_795_248_000.0
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    store: MemoryWebhooks = field(default_factory=MemoryWebhooks)
    epoch: int = 0
    webhooks: Webhooks = field(init=False)

    def __post_init__(self) -> None:
        self.sender = HttpWebhookSender(test_networks=(ip_network("127.0.0.0/8"),), timeout_s=1.0)
        self.webhooks = Webhooks(
            ledger=self.ledger,
            store=self.store,
            sender=self.sender,
            clock=lambda: self.now,
            entropy=os.urandom,
            pace=Pace(look=0.005),
        )

    async def happen(self, kind: str = LOST, *centres: str) -> str:
        """An entry with its notice; the id of its message."""
        if not self.epoch:
            self.epoch = await self.ledger.lease(ORIGIN, "me", 3600)
        n = await self.ledger.size(ORIGIN)
        notice = Notice(n, kind, centres or (MINE,))
        await self.ledger.append(ORIGIN, [entry(n)], expected_size=n, epoch=self.epoch, outbox=[notice.encode()])
        return message_id(ORIGIN, n)

    def newest(self, endpoint: Endpoint) -> Delivery:
        """What was owed last; nothing that was ever tried, where nothing was owed."""
        return next(iter(self.store.deliveries(endpoint.id, 1)), Delivery(endpoint.id, "", b"", 0.0))

    async def state(self, endpoint: Endpoint) -> list[tuple[str, int]]:
        return [(d.state, d.attempts) for d in self.store.deliveries(endpoint.id, 99)]


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    made = World()
    task = asyncio.create_task(made.webhooks.run())
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await made.sender.close()


async def until(condition: Callable[[], Awaitable[bool]] | Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if (found if isinstance(found, bool) else await found) is True:
                return
            await asyncio.sleep(0.005)


@pytest.mark.asyncio
async def test_a_message_is_signed_by_every_key_and_verifies_by_the_specification() -> None:
    """Standard Webhooks, "Signature scheme": id.timestamp.body, HMAC-SHA256 as v1 and Ed25519 as v1a."""
    with receiving(Receiver()) as receiver:
        async with world() as w:
            endpoint = await w.webhooks.register(MINE, receiver.url, [])
            public, secret = map(handed_out, endpoint.keys)
            message = await w.happen()
            await until(lambda: len(receiver.calls) == 1)
            (call,) = receiver.calls
            assert (call.message, call.headers["webhook-timestamp"]) == (message, str(int(w.now)))
            assert (hmac_signatures(call, [secret]), ed25519_signatures(call, [public])) == ([True], [True])
            assert call.headers["content-type"] == "application/cloudevents+json"
            assert len(call.body) < 20_000
            # The checks above would find a changed octet, another time, another id.
            for changed in ("webhook-id", "webhook-timestamp"):
                other = type(call)(call.path, call.headers | {changed: "1"}, call.body)
                assert (hmac_signatures(other, [secret]), ed25519_signatures(other, [public])) == ([False], [False])
            other = type(call)(call.path, call.headers, call.body + b" ")
            assert (hmac_signatures(other, [secret]), ed25519_signatures(other, [public])) == ([False], [False])


@pytest.mark.asyncio
async def test_the_library_of_standard_webhooks_accepts_our_calls_and_no_changed_one() -> None:
    """Issue 5, "Done when": `standardwebhooks`, which is not ours, verifies our HMAC signatures."""
    with receiving(Receiver()) as receiver:
        async with world() as w:
            w.now = time.time()
            before = await w.webhooks.register(MINE, receiver.url, [])
            after = await w.webhooks.rotate(MINE, before.id)
            await w.happen()
            await until(lambda: len(receiver.calls) == 1)
            (call,) = receiver.calls
            for endpoint in (before, after):
                secret = next(handed_out(key) for key in endpoint.keys if key.scheme == HMAC)
                found = Webhook(secret).verify(call.body, call.headers)
                assert found["data"]["type"] == LOST
                with pytest.raises(WebhookVerificationError):
                    Webhook(secret).verify(call.body + b" ", call.headers)
            stranger = handed_out(fresh_keys(os.urandom)[1])
            with pytest.raises(WebhookVerificationError):
                Webhook(stranger).verify(call.body, call.headers)


@pytest.mark.asyncio
async def test_while_keys_rotate_old_and_new_ones_sign() -> None:
    with receiving(Receiver()) as receiver:
        async with world() as w:
            before = await w.webhooks.register(MINE, receiver.url, [])
            after = await w.webhooks.rotate(MINE, before.id, version=1)
            publics, secrets = ([handed_out(e.keys[n]) for e in (before, after)] for n in (0, 1))
            await w.happen()
            await until(lambda: len(receiver.calls) == 1)
            w.now += ROTATION_S
            await w.happen()
            await until(lambda: len(receiver.calls) == 2)
            during, later = receiver.calls
            assert (hmac_signatures(during, secrets), ed25519_signatures(during, publics)) == ([True] * 2, [True] * 2)
            only_new = [False, True]
            assert (hmac_signatures(later, secrets), ed25519_signatures(later, publics)) == (only_new, only_new)


@pytest.mark.asyncio
async def test_a_receiver_that_fails_for_a_while_gets_the_message_later_under_its_id() -> None:
    def failing_twice(connection: socket.socket, number: int) -> None:
        answers(500 if number <= 2 else 204)(connection, number)

    with receiving(Receiver(behave=failing_twice)) as receiver:
        async with world() as w:
            endpoint = await w.webhooks.register(MINE, receiver.url, [])
            message = await w.happen()
            for attempt in (1, 2):
                await until(lambda n=attempt: w.newest(endpoint).attempts == n)
                delivery = w.newest(endpoint)
                pause = SCHEDULE_S[attempt - 1]
                assert w.now + pause <= delivery.due <= w.now + 1.2 * pause
                # A moment before it is due nobody is called.
                w.now = delivery.due - 0.01
                await asyncio.sleep(0.05)
                assert len(receiver.calls) == attempt
                w.now = delivery.due
            await until(lambda: len(receiver.calls) == 3)
            await until(lambda: w.newest(endpoint).state == DELIVERED)
            assert {call.message for call in receiver.calls} == {message}
            assert len({call.body for call in receiver.calls}) == 1
            assert len({call.headers["webhook-timestamp"] for call in receiver.calls}) == 3


@pytest.mark.asyncio
async def test_410_disables_and_nobody_is_called_any_more() -> None:
    with receiving(Receiver(behave=answers(410))) as receiver:
        async with world() as w:
            endpoint = await w.webhooks.register(MINE, receiver.url, [])
            await w.happen()
            await until(lambda: w.store.endpoints()[0].disabled == "gone")
            message = await w.happen()
            w.now += 10 * 86_400
            await until(lambda: not w.ledger._outbox)
            await asyncio.sleep(0.05)
            assert (len(receiver.calls), await w.state(endpoint)) == (1, [(FAILED, 1)])
            with pytest.raises(UnknownWebhook):
                await w.webhooks.replay(MINE, endpoint.id, message)


@pytest.mark.asyncio
async def test_what_is_owed_to_a_receiver_that_went_is_not_sent() -> None:
    """Several messages wait for a receiver that then answers 410 to the first of them."""
    with receiving(Receiver(behave=answers(410))) as receiver:
        async with world() as w:
            endpoint = await w.webhooks.register(MINE, receiver.url, [])
            for _ in range(3):
                await w.happen()

            async def settled() -> bool:
                return [s for s, _ in await w.state(endpoint)] == [FAILED] * 3

            await until(settled)
            assert len(receiver.calls) < 3


@pytest.mark.asyncio
async def test_a_message_is_replayed_by_its_id() -> None:
    with receiving(Receiver()) as receiver:
        async with world() as w:
            endpoint = await w.webhooks.register(MINE, receiver.url, [])
            message = await w.happen()
            await until(lambda: w.newest(endpoint).state == DELIVERED)
            await w.webhooks.replay(MINE, endpoint.id, message)
            await until(lambda: len(receiver.calls) == 2)
            assert receiver.calls[0].message == receiver.calls[1].message == message
            for stranger, name, wanted in (
                (OTHERS, endpoint.id, message),
                (MINE, "wh_x", message),
                (MINE, endpoint.id, message_id(ORIGIN, 99)),
            ):
                with pytest.raises(UnknownWebhook):
                    await w.webhooks.replay(stranger, name, wanted)


@pytest.mark.asyncio
async def test_a_receiver_hears_only_what_its_centre_may_know_and_it_asked_for() -> None:
    with receiving(Receiver()) as mine, receiving(Receiver()) as others:
        async with world() as w:
            await w.webhooks.register(MINE, mine.url, [CLOSED])
            await w.webhooks.register(OTHERS, others.url, [])
            await w.happen(LOST, MINE)
            await w.happen(CLOSED, MINE)
            await w.happen(LOST, MINE, OTHERS)
            await until(lambda: len(mine.calls) == 1 and len(others.calls) == 1)
            await until(lambda: not w.ledger._outbox)
            assert mine.calls[0].event["type"] == f"tongping.{CLOSED}.v1"
            assert others.calls[0].event["data"]["index"] == 2


@pytest.mark.asyncio
async def test_a_receiver_that_hangs_holds_up_no_other() -> None:
    def hang(connection: socket.socket, number: int) -> None:
        time.sleep(3)

    with receiving(Receiver(behave=hang)) as slow, receiving(Receiver()) as quick:
        async with world() as w:
            dead = await w.webhooks.register(MINE, slow.url, [])
            await w.webhooks.register(OTHERS, quick.url, [])
            start = time.monotonic()
            for _ in range(300):
                await w.happen(LOST, MINE, OTHERS)
            await until(lambda: len(quick.calls) == 300)
            assert time.monotonic() - start < 8
            await until(lambda: any(d.error == "timeout" for d in w.store.deliveries(dead.id, 999)))
            assert all(d.state == PENDING for d in w.store.deliveries(dead.id, 999))


@pytest.mark.asyncio
async def test_what_is_registered_is_checked_and_belongs_to_its_centre() -> None:
    w = World()
    for url in ("ftp://b.example/", "https://user@b.example/"):
        with pytest.raises(WebhookUrlRefused):
            await w.webhooks.register(MINE, url, [])
    with pytest.raises(WebhookTypeRefused):
        await w.webhooks.register(MINE, "https://b.example/", ["session.sheet-sealed"])
    first = await w.webhooks.register(MINE, "https://b.example/", [LOST, LOST])
    assert first.types == (LOST,)
    for _ in range(MAX_ENDPOINTS - 1):
        await w.webhooks.register(MINE, "https://b.example/", [])
    with pytest.raises(TooManyWebhooks):
        await w.webhooks.register(MINE, "https://b.example/", [])
    for name in (first.id, "wh_none"):
        for attempt in (w.webhooks.get, w.webhooks.remove, w.webhooks.rotate):
            with pytest.raises(UnknownWebhook):
                await attempt(OTHERS, name)
    with pytest.raises(StaleVersion):
        await w.webhooks.remove(MINE, first.id, version=2)
    await w.webhooks.remove(MINE, first.id, version=1)
    assert first.id not in [e.id for e in await w.webhooks.of(MINE)]
    await w.sender.close()


def test_no_message_is_lost_to_kill_9_and_a_repetition_has_its_id(tmp_path: Path) -> None:
    """Issue 5: one delivery loop that survives kill -9: at least once, the same webhook-id, the same octets."""
    url, count, seed = f"sqlite:///{tmp_path / 'ledger.sqlite'}", 120, 5
    prepare(url)
    webhooks_database.prepare(url)
    rng = random.Random(seed)
    with receiving(Receiver()) as receiver:
        store = DatabaseWebhooks(url=url, master=MASTER, entropy=os.urandom)
        store.add(Endpoint("wh_1", MINE, receiver.url, (), fresh_keys(os.urandom), 0))
        store.close()

        async def append() -> None:
            ledger = DatabaseLedger(url)
            for origin in (ORIGIN, OTHER):
                epoch = await ledger.lease(origin, "me", 3600)
                for n in range(count // 2):
                    row, told = [entry(n, origin)], [Notice(n, LOST, (MINE,)).encode()]
                    await ledger.append(origin, row, expected_size=n, epoch=epoch, outbox=told)
            ledger.close()

        kills = 0
        appending = asyncio.new_event_loop()
        try:
            appending.run_until_complete(append())
        finally:
            appending.close()
        expected = {message_id(origin, n) for origin in (ORIGIN, OTHER) for n in range(count // 2)}
        while {call.message for call in receiver.calls} != expected:
            heard = len(receiver.calls)
            command = [sys.executable, "-m", "tests.sessions.webhook_process", url]
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
            assert process.stdout is not None
            with process.stdout as ready:
                assert ready.readline() == b"ready\n"
                wanted = heard + rng.randrange(1, 40)
                deadline = time.monotonic() + 30
                while len(receiver.calls) < wanted and {c.message for c in receiver.calls} != expected:
                    assert time.monotonic() < deadline, "nothing comes any more"
                    time.sleep(0.001)
                process.kill()
                process.wait()
            kills += 1
        assert kills > 2
        bodies: dict[str, set[bytes]] = {}
        for call in receiver.calls:
            bodies.setdefault(call.message, set()).add(call.body)
        assert all(len(found) == 1 for found in bodies.values())
        times = Counter(call.message for call in receiver.calls)
        assert max(times.values()) <= kills + 1
