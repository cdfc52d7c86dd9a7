"""Verifying what followed a proceeding: its evidence file, and the deeds that a seat was given (docs/adr/0005).

(1) The evidence file is valid (`sessions.verify`, run by the caller); its fold is the closed proceeding.
(2) `AfterOpened` stands in the centre log with the quorum, by the centre's own key, about this proceeding, and its
    days follow from the log: the closing day on the calendar, and years of retention by the timetable at least.
(3) Each deed is an entry `AfterActed` of the centre log with the quorum, and its disclosure fits the entry's digest.
(4) Each act is by a seat's key of the closed record over its final root (`aftermath.authenticate`).
(5) Where no act of a key is missing, each was allowed when it was stated (`aftermath.check`, `afterwards.decide`). Who
    holds only its own deeds proves those and no more: they are `authentic`, the others `decided`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from evidence.core import act as acts
from evidence.core import disclosure
from evidence.core import verify as log_checks
from evidence.core.act import Act
from evidence.core.canonical import Object, members, unb64u
from evidence.core.entry import Entry
from evidence.core.entry import parse as parse_entry
from evidence.errors import Malformed, Untrusted
from sessions.core import aftermath, afterwards, contents
from sessions.core.aftermath import Aftermath, Opening, years_after
from sessions.core.proceeding import evolve
from sessions.core.state import EMPTY, Proceeding
from sessions.errors import ActGap
from sessions.evidence_file import EvidenceFile
from sessions.trust import Pins

DECIDED, AUTHENTIC = "decided", "authentic"


@dataclass(frozen=True, slots=True)
class Proven:
    """An act and how far it is proven."""

    act: Act
    entry: Entry
    how: str


def verify(file: BinaryIO, deeds: Object, pins: Pins) -> list[Proven]:
    """Run the recipe; Untrusted, Malformed, or what the rules refuse."""
    evidence = EvidenceFile(file)
    entries = [parse_entry(data) for data in evidence.entries()]
    proceeding = EMPTY
    for entry in entries:
        proceeding = evolve(proceeding, entry)
    found = members(deeds, {"opened": dict, "acts": list})
    state = Aftermath(_opening(found["opened"], evidence, entries[-1], proceeding, pins))
    taken = sorted((_deed(item, pins) for item in found["acts"]), key=lambda pair: pair[0].n)
    return list(_decide(state, proceeding, taken))


def _opening(given: Object, evidence: EvidenceFile, last: Entry, proceeding: Proceeding, pins: Pins) -> Opening:
    """(2)"""
    entry = _centre_entry(given, "AfterOpened", pins)
    act, final = entry.act, parse_entry(evidence.read(contents.FINAL)).act
    if act is None or final is None or (act.act, act.sub) != ("after.open", pins.trust.main):
        raise Untrusted("the centre's act after.open is missing")
    acts.verify(act, pins.trust.identities[pins.trust.main])
    opening = Opening.parse(act.body, final.body)
    stated = (opening.origin, opening.aborted, opening.closed)
    if stated != (proceeding.origin, proceeding.aborted, opening.calendar.day_of(last.at)):
        raise Untrusted("after.open is about another proceeding, or another day")
    if opening.retain < years_after(opening.closed, opening.timetable.retention_years):
        raise Untrusted("after.open keeps everything for a shorter time than its timetable says")
    if opening.timetable.value["regime"] != proceeding.evaluation.rules.regime:
        raise Untrusted("the timetable is another regime's")
    return opening


def _deed(given: object, pins: Pins) -> tuple[Entry, Act]:
    """(3)"""
    found = members(given, {"index": int, "leaf": str, "entry": str, "disclosure": str, "receipt": str})
    entry = _centre_entry({"entry": found["entry"], "receipt": found["receipt"]}, "AfterActed", pins)
    if (entry.body, entry.act) != ({}, None) or entry.sd != (disclosure.digest(found["disclosure"]),):
        raise Untrusted("the disclosure is not the one of the entry")
    value = disclosure.parse(found["disclosure"]).value
    if not isinstance(value, dict) or not isinstance(value.get("act"), str):
        raise Malformed("the disclosure holds no act")
    return entry, acts.parse(value["act"])


def _decide(state: Aftermath, proceeding: Proceeding, deeds: Sequence[tuple[Entry, Act]]) -> list[Proven]:
    """(4), (5)"""
    proven, whole = [], True
    for entry, act in deeds:
        aftermath.authenticate(state, act, proceeding)
        if whole:
            try:
                aftermath.check(state, act, proceeding)
            except ActGap:
                whole = False
        if whole:
            afterwards.decide(state, act, proceeding, entry.at)
            state = aftermath.evolve(state, act, entry.n, entry.at)
        proven.append(Proven(act, entry, DECIDED if whole else AUTHENTIC))
    return proven


def _centre_entry(given: Object, kind: str, pins: Pins) -> Entry:
    found = members(given, {"entry": str, "receipt": str})
    return log_checks.centre_entry(unb64u(found["entry"]), found["receipt"].encode(), pins.policy, kind)
