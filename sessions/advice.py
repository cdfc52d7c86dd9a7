"""Comparing the documents of a tender: read one by one, by a process that may die, and put side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

from evaluation.core import collusion, tender
from evaluation.core.collusion import Comparison, Notes, Read
from evaluation.core.tender import Definition
from evidence.core.canonical import b64u, unb64u
from evidence.errors import Untrusted
from sessions.core.state import Proceeding
from sessions.ports import DocumentReader

Load = Callable[[bytes], Awaitable[bytes]]


async def compare(
    definition: Definition,
    notes: Notes,
    *,
    load: Load,
    reader: DocumentReader,
    given: Collection[tuple[bytes, str]] = (),
) -> Comparison:
    """Every document in its order. `given` are documents that somebody else could not examine, with the reason: what
    a machine had no time for is not found again by trying."""
    comparison = Comparison(definition, notes)
    known = dict(given)
    for document in collusion.order(definition):
        found: Read | str = known.get(document.sha256, "")
        if not found:
            said = await reader.read(await load(document.sha256))
            found = said if isinstance(said, str) else _read(*said)
        await asyncio.to_thread(comparison.add, document, found)
    return comparison


def _read(marks: list[list[str]] | None, pages: list[str]) -> Read:
    told = None if marks is None else tuple((source, value) for source, value in marks)
    return Read(told, tuple(pages))


async def read_notes(state: Proceeding, definition: Definition, load: Load) -> Notes:
    """What the buyer's side noted of bidders; nothing where the tender has no notes."""
    return {} if state.notes is None else _notes(await load(state.notes), definition)


def _notes(data: bytes, definition: Definition) -> Notes:
    return collusion.read_notes(data, [bidder.id for bidder in definition.bidders])


async def check(state: Proceeding, *, load: Load, reader: DocumentReader | None) -> bool:
    """Hold the noted advice against the documents: Untrusted where they say something else; False where this reader
    is another one than the advice was made with, or there is none, so that nobody can tell.

    (1) The advice has its form, and examines the documents of the definition in their order.
    (2) What it says of prices follows from the definition, whoever reads the documents.
    (3) What was examined is examined again, with the notes; what was not stays unexamined.
    (4) The same bytes come out.
    """
    advice, fixed = state.evaluation.advice, state.definition
    if advice is None or fixed is None:
        return True
    data = await load(advice.sha256)
    # (1)
    told = collusion.read(data)
    definition = tender.parse(await load(fixed.sha256))
    if [row[0] for row in told["examined"]] != [b64u(each.sha256) for each in collusion.order(definition)]:
        raise Untrusted("the advice examines other documents")
    if len(told["facts"]) != advice.facts:
        raise Untrusted("the advice has another number of facts than the log says")
    # (2)
    shown = [fact for fact in told["facts"] if "series" in fact]
    expected = [fact.json for fact in await asyncio.to_thread(collusion.regular, definition)]
    if shown != expected[: len(shown)] or (len(shown) < len(expected) and told["more"] == 0):
        raise Untrusted("the advice says of the prices what they do not show")
    if reader is None or told["engine"] != reader.engine:
        return False
    # (3)
    notes = await read_notes(state, definition, load)
    unread = [(unb64u(sha256), how) for sha256, how in told["examined"] if how not in collusion.EXAMINED]
    comparison = await compare(definition, notes, load=load, reader=reader, given=unread)
    # (4)
    if await asyncio.to_thread(comparison.document, engine=told["engine"], salt=unb64u(told["salt"])) != data:
        raise Untrusted("the advice is not what the documents show")
    return True
