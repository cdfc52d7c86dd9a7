"""Closed segments on their way into the log: vault first, then `SegmentsClosed`, then the worker may forget them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from pathlib import Path

from evidence.core.canonical import Object, b64u, encode, sha256, unb64u
from evidence.errors import LostLease, ObjectRejected
from evidence.ports import Vault
from media.core.record import SegmentKey, SegmentRecord
from sessions.core import commands
from sessions.docket import Docket

logger = logging.getLogger(__name__)

# An entry has at most 60 000 bytes (protocols.md 1.1); the rest of it needs far less than the difference.
MAX_SEGMENTS_BYTES = 50_000
# Looks per settling time: no look is ever far from the moment that it waits for.
_LOOKS = 3


class Announcer:
    """One proceeding's segments. `now` is a monotonic clock in seconds; a venue announces at most once in `every`
    seconds, and gives the tracks of one room `settle` seconds to close; `acknowledge` tells the worker."""

    def __init__(
        self,
        *,
        docket: Docket,
        vault: Vault,
        acknowledge: Callable[[Sequence[SegmentKey]], Awaitable[None]],
        now: Callable[[], float],
        every: float,
        settle: float,
    ) -> None:
        self._docket = docket
        self._vault = vault
        self._acknowledge = acknowledge
        self._now = now
        self._every = every
        self._settle = settle
        self._pending: dict[SegmentKey, SegmentRecord] = {}
        self._logged: dict[SegmentKey, str] = {}
        self._folded = 0
        self._announced: dict[str, float] = {}
        self._flushing = asyncio.Lock()

    def note(self, record: SegmentRecord) -> None:
        """The worker closed a segment, or says so again."""
        self._pending[record.key] = record

    async def run(self) -> None:
        """Bring what was closed into the log, each venue at its times, until cancelled."""
        while True:
            await asyncio.sleep(self._settle / _LOOKS)
            for venue in self._ripe():
                try:
                    await self.flush(venue)
                except LostLease:
                    raise
                except Exception:
                    # The segments stay in the worker's spool and in `_pending`: the next round takes them again.
                    logger.warning("segments of %s in %s wait", venue, self._docket.origin, exc_info=True)

    async def flush(self, venue: str, *, last: bool = False) -> None:
        """Every segment of the venue that waits: vault, then the log, then the acknowledgement.

        A file that is not what the recorder closed holds up its track; `last` leaves it out, so that damage to one
        segment, which every verifier will miss, cannot keep a proceeding from its end.
        """
        async with self._flushing:
            self._fold()
            self._announced[venue] = self._now()
            mine = {key: record for key, record in self._pending.items() if self._venue(key.room) == venue}
            done = [key for key, record in mine.items() if self._logged.get(key) == record.sha256]
            waiting = sorted(
                (record for key, record in mine.items() if key not in self._logged),
                key=lambda record: (record.room, record.kind, record.take, record.number),
            )
            for part in _parts(await self._stored(waiting, last)):
                closed = tuple(segment for _, segment in part)
                await self._docket.execute(commands.CloseSegments(venue, closed))
                done += [record.key for record, _ in part]
            self._fold()
            if done:
                await self._acknowledge(done)
                for key in done:
                    self._pending.pop(key, None)

    async def _stored(self, records: Iterable[SegmentRecord], last: bool) -> list[tuple[SegmentRecord, Object]]:
        stored: list[tuple[SegmentRecord, Object]] = []
        damaged: set[tuple[str, str, int]] = set()
        for record in records:
            track = (record.room, record.kind, record.take)
            if track in damaged:
                continue
            try:
                await self._store(record)
            except (ObjectRejected, OSError) as error:
                logger.error("segment %s of %s: %s", record.key, self._docket.origin, error)
                if not last:
                    damaged.add(track)
                continue
            stored.append((record, _segment(record)))
        return stored

    async def _store(self, record: SegmentRecord) -> None:
        for path, expected in ((record.init_path, record.init_sha256), (record.path, record.sha256)):
            data = await asyncio.to_thread(Path(path).read_bytes)
            if sha256(data).hex() != expected:
                raise ObjectRejected(f"{path} is not what the recorder closed")
            await self._vault.put(data)

    def _ripe(self) -> list[str]:
        """Venues with segments, not announced for a while: the tracks of a room close within a moment of each other,
        so whatever comes first waits for that moment."""
        now, ripe = self._now(), []
        for venue in sorted({self._venue(key.room) for key in self._pending}):
            first = self._announced.setdefault(venue, now - self._every + self._settle)
            if now - first >= self._every:
                ripe.append(venue)
        return ripe

    def _venue(self, room: str) -> str:
        found = self._docket.state.rooms.get(room)
        return found.venue if found is not None else ""

    def _fold(self) -> None:
        """Which segments the log holds, so that none is announced twice, not even after a crash in between."""
        for entry in self._docket.entries[self._folded :]:
            if entry.type == "SegmentsClosed":
                for s in entry.body["segments"]:
                    key = SegmentKey(s["room"], s["kind"], s["take"], s["number"])
                    self._logged[key] = unb64u(s["sha256"], 32).hex()
        self._folded = len(self._docket.entries)


def _segment(record: SegmentRecord) -> Object:
    """docs/protocol.md section 5."""
    return {
        "bytes": record.bytes,
        "duration": record.duration_ms,
        "gaps": [list(gap) for gap in record.gaps],
        "init": b64u(bytes.fromhex(record.init_sha256)),
        "keyframe": record.keyframe,
        "kind": record.kind,
        "lost": record.lost,
        "number": record.number,
        "packets": record.packets,
        "recovered": record.recovered,
        "room": record.room,
        "sha256": b64u(bytes.fromhex(record.sha256)),
        "t0": record.t0_ms,
        "t1": record.t1_ms,
        "take": record.take,
    }


def _parts(stored: Iterable[tuple[SegmentRecord, Object]]) -> Iterator[list[tuple[SegmentRecord, Object]]]:
    """As many segments as fit into one entry."""
    part: list[tuple[SegmentRecord, Object]] = []
    size = 0
    for record, segment in stored:
        length = len(encode(segment)) + 1
        if part and size + length > MAX_SEGMENTS_BYTES:
            yield part
            part, size = [], 0
        part.append((record, segment))
        size += length
    if part:
        yield part
