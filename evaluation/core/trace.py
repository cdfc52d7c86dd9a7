"""Where each part of the report comes from: the article that it satisfies, and the log entries that it rests on."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from evaluation.core import checks, clarification, motions, returning
from evaluation.core.rounds import SHEET
from evaluation.core.rules.shelf import Pack
from evaluation.core.sealing import RESEALED
from evaluation.core.tender import Definition
from evidence.core.canonical import JSON, Object
from evidence.core.entry import Entry

_ADVICE, _CORRECTED = "advice", "price-corrections"
# Incidents and changes of people: what readers of the result must know.
INCIDENTS = frozenset(
    {
        "VenueLost",
        "VenueRejoined",
        "VenueJournaled",
        "LogContinued",
        "ContinuationConfirmed",
        "IncidentDeclared",
        "IncidentOverdue",
        "IncidentDecided",
        "RecordingWaived",
        "NightBegan",
        "AreaSealed",
        "AreaOpened",
        "NightEnded",
        "VenueReplaced",
        "ProceedingPaused",
        "ProceedingResumed",
        "MemberRecused",
        "ChairTied",
        "ChairDrawn",
        "RevealMissed",
        "DrawAnnulled",
        "ExternalDraw",
        "FreezeDisputed",
        "ShareRejected",
        "HolderFaulty",
        "HoldersMissing",
        "HoldersReplaced",
        "RoundRenewed",
        "SheetAuthorOpened",
    }
)
# Who left, on which ground, and who took the place: 87号令 58 wants it told.
CHANGES = frozenset({"MemberRemoved", "MemberSeated", "SheetVoided", "RecusalRequested", "RecusalDecided"})
# Part of the report -> the pack's section that it satisfies, and the entries that it rests on.
_PARTS: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("opening", "report", frozenset({"ProceedingFounded"})),
    ("bidders", "report", frozenset({"DefinitionFixed"})),
    (_CORRECTED, "corrections", frozenset({"DefinitionFixed", "MotionDecided", *clarification.EVENTS})),
    ("committee", "committee", frozenset({"ProceedingFounded", "SeatBound", "MemberSeated", "MemberRemoved"})),
    ("commitments", "recusal", frozenset({"CommitmentSigned"})),
    ("recusal", "recusal", frozenset({"RecusalDeclared", "MemberRecused", "RecusalRequested", "RecusalDecided"})),
    ("chair", "chair", frozenset({"ChairElected", "ChairTied", "ChairDrawn"})),
    ("method", "method", frozenset({"DefinitionFixed"})),
    ("review", "compliance", frozenset({"ReviewVoted", "ReviewConcluded"})),
    (_ADVICE, "rejection", frozenset({"AdviceNoted"})),
    ("rejections", "rejection", frozenset({"ReviewConcluded", "BidRejected"})),
    ("clarifications", "clarification", frozenset(clarification.EVENTS)),
    ("sheets", "report", frozenset({"SheetSealed", RESEALED, "SheetsOpened"})),
    ("corrections", "report", frozenset(checks.EVENTS)),
    ("tally", "method", frozenset({"ScoresTallied"})),
    ("ranking", "method", frozenset({"RankingFixed", "TieDrawn", "CoefficientDrawn"})),
    ("candidates", "candidates", frozenset({"RankingFixed"})),
)
_DISSENT = "dissent"
# Parts that reports from form 4 on say as well.
_MORE: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("incidents", "report", INCIDENTS | CHANGES),
    ("motions", "compliance", frozenset(motions.EVENTS)),
    ("steps", "report", frozenset(returning.EVENTS)),
    (_DISSENT, "report", frozenset({"ReviewVoted"})),
)


def parts(*, whole: bool = True, resealed: bool = True) -> tuple[tuple[str, str, frozenset[str]], ...]:
    """Each part of a report: its name, the pack's section, the types of its entries; before form 4 not the `whole`,
    before form 5 no sheets that were `resealed`."""
    listed = (*_PARTS, *_MORE) if whole else _PARTS
    return listed if resealed else tuple((name, section, kinds - {RESEALED}) for name, section, kinds in listed)


def trace(
    definition: Definition,
    entries: Sequence[Entry],
    *,
    whole: bool = True,
    resealed: bool = True,
    dissent: Collection[int] = (),
    corrected: Collection[int] = (),
) -> list[JSON]:
    """One row for each part: its name, the article, and the entries; none of it is left out where it is empty.

    `dissent` are the votes that the majority did not follow: of all votes, that part rests on these. `corrected` are
    the questions about corrected prices and what closed them.
    """
    rows: list[JSON] = []
    for name, section, kinds in parts(whole=whole, resealed=resealed):
        if name == _ADVICE and not any(entry.type in kinds for entry in entries):
            # Not every tender has documents that could be compared.
            continue
        found = [entry.n for entry in entries if entry.type in kinds and _counts(entry)]
        if name == _DISSENT:
            found = [n for n in found if n in dissent]
        if name == _CORRECTED:
            found = [n for n in found if entries[n].type == "DefinitionFixed" or n in corrected]
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
