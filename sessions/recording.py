"""The proceeding's media worker: who publishes, what is recorded, and which segments are in the log.

The worker goes on without us, and we without it. Whenever it answers (again), it gets its plan and is told what to
record; whatever it closed meanwhile it announces until we acknowledge it, and we do that only after the segment lies in
the vault and its `SegmentsClosed` is durable.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evidence.ports import Vault
from media.core.events import EngineStarted, Event, RecorderAlarm, RoomConnected, RoomLost, SegmentClosed
from media.core.plan import RoomPlan
from media.core.record import SegmentKey
from media.errors import MediaError, MediaUnavailable
from media.ports import MediaEngine, Offer
from sessions.announcing import Announcer
from sessions.core import commands, duties, segments
from sessions.core.state import RECORDING_LOST
from sessions.docket import Docket
from sessions.losses import Losses
from sessions.ports import MediaEngines
from sessions.service_errors import RoomNotAdmitted
from sessions.updates import MediaChanged

logger = logging.getLogger(__name__)

# What arrives does not reach the disk: to the people in the room that is no recording. A disk that is nearly full still
# takes it, and is an alarm only.
_NOT_WRITTEN = frozenset({"disk-failed", "disk-stalled"})


@dataclass(frozen=True, slots=True)
class RecordingTimes:
    """Seconds. `announce`: at most one `SegmentsClosed` per venue in this time (architecture 4). `settle`: how long the
    tracks of one room are given to close. `lost`: a room without packets for so long pauses the proceeding. `flowing`:
    packets younger than this are a flow. `reconnect`: between two attempts to reach the worker, which its supervisor
    restarts within a second."""

    announce: float = 10.0
    settle: float = 1.5
    lost: float = 5.0
    flowing: float = 1.0
    reconnect: float = 0.25


class Recorder:
    """One proceeding's recording. `now` is a monotonic clock in seconds; `grace` what rooms get after our own start."""

    def __init__(
        self,
        *,
        docket: Docket,
        engines: MediaEngines,
        vault: Vault,
        now: Callable[[], float],
        grace: float,
        times: RecordingTimes,
    ) -> None:
        self._docket = docket
        self._engines = engines
        self._now = now
        self._times = times
        self._engine: MediaEngine | None = None
        self._engine_id: str | None = None
        self._connected: dict[str, bool] = {}
        self._ended: set[str] = set()
        self._again: set[str] = set()
        self._folded = 0
        self._flowed: dict[str, float] = {}
        self._first_flow = now() + grace - times.lost
        self.alarm: str | None = None
        """What keeps recordings from the disk, or soon may: a cause of `RecorderAlarm`, told again when we connect."""
        self.receivers: frozenset[tuple[str, str]] = frozenset()
        """(watcher, room): to whom the worker sends a room that is connected."""
        self.losses = Losses(now=now)
        self._announcer = Announcer(
            docket=docket,
            vault=vault,
            acknowledge=self._acknowledge,
            now=now,
            every=times.announce,
            settle=times.settle,
        )

    @property
    def plan(self) -> RoomPlan:
        """The rooms of the founding; they never change."""
        return RoomPlan(self._docket.id, tuple(self._rooms()))

    @property
    def media(self) -> MediaChanged:
        """What sockets are told."""
        return MediaChanged(self._engine_id, {room: self._connected.get(room, False) for room in self._rooms()})

    async def run(self) -> None:
        """Keep a connection to the worker and listen to it, until cancelled. Why there is none is said once."""
        said = ""
        while True:
            try:
                await self._session()
            except MediaError as error:
                if self._engine is not None or str(error) != said:
                    logger.info("media worker of %s: %s", self._docket.origin, error)
                said = str(error)
            except Exception:
                logger.exception("media worker of %s", self._docket.origin)
            finally:
                self._gone()
            await asyncio.sleep(self._times.reconnect)

    async def announce(self) -> None:
        """Bring closed segments into the log, until cancelled."""
        await self._announcer.run()

    # -- the doors -----------------------------------------------------------------------------------------------

    async def publish(self, room: str, sdp: str) -> str:
        """The worker's answer to an admitted room's offer."""
        if room not in self._docket.state.admitted:
            raise RoomNotAdmitted(f"{room} is not admitted")
        engine = self._reachable()
        if room in self._to_record():
            await engine.start_recording([room])
        return await engine.publish(room, sdp)

    async def watch(self, watcher: str) -> Offer:
        """All rooms' slots for one watcher."""
        return await self._reachable().watch(watcher)

    async def answer(self, subscription: str, sdp: str) -> None:
        """The watcher's answer."""
        await self._reachable().answer(subscription, sdp)

    async def loopback(self, name: str, sdp: str) -> str:
        """The worker's answer to a device check."""
        return await self._reachable().loopback(name, sdp)

    async def end(self, rooms: tuple[str, ...]) -> None:
        """Stop recording, bring every segment into the log, and only then say that it ended."""
        engine = self._reachable()
        await engine.stop_recording(rooms)
        for record in await engine.unacknowledged():
            self._announcer.note(record)
        for venue in sorted({self._docket.state.room(room).venue for room in rooms}):
            await self._announcer.flush(venue, last=True)
        await self._docket.execute(commands.EndRecording(rooms))

    def over(self, venue: str) -> bool:
        """Whether the recordings of all the venue's rooms have ended: then nobody has to stay connected."""
        self._fold()
        rooms = {room.id for room in self._docket.state.rooms.values() if room.venue == venue}
        return rooms <= self._ended

    # -- what the worker's silence and packets mean --------------------------------------------------------------

    async def observe(self) -> None:
        """Compare what flows with what the log says: a recording begins, is lost, flows again."""
        self._fold()
        if self._engine is not None and (again := sorted(self._again & self._to_record())):
            # The evaluation was reopened after its recordings had ended: rooms that are still there go on.
            await self._engine.start_recording(again)
            self._again.clear()
        now = self._now()
        flowing = await self._flowing(now)
        state, engine = self._docket.state, self._engine_id
        begun = tuple(
            room
            for room in sorted(flowing & self._to_record())
            if engine is not None and state.recording.get(room) != engine
        )
        if begun and engine is not None:
            await self._docket.execute(commands.StartRecording(begun, engine))
        for room in sorted(self._docket.state.recording):
            flowed = self._flowed.setdefault(room, max(now, self._first_flow))
            state = self._docket.state
            lost = (RECORDING_LOST, room) in state.pauses or room in state.waived
            if not lost and state.night is None and now - flowed >= self._limit():
                await self._docket.execute(commands.LoseRecording(room))
            elif lost and room in flowing:
                await self._docket.execute(commands.RegainRecording(room))

    def _limit(self) -> float:
        """How long a room may send nothing: the tender's figure, or ours where neither it nor its pack has one."""
        rules = self._docket.state.evaluation.incidents
        return self._times.lost if rules is None or not rules.source else float(rules.recorder)

    async def _flowing(self, now: float) -> set[str]:
        """Rooms whose sound and picture arrive and are recorded."""
        self.receivers = frozenset()
        if self._engine is None:
            return set()
        try:
            status = await self._engine.status()
        except MediaUnavailable:
            return set()
        flowing: set[str] = set()
        connected = [(room, facts) for room, facts in status["rooms"].items() if facts["connected"]]
        self.receivers = frozenset((name, room) for room, facts in connected for name in facts["receivers"])
        self.losses.saw(status["rooms"])
        for room, facts in status["rooms"].items():
            tracks = facts["tracks"]
            ages = [tracks[kind]["age_ms"] for kind in segments.REQUIRED if kind in tracks]
            if not facts["connected"] or len(ages) < len(segments.REQUIRED) or None in ages:
                continue
            if self.alarm in _NOT_WRITTEN:
                continue
            age = max(ages) / 1000
            self._flowed[room] = max(self._flowed.get(room, 0.0), now - age)
            if age < self._times.flowing and facts["recording_since_ms"] is not None:
                flowing.add(room)
        return flowing

    def _to_record(self) -> set[str]:
        """Admitted rooms until their recording ends, or is about to: a worker that was killed just then and comes back
        must not begin again."""
        self._fold()
        ending = any(isinstance(duty, duties.EndRecordings) for duty in duties.duties(self._docket.state))
        return set() if ending else self._docket.state.admitted.keys() - self._ended

    def _fold(self) -> None:
        """Which rooms' recordings are over, as long as the evaluation is not reopened."""
        for entry in self._docket.entries[self._folded :]:
            if entry.type == "RecordingEnded":
                self._ended |= set(entry.body["rooms"])
            if entry.type == "EvaluationReopened":
                self._again |= self._ended
                self._ended.clear()
        self._folded = len(self._docket.entries)

    def _rooms(self) -> list[str]:
        return sorted(self._docket.state.rooms)

    # -- the connection ------------------------------------------------------------------------------------------

    async def _session(self) -> None:
        engine = await self._engines.connect(self.plan)
        try:
            await engine.open(self.plan)
            if rooms := sorted(self._to_record()):
                await engine.start_recording(rooms)
            async for event in engine.events():
                if isinstance(event, EngineStarted):
                    self._engine = engine
                self._hear(event)
                if isinstance(event, EngineStarted):
                    await self._find_connected(engine)
        finally:
            await engine.close()

    async def _find_connected(self, engine: MediaEngine) -> None:
        """Rooms that were connected before we were: a killed web process must not make them publish anew."""
        rooms = (await engine.status())["rooms"]
        self._connected.update({room: True for room in self._rooms() if rooms.get(room, {}).get("connected")})
        self._docket.broadcast.publish(self.media)

    def _hear(self, event: Event) -> None:
        match event:
            case EngineStarted(engine):
                self.alarm = None
                self._engine_id = engine
            case RoomConnected(room):
                self._connected[room] = True
            case RoomLost(room):
                self._connected[room] = False
            case SegmentClosed(record):
                self._announcer.note(record)
                return
            case RecorderAlarm(cause, detail):
                self.alarm = None if cause == "disk-ok" else cause
                logger.warning("recording of %s: %s %s", self._docket.origin, cause, detail)
                return
            case _:
                logger.info("media of %s: %s", self._docket.origin, event)
                return
        self._docket.broadcast.publish(self.media)

    def _gone(self) -> None:
        if self._engine is not None:
            self._engine = self._engine_id = None
            self._connected.clear()
            self._docket.broadcast.publish(self.media)

    async def _acknowledge(self, keys: Sequence[SegmentKey]) -> None:
        await self._reachable().acknowledge(keys)

    def _reachable(self) -> MediaEngine:
        if self._engine is None:
            raise MediaUnavailable("the media worker does not answer")
        return self._engine
