"""A log as the files that C2SP names: checkpoint, tiles, proofs, receipts. All from memory and committed rows."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import PlainTextResponse, Response

from evidence.core.canonical import b64
from evidence.core.entry import Entry
from evidence.core.tiles import WIDTH, Tile, write_bundle
from evidence.errors import NoQuorum
from sessions.docket import Log
from sessions.service_errors import NotWitnessedYet
from web.server.errors import NotFound

# A full tile never changes; a partial one, a checkpoint and a receipt do (C2SP tlog-tiles, "Caching").
_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
_OCTETS = "application/octet-stream"
_TEXT = "text/plain; charset=utf-8"


def checkpoint(log: Log) -> Response:
    """The newest checkpoint that the log has signed, with the cosignatures that it has so far."""
    if not log.newest.size:
        raise NotFound("no checkpoint yet")
    return Response(log.newest.note, media_type=_TEXT)


def tile(log: Log, entries: Sequence[Entry], path: str) -> Response:
    """A hash tile or a bundle of entries. Only what the newest checkpoint covers is shown: the rest may still move."""
    wanted = Tile.parse(path)
    _, stop = wanted.span
    if stop > log.newest.size:
        raise NotFound("the log does not reach so far")
    if wanted.level is None:
        start, _ = wanted.span
        data = write_bundle([entry.data for entry in entries[start:stop]])
    else:
        data = wanted.hashes(log.tree)
    return Response(data, media_type=_OCTETS, headers=_FOR_EVER if wanted.width == WIDTH else {})


def consistency(log: Log, old: int, size: int) -> Response:
    """A consistency proof (RFC 6962 section 2.1.2), one base64 hash a line."""
    if not 0 < old <= size <= log.size:
        raise NotFound("the log does not reach so far")
    return PlainTextResponse("".join(b64(node) + "\n" for node in log.tree.consistency(old, size)))


def receipt(log: Log, n: int) -> Response:
    """The tlog-proof of entry n under a checkpoint with its quorum."""
    try:
        return Response(bytes(log.receipt(n)), media_type=_TEXT)
    except NoQuorum as error:
        raise NotWitnessedYet(str(error)) from error


def entry(entries: Sequence[Entry], n: int) -> Entry:
    """Entry n, committed."""
    if n >= len(entries):
        raise NotFound("no such entry")
    return entries[n]
