"""Where each part of the report comes from: the article that it satisfies, and the log entries that it rests on."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.core import checks, clarification
from evaluation.core.rounds import SHEET
from evaluation.core.rules.shelf import Pack
from evaluation.core.tender import Definition
from evidence.core.canonical import JSON, Object
from evidence.core.entry import Entry

_ADVICE = "advice"
# Part of the report -> the pack's section that it satisfies, and the entries that it rests on.
_PARTS: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("opening", "report", frozenset({"ProceedingFounded"})),
    ("bidders", "report", frozenset({"DefinitionFixed"})),
    ("price-corrections", "corrections", frozenset({"DefinitionFixed"})),
    ("committee", "committee", frozenset({"ProceedingFounded", "SeatBound", "MemberSeated", "MemberRemoved"})),
    ("commitments", "recusal", frozenset({"CommitmentSigned"})),
    ("recusal", "recusal", frozenset({"RecusalDeclared", "MemberRecused", "RecusalRequested", "RecusalDecided"})),
    ("chair", "chair", frozenset({"ChairElected", "ChairTied", "ChairDrawn"})),
    ("method", "method", frozenset({"DefinitionFixed"})),
    ("review", "compliance", frozenset({"ReviewVoted", "ReviewConcluded"})),
    (_ADVICE, "rejection", frozenset({"AdviceNoted"})),
    ("rejections", "rejection", frozenset({"ReviewConcluded", "BidRejected"})),
    ("clarifications", "clarification", frozenset(clarification.EVENTS)),
    ("sheets", "report", frozenset({"SheetSealed", "SheetsOpened"})),
    ("corrections", "report", frozenset(checks.EVENTS)),
    ("tally", "method", frozenset({"ScoresTallied"})),
    ("ranking", "method", frozenset({"RankingFixed", "TieDrawn", "CoefficientDrawn"})),
    ("candidates", "candidates", frozenset({"RankingFixed"})),
)


def trace(definition: Definition, entries: Sequence[Entry]) -> list[JSON]:
    """One row for each part: its name, the article, and the entries; none of it is left out where it is empty."""
    rows: list[JSON] = []
    for name, section, kinds in _PARTS:
        if name == _ADVICE and not any(entry.type in kinds for entry in entries):
            # Not every tender has documents that could be compared.
            continue
        found = [entry.n for entry in entries if entry.type in kinds and _counts(entry)]
        rows.append({"part": name, "article": _source(definition, section), "from": list(found)})
    return rows


def _counts(entry: Entry) -> bool:
    """Room devices and those who watch sign in, too, and ballots are opened like sheets: neither belongs here."""
    if entry.type == "SheetsOpened":
        return bool(entry.body["purpose"] == SHEET)
    if entry.type != "SeatBound":
        return True
    return entry.act is not None and entry.act.sub.startswith("seat-")


def _source(definition: Definition, section: str) -> str:
    pack: Pack = definition.pack
    rules: Object = pack.value
    if section == "method":
        rules, section = (pack.value["methods"], definition.method) if pack.form == 2 else (pack.value, "price")
    # The first pack said nothing of some parts; they belong to the report all the same.
    found: Object = rules[section] if section in rules else pack.value["report"]
    return str(found["source"])
