"""The items of a report, and the entries of the log that each of them comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from evaluation.core import report, trace
from evidence.core.canonical import Object
from evidence.core.entry import Entry
from tests.sessions.drive import Drive

_EVENT_OF_ITEM = {
    "definition": {"DefinitionFixed"},
    "opening": {"ProceedingFounded"},
    "signed_in": {"SeatBound"},
    "committed": {"CommitmentSigned"},
    "declared": {"RecusalDeclared"},
    "chair": {"ChairElected", "ChairTied"},
    "review": {"ReviewConcluded"},
    "votes": {"ReviewVoted"},
    "sheets": {"SheetSealed", "SheetResealed"},
    "tally": {"ScoresTallied"},
    "ranking": {"RankingFixed"},
    "lots": {"TieDrawn"},
    "coefficient": {"CoefficientDrawn"},
    "advice": {"AdviceNoted"},
    "cited": {"MotionOpened"},
    "publication": {"DefinitionFixed"},
    "rejected": {"ReviewConcluded", "BidRejected"},
    "against": {"ReviewVoted", "MotionOpened", "ReviewConcluded"},
    "decision": {"MotionDecided"},
    "dissent": {"ReviewVoted"},
    "matters": {"MotionOpened"},
    "answer": {"ClarificationAsked", "MotionDecided"},
}
# What not every proceeding has.
_SOME = {
    "lots",
    "coefficient",
    "advice",
    "cited",
    "publication",
    "rejected",
    "against",
    "decision",
    "dissent",
    "matters",
    "answer",
}
_TOLD = {"rejected", "dissent", "incidents", "steps", "matters", "lots"}
"""Lists of the report in which every line is an item: it must say its entry."""


def untraced(content: Object, entries: Sequence[Entry]) -> list[str]:
    """Items of the report whose `n` is not the entry that it should come from, and such as have none.

    (1) Every dict with an `n`, of the right type of entry.
    (2) Every line of the lists that people read line by line has one.
    (3) Every part of the trace has its article, and entries of its own types only.
    (4) The trace of the sheets has the entry that each listed sheet comes from: sealed, or dealt anew.
    """
    found: list[str] = []
    seen: set[str] = set()
    for member in content["parties"]["members"]:
        found += [name for name in ("signed_in", "committed", "declared") if member[name] is None]
    # (1)
    for path, value in _items(content, ()):
        name = next((part for part in reversed(path) if part in _EVENT_OF_ITEM), None)
        n = value["n"]["n"] if isinstance(value["n"], dict) else value["n"]
        if type(n) is not int or not 0 <= n < len(entries):
            found.append(f"{path}: {n!r}")
            continue
        if "type" in value and value["type"] != entries[n].type:
            found.append(f"{path}: {value['type']}")
        elif "type" not in value and (name is None or entries[n].type not in _EVENT_OF_ITEM[name]):
            found.append(f"{path}: {entries[n].type}")
        seen.add(name or "")
    # (2)
    for name in _TOLD:
        for lines in _named(content, name):
            found += [f"{name}: {line}" for line in lines if type(line.get("n")) is not int]
    # A corrected price that counts is the one that its bidder confirmed, in the entry that the report names.
    for quote in content.get("quotes", ()):
        answer = (quote.get("proposed") or {}).get("answer")
        if answer is not None and answer["confirmed"]:
            said = entries[answer["ended"]].act
            if said is None or (said.sub, said.body["price"]) != (quote["id"], quote["proposed"]["price"]):
                found.append(f"{quote['id']}: {answer}")
    # (3)
    types = {name: kinds for name, _, kinds in trace.parts()}
    for row in content["trace"]:
        strange = [n for n in row["from"] if not 0 <= n < len(entries) or entries[n].type not in types[row["part"]]]
        found += [f"{row['part']}: {n}" for n in strange] + ([] if row["article"] else [f"{row['part']}: no article"])
    told = {part: set(row["from"]) for row in content["trace"] for part in [row["part"]]}
    # (4)
    found += [f"sheets: {line['n']}" for line in content["course"]["sheets"] if line["n"] not in told["sheets"]]
    for name, lines in (("dissent", content["other"]["dissent"]), ("incidents", content["other"]["incidents"])):
        if {line["n"] for line in lines} != told[name]:
            found.append(f"{name}: {sorted(told[name])}")
    return found + sorted(set(_EVENT_OF_ITEM) - _SOME - seen)


def _named(value: Any, name: str) -> Iterator[list[Object]]:
    """Every list of this name."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key == name and isinstance(part, list):
                yield [line for line in part if isinstance(line, dict)]
            elif key != "said":
                yield from _named(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from _named(part, name)


def _items(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Object]]:
    if isinstance(value, dict):
        if "n" in value:
            yield path, value
        for name, part in value.items():
            if name != "said":
                yield from _items(part, (*path, name))
    elif isinstance(value, list):
        for part in value:
            yield from _items(part, path)


def reported(drive: Drive, definition: Any) -> Object:
    """The report of the log before it was frozen."""
    names = {seat.id: ("新来者", "某大学") for seat in drive.state.members}
    advice = drive.state.evaluation.advice
    fact: Object = {"kind": "author", "item": 1, "bidders": ["bidder-1", "bidder-2"]}
    told: Object = {"examined": [], "facts": [fact] * (advice.facts if advice is not None else 0), "more": 0}
    return report.content(definition, drive.state.evaluation, drive.entries[:-1], names, advice=told)
