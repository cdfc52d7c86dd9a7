"""Entries: the leaves of a log (protocols.md section 1.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from evidence.core import act as acts
from evidence.core import disclosure
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, decode_object, encode, members, unb64u
from evidence.core.merkle import leaf_hash
from evidence.core.origins import begins
from evidence.errors import Malformed

SALT_BYTES = 16
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
_TYPE = re.compile(r"[A-Z][A-Za-z0-9]{2,63}\Z")


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it has a place in a log. `body` holds only what the server adds to the act."""

    type: str
    body: Object
    act: Act | None = None
    assertion: Object | None = None
    sd: tuple[str, ...] = ()
    v: int = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A leaf; `data` holds the exact octets that the leaf hash covers."""

    data: bytes
    n: int
    origin: str
    at: str
    type: str
    v: int
    body: Object
    act: Act | None
    assertion: Object | None
    sd: tuple[str, ...]

    @property
    def leaf(self) -> bytes:
        """H(0x00 || entry), RFC 6962."""
        return leaf_hash(self.data)


def write(draft: Draft, *, n: int, origin: str, at: str, salt: bytes) -> Entry:
    """The entry at index `n`; `at` is RFC 3339 UTC with milliseconds, `salt` 16 fresh random bytes."""
    value: Object = {
        "at": at,
        "body": draft.body,
        "n": n,
        "origin": origin,
        "salt": b64u(salt),
        "type": draft.type,
        "v": draft.v,
    }
    if draft.act is not None:
        value["act"] = draft.act.jws
    if draft.assertion is not None:
        value["assertion"] = draft.assertion
    if draft.sd:
        value["_sd"] = sorted(draft.sd)
    return parse(encode(value))


def check_row(row: Sequence[Entry], origin: str, start: int) -> None:
    """The entries belong to this log, or to one that it continues, and stand in a row from index `start` on, no act
    twice."""
    if not row or any(not begins(entry.origin, origin) or entry.n != n for n, entry in enumerate(row, start)):
        raise Malformed("the entries were written for another place")
    ids = [entry.act.id for entry in row if entry.act is not None]
    if len(set(ids)) != len(ids):
        raise Malformed("one act twice in one append")


def timestamp(milliseconds: int) -> str:
    """`at` for a time in ms since the epoch: RFC 3339, UTC."""
    whole = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def parse(data: bytes) -> Entry:
    """Read an entry strictly; the act inside is parsed, its signature is checked where the key is known."""
    value = members(
        decode_object(data),
        {"at": str, "body": dict, "n": int, "origin": str, "salt": str, "type": str, "v": int},
        {"_sd": list, "act": str, "assertion": dict},
    )
    unb64u(value["salt"], SALT_BYTES)
    if not _AT.match(value["at"]) or not _TYPE.match(value["type"]) or value["n"] < 0 or value["v"] < 1:
        raise Malformed("at, type, n or v is out of form")
    if encode(value) != data:
        raise Malformed("not in canonical form")
    return Entry(
        data=data,
        n=value["n"],
        origin=value["origin"],
        at=value["at"],
        type=value["type"],
        v=value["v"],
        body=value["body"],
        act=acts.parse(value["act"]) if "act" in value else None,
        assertion=value.get("assertion"),
        sd=disclosure.digests(value["_sd"]) if "_sd" in value else (),
    )
