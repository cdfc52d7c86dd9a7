"""A main server on fakes that keep every promise: real keys, envelopes, PDF signatures, ledger and vault of choice.

`World` is what survives a process; `World.process()` is one process. `People` does what the views say is to be done.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import typst

from evaluation.adapters import addendum_html, report_workbook
from evidence.adapters import envelope_p256
from evidence.adapters.memory import MemoryLedger, MemoryVault
from evidence.core.act import Act
from evidence.core.canonical import Object, b64, b64u, encode, sha256
from evidence.core.entry import Entry
from evidence.core.policy import Policy
from evidence.errors import UnknownLog
from evidence.ports import Ledger, Vault
from evidence.witnessing import Pace
from media.adapters.memory import MemoryEngine
from media.core.events import Event, SegmentClosed
from media.core.plan import RoomPlan
from media.core.record import SegmentKey, SegmentRecord
from media.errors import MediaUnavailable
from media.ports import MediaEngine, Offer
from sessions.adapters.keyring_files import FileKeyring
from sessions.adapters.keyring_memory import MemoryKeyring, MemoryPreparations
from sessions.adapters.nodes_memory import MemoryHolder, MemoryWitness
from sessions.adapters.pdf_reading import PdfReading
from sessions.adapters.preparations_files import FilePreparations
from sessions.core import acts
from sessions.core.replay import Replay
from sessions.core.state import Proceeding
from sessions.errands import Pauses
from sessions.ports import Keyring
from sessions.recording import RecordingTimes
from sessions.service import ProceedingKeeper, Proceedings
from sessions.times import Times
from sessions.trust import Pins
from signing.adapters import pades
from signing.adapters.certificate_authority import create_root, open_authority
from signing.adapters.memory import MemoryRegister
from signing.adapters.pades import check_act, embed
from signing.adapters.sealed_keys import SealedKeyStore
from signing.core.authorisation import ECDSA_SHA256_OID, SHA256_OID, Request
from signing.core.credential import Holder
from signing.core.prepared import Prepared
from signing.errors import SigningUnavailable
from signing.ports import Issued
from signing.service import SigningService
from tests.sessions import drive

MAIN, FINANCE = drive.MAIN, drive.FINANCE
NAMES = {MAIN: {"zh": "呼和浩特", "en": "Hohhot"}, drive.ZHUHAI: {"zh": "珠海", "en": "Zhuhai"}}
"""What the agreement calls the cities; of the others it says nothing."""
SDP = (Path(__file__).parents[1] / "media" / "vectors" / "chromium-156.offer.sdp").read_text()
TIMES = Times(
    venue_lost=0.3,
    grace=0.4,
    look=0.03,
    gate=5.0,
    chain=1.0,
    opening=10.0,
    looks=0.3,
    recording=RecordingTimes(announce=0.2, settle=0.02, lost=0.3, flowing=0.2, reconnect=0.02),
    pauses=Pauses(first=0.01, longest=0.05),
    pace=Pace(batch=0.005, cadence=0.01, pause=0.005, pause_max=0.02, lease=5.0),
)
"""A hundredth of the real times, so that tests wait for conditions and not for clocks."""
SEGMENT_S = 0.2


def utc() -> datetime:
    return datetime.now(UTC)


@cache
def blank_report() -> bytes:
    """A real PDF; what is in it is the renderer's own test."""
    return typst.compile(b"#set document(date: none)\n= Report\n#lorem(50)")


def render(content: Object) -> bytes:
    """Another content is another document, as with the renderer itself."""
    return blank_report() + b"%" + sha256(encode(content)).hex().encode() + b"\n"


class LocalCloud:
    """The signing service without its wire; `down` as long as the process is away."""

    def __init__(self, folder: Path) -> None:
        keys = SealedKeyStore(master=os.urandom(32), entropy=os.urandom)
        create_root(folder, keys=keys, operator="呼和浩特市公共资源交易中心", at=utc())
        self.authority = open_authority(folder, keys=keys)
        self.down = False
        self.signed: list[bytes] = []
        self._service = SigningService(
            keys=keys, authority=self.authority, credentials=MemoryRegister(), clock=utc, entropy=os.urandom
        )

    async def register(self, holder: Holder) -> Issued:
        self._answer()
        return self._service.register(holder)

    async def finish(self, prepared: Prepared, *, act_jws: str) -> bytes:
        self._answer()
        credential = check_act(prepared, act_jws)
        sad, _ = self._service.authorize(Request(credential, (prepared.dtbs,), 1, act_jws))
        (signature,) = self._service.sign_hash(
            credential=credential,
            sad=sad,
            hashes=[prepared.dtbs],
            hash_algo=SHA256_OID,
            sign_algo=ECDSA_SHA256_OID,
        )
        self.signed.append(signature)
        return embed(prepared, signature)

    def _answer(self) -> None:
        if self.down:
            raise SigningUnavailable("away")


class Connection:
    """One client's connection to an engine: dead once the worker is."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._engine = worker.engine
        # The real worker counts takes on over its deaths, the one in memory does not.
        self._take = worker.kills + 1

    def _alive(self) -> MemoryEngine:
        if self._worker.engine is not self._engine or self._worker.down:
            raise MediaUnavailable("the worker died")
        return self._engine

    async def open(self, plan: RoomPlan) -> None:
        await self._alive().open(plan)

    async def publish(self, room: str, sdp_offer: str) -> str:
        return await self._alive().publish(room, sdp_offer)

    async def watch(self, watcher: str) -> Offer:
        return await self._alive().watch(watcher)

    async def answer(self, subscription: str, sdp: str) -> None:
        await self._alive().answer(subscription, sdp)

    async def loopback(self, name: str, sdp_offer: str) -> str:
        return await self._alive().loopback(name, sdp_offer)

    async def drop(self, name: str) -> None:
        await self._alive().drop(name)

    async def start_recording(self, rooms: Sequence[str]) -> None:
        await self._alive().start_recording(rooms)

    async def stop_recording(self, rooms: Sequence[str]) -> None:
        await self._alive().stop_recording(rooms)

    async def status(self) -> Mapping[str, Any]:
        return await self._alive().status()

    async def unacknowledged(self) -> list[SegmentRecord]:
        return [replace(record, take=self._take) for record in await self._alive().unacknowledged()]

    async def acknowledge(self, keys: Sequence[SegmentKey]) -> None:
        await self._alive().acknowledge([replace(key, take=1) for key in keys])

    async def events(self) -> AsyncIterator[Event]:
        async for event in self._alive().events():
            if isinstance(event, SegmentClosed):
                event = SegmentClosed(replace(event.record, take=self._take))
            yield event
        raise MediaUnavailable("the worker died")

    async def close(self) -> None:
        """Nobody else notices."""


class Worker:
    """The media worker's process; `kill` is kill -9 and a restart on the same spool."""

    def __init__(self, spool: Path) -> None:
        self.spool = spool
        self.down = False
        self.kills = 0
        self._next_cut = 0.0
        self.engine = self._new()

    def _new(self) -> MemoryEngine:
        return MemoryEngine(spool=self.spool / str(self.kills), clock=lambda: time.time() * 1000)

    async def connect(self, plan: RoomPlan) -> MediaEngine:
        if self.down:
            raise MediaUnavailable("away")
        return Connection(self)

    async def kill(self) -> None:
        """The rooms' connections are gone."""
        old = self.engine
        self.kills += 1
        self.engine = self._new()
        await old.close()

    def cut(self) -> None:
        """A segment's length goes by, if it is time."""
        if time.monotonic() >= self._next_cut:
            self._next_cut = time.monotonic() + SEGMENT_S
            with suppress(KeyError):
                for number in (1, 2, 3):
                    self.engine.cut(f"room-{number}")


@dataclass
class World:
    """What outlives every process: disks, keys, nodes, the signing service and the media worker."""

    folder: Path
    ledger: Ledger = field(default_factory=MemoryLedger)
    vault: Vault = field(default_factory=MemoryVault)
    times: Times = TIMES
    disk: bool = False

    def __post_init__(self) -> None:
        self.master = os.urandom(32)
        self._memory_keyring = MemoryKeyring(domain=MAIN)
        self._memory_preparations = MemoryPreparations()
        if self.disk:
            FileKeyring.initialise(self.folder / "keys", domain=MAIN, master=self.master, entropy=os.urandom)
        self.cloud = LocalCloud(self.folder / "ca")
        self.worker = Worker(self.folder / "spool")
        # How far somebody has set the server's clock.
        self.shift = timedelta()
        self.witnesses = [MemoryWitness(domain=f"{name}/witness", clock=time.time) for name in drive.HOLDERS]
        self.holders = {
            domain: MemoryHolder(
                domain=domain,
                read=self._read,
                envelopes=envelope_p256,
                entropy=os.urandom,
                now=lambda: int(time.time()),
            )
            for domain in drive.HOLDERS
        }
        self.pins = self.agreed({d: h.signer.jwk for d, h in self.holders.items()})
        for witness in self.witnesses:
            witness.pin(self.pins.policy, self.keyring.identity.jwk)

    def agreed(self, cities: Mapping[str, Object]) -> Pins:
        """The agreement with cities that have these identity keys."""
        policy = Policy(self.keyring.centre_log.vkey, tuple(w.vkey for w in self.witnesses), 3)
        identities = {MAIN: self.keyring.identity.jwk} | dict(cities)
        trust = {
            "v": 1,
            "main": MAIN,
            "centres": [
                {"domain": d, "operator": d, "jwk": jwk} | ({"name": NAMES[d]} if d in NAMES else {})
                for d, jwk in identities.items()
            ],
            "ca_roots": [b64(root) for root in self.cloud.authority.roots],
            "holder_k": 2,
            "f": 1,
        }
        return Pins.parse(str(policy), json.dumps(trust))

    @property
    def keyring(self) -> Keyring:
        """The keys as a process finds them when it starts."""
        if not self.disk:
            return self._memory_keyring
        return FileKeyring(self.folder / "keys", domain=MAIN, master=self.master, entropy=os.urandom)

    def process(self, ledger: Ledger | None = None) -> Proceedings:
        """A new process on what there is."""
        return Proceedings(
            owner="web-1",
            pins=self.pins,
            ledger=ledger or self.ledger,
            vault=self.vault,
            witnesses=self.witnesses,
            holders=self.holders,
            envelopes=envelope_p256,
            cloud=self.cloud,
            reports=pades,
            renderer=render,
            workbooks=report_workbook.render,
            addenda=addendum_html.render,
            engines=self.worker,
            reader=PdfReading(),
            keyring=self.keyring,
            preparations=FilePreparations(self.folder / "prepared") if self.disk else self._memory_preparations,
            evidence=self.folder / "evidence",
            clock=lambda: utc() + self.shift,
            entropy=os.urandom,
            times=self.times,
        )

    @asynccontextmanager
    async def running(self, ledger: Ledger | None = None) -> AsyncIterator[Proceedings]:
        """A process from its start to its orderly end."""
        proceedings = self.process(ledger)
        await proceedings.start()
        try:
            yield proceedings
        finally:
            await proceedings.stop()

    async def _read(self, origin: str) -> Sequence[bytes]:
        with suppress(UnknownLog):
            return await self.ledger.entries(origin, 0, await self.ledger.size(origin))
        return []


DOCUMENT = b"%PDF the tender's document"


def tender(**changed: Object) -> Object:
    """A tender as the administrator hands it in."""
    definition = {k: v for k, v in drive.definition().items() if k not in ("v", "salt", "origin")}
    definition["documents"] = [{"sha256": b64u(sha256(DOCUMENT)), "name": "招标文件.pdf", "bidder": None, "pages": 3}]
    value: Object = {
        "kind": "rehearsal",
        "definition": definition,
        "venues": drive.VENUES,
        "rooms": drive.ROOMS,
        "seats": drive.SEATS,
        "files": [b64(DOCUMENT)],
    }
    return value | changed


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait for a condition, looking often; fail after the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.005)


async def eventually(condition: Callable[[], Awaitable[Any]], seconds: float = 10.0) -> None:
    """`until` for a question that is awaited."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.005)


def types(entries: Sequence[Entry]) -> list[str]:
    return [entry.type for entry in entries]


async def audit(world: World, keeper: ProceedingKeeper) -> None:
    """Everything in the log was allowed: decided again, act by act."""
    definition = keeper.state.definition
    assert definition is not None
    document = await world.vault.get(definition.sha256.hex())

    def check(state: Proceeding, act: Act) -> None:
        acts.check(state, act, root_at=lambda size: keeper.log.tree.root(size))

    folded = Replay(keeper.entries, load=lambda _: document, check=check)
    assert len(list(folded)) == len(keeper.entries)
    assert folded.state == keeper.state
