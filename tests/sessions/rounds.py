"""Where the tests of secret rounds begin: a drive at the detailed review."""

from __future__ import annotations

from typing import Any

from evidence.core.act import Act
from evidence.core.canonical import Object, b64u
from evidence.core.entry import Draft
from tests.sessions.drive import MEMBERS, Drive, spread

SHEETS = spread()


def copy_of(ready: Drive) -> Drive:
    """A drive of its own with the same log."""
    copied = Drive()
    for entry in ready.entries:
        copied.append([Draft(entry.type, entry.body, entry.act, sd=entry.sd)], entry.at)
    copied.sealed = dict(ready.sealed)
    return copied


def seal(drive: Drive, seat: str = "seat-1", **more: Any) -> Act:
    act = drive.seal(seat, drive.sheet(seat, SHEETS[seat]), **more)[0].act
    assert act is not None
    return act


def seal_all(drive: Drive) -> None:
    for seat in MEMBERS:
        seal(drive, seat)


def ack(act: bytes, index: int) -> Object:
    return {"act": b64u(act), "index": index}


def leaf(drive: Drive) -> str:
    assert drive.round.freeze is not None
    return b64u(drive.round.freeze.leaf)
