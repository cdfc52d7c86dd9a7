"""What is left of a log that goes on under another origin (docs/protocol.md 11.2).

Acknowledged entries of a log are gone everywhere. The tree of the next one begins with the very leaves that are left,
so what was proven of them holds on, and whoever cosigns the next one cosigns what was left.
"""

from __future__ import annotations

from dataclasses import dataclass

from evidence.core.canonical import Object, b64u, members, unb64u
from evidence.core.entry import Entry
from evidence.core.origins import following
from evidence.errors import Malformed, Untrusted

__all__ = ["Remains", "of_opening"]


@dataclass(frozen=True, slots=True)
class Remains:
    """What is left of the log `origin`: `size` entries under `root`, where `witnessed` entries had been witnessed."""

    origin: str
    size: int
    root: bytes
    witnessed: int

    @property
    def json(self) -> Object:
        return {"origin": self.origin, "size": self.size, "root": b64u(self.root), "witnessed": self.witnessed}

    @staticmethod
    def parse(value: object) -> Remains:
        """Read it strictly."""
        body = members(value, {"origin": str, "size": int, "root": str, "witnessed": int})
        found = Remains(body["origin"], body["size"], unb64u(body["root"], 32), body["witnessed"])
        if not 0 < found.size < found.witnessed:
            raise Malformed("what is left is some entries, and fewer than were witnessed")
        return found


def of_opening(opened: Entry) -> Remains | None:
    """What the log of this `ProceedingOpened` continues; None where it founds a proceeding. Untrusted where its name
    is not the next one."""
    body = opened.act.body if opened.act else {}
    if "continues" not in body:
        return None
    left = Remains.parse(body["continues"])
    if body.get("origin") != following(left.origin):
        raise Untrusted("a log goes on under the next name of its proceeding")
    return left
