"""The advice follows from the documents, and nothing follows from it (实施条例 40; protocols.md section 8)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import reduce

import pytest

from evaluation.core.state import Advice
from evidence.core.canonical import Object, decode_object, encode, sha256, unb64u
from evidence.errors import Malformed, Untrusted
from sessions import advice
from sessions.adapters.pdf_reading import PdfReading
from sessions.core import contents
from sessions.core.proceeding import evolve
from sessions.core.state import EMPTY
from tests.sessions.alike import FACTS
from tests.verify.finished import Finished, judged, pack
from tests.verify.test_forged import index, octets, rebuilt, refused


def told(finished: Finished) -> Object:
    """The advice of the evidence file."""
    entry = finished.entries[index(finished, "AdviceNoted")]
    return decode_object(finished.files[contents.object_name(unb64u(entry.body["sha256"], 32))])


class Elsewhere(PdfReading):
    """Other versions of the programs that read."""

    engine = "another reader 1.0"


class Once(PdfReading):
    """Reads each document once, however often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self._read: dict[bytes, tuple[list[list[str]] | None, list[str]] | str] = {}

    async def read(self, document: bytes) -> tuple[list[list[str]] | None, list[str]] | str:
        if document not in self._read:
            self._read[document] = await super().read(document)
        return self._read[document]


ONCE = Once()


def held(finished: Finished, value: Object, facts: int) -> bool:
    """Step (13) over a log that names this advice."""
    data = encode(value)
    state = reduce(evolve, finished.entries, EMPTY)
    noted = replace(state, evaluation=replace(state.evaluation, advice=Advice(0, sha256(data), facts)))

    async def load(name: bytes) -> bytes:
        return data if name == sha256(data) else finished.files[contents.object_name(name)]

    return asyncio.run(advice.check(noted, load=load, reader=ONCE))


def test_the_advice_says_what_the_documents_show(finished: Finished) -> None:
    found = told(finished)
    assert [(fact["kind"], fact["bidders"]) for fact in found["facts"]] == FACTS
    assert [how for _, how in found["examined"]] == ["whole", "whole", "whole", "broken"]
    assert index(finished, "ReportFrozen") > index(finished, "AdviceNoted")
    assert held(finished, found, len(FACTS))


def test_another_reader_cannot_tell_and_says_so(finished: Finished) -> None:
    verdict = judged(pack(finished.files), finished.policy, reader=Elsewhere())
    assert verdict.outcome == "valid"
    assert "advice-not-reread" in verdict.flags


def test_an_advice_that_its_documents_do_not_show_is_refused(finished: Finished) -> None:
    """A fact hidden, painted over or made up; a document that was spared; another number than the log's."""
    found = told(finished)
    first, *others = found["facts"]
    for facts in (others, [first | {"value": "li si"}, *others], [first, first, *others]):
        with pytest.raises(Untrusted):
            held(finished, found | {"facts": facts}, len(facts))
    with pytest.raises(Untrusted):
        held(finished, found | {"examined": found["examined"][1:]}, len(FACTS))
    with pytest.raises(Untrusted):
        held(finished, found, 2)
    with pytest.raises(Malformed):
        held(finished, found | {"facts": [first] * 201}, 201)


def test_a_readable_document_that_is_called_unreadable_hides_its_facts_only(finished: Finished) -> None:
    """What a machine had no time for cannot be found by trying again: it is named, and the report names it."""
    found = told(finished)
    spared = [*found["examined"][:2], [found["examined"][2][0], "timeout"], found["examined"][3]]
    with pytest.raises(Untrusted):
        held(finished, found | {"examined": spared}, len(FACTS))
    assert held(finished, found | {"examined": spared, "facts": found["facts"][2:]}, 1)


def test_the_log_names_one_advice_for_good(finished: Finished) -> None:
    """Even all nodes together cannot put another one in its place: later acts had seen the root over this one."""
    n = index(finished, "AdviceNoted")
    entries = octets(finished)
    entries[n] = rebuilt(finished.entries[n], body={**finished.entries[n].body, "facts": 2})
    assert refused(finished, entries).name == "checkpoints"
