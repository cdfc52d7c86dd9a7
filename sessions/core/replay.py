"""Deciding again: an auditor demands that every entry is what `decide` yields (docs/adr/0002).

Folding a log shows what it says; deciding again shows that it was allowed. Each command is rebuilt from its entries:
from the act of a person or a centre, or from the fact that the server stated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from evidence.core.act import Act
from evidence.core.canonical import unb64u
from evidence.core.entry import Draft, Entry
from evidence.errors import Untrusted
from sessions.core import attention, commands, page_views, venue_clocks
from sessions.core.commands import Command
from sessions.core.continued import Leaf
from sessions.core.proceeding import decide, evolve
from sessions.core.state import EMPTY, RECORDING_LOST, Proceeding

Load = Callable[[bytes], bytes]
Check = Callable[[Proceeding, Act], None]


class Replay:
    """Iterate to get each entry with the state *before* it; `state` is the fold so far.

    Untrusted where `decide` yields something else than the log holds. Errors of the rules pass through: then the log
    did what they refuse. `load` gives the definition document by its hash, `check` is `sessions.core.acts.check`.
    """

    def __init__(self, entries: Sequence[Entry], *, load: Load, check: Check) -> None:
        self.state = EMPTY
        self._entries = entries
        self._load = load
        self._check = check

    def __iter__(self) -> Iterator[tuple[Proceeding, Entry]]:
        while self.state.size < len(self._entries):
            entry = self._entries[self.state.size]
            if entry.act is not None:
                self._check(self.state, entry.act)
            asked = command(self._entries[self.state.size :], self._load)
            drafts = decide(self.state, asked, at=entry.at, entropy=b"")
            if not drafts:
                raise Untrusted(f"entry {entry.n} ({entry.type}) follows from nothing")
            for draft in drafts:
                yield self._next(draft)

    def _next(self, draft: Draft) -> tuple[Proceeding, Entry]:
        before = self.state
        if before.size >= len(self._entries):
            raise Untrusted("the log ends in the middle of one append")
        entry = self._entries[before.size]
        found = Draft(entry.type, entry.body, entry.act, entry.assertion, entry.sd, entry.v)
        if replace(found, sd=()) != replace(draft, sd=()):
            raise Untrusted(f"entry {entry.n} is {entry.type}, the rules yield another {draft.type}")
        self.state = evolve(before, entry)
        return before, entry


def command(rest: Sequence[Entry], load: Load) -> Command:
    """The command that the entries at the head of `rest` answer."""
    entry = rest[0]
    body, act = entry.body, entry.act
    match entry.type:
        case "DefinitionFixed" if act:
            return commands.FixDefinition(act=act, document=load(unb64u(act.body["sha256"], 32)))
        case "SignatureAuthorised" if act:
            return commands.AuthoriseSignature(act=act, revision=unb64u(body["revision"], 32))
        case _ if act:
            return commands.Perform(act=act)
        case "HoldersFrozen":
            return commands.FreezeHolders()
        case "CredentialIssued":
            certificate = unb64u(body["certificate"], 32)
            return commands.IssueCredential(seat=body["seat"], credential=body["credential"], certificate=certificate)
        case "Witnessed":
            note = unb64u(body["note"], 32)
            return commands.NoteWitnessed(size=body["size"], root=unb64u(body["root"], 32), note=note)
        case "RecordingStarted":
            return commands.StartRecording(rooms=tuple(body["rooms"]), engine=body["engine"])
        case "RecordingEnded":
            return commands.EndRecording(rooms=tuple(body["rooms"]))
        case "SegmentsClosed":
            return commands.CloseSegments(venue=body["venue"], segments=tuple(body["segments"]))
        case "VenueLost":
            return commands.LoseVenue(venue=body["venue"], size=body["size"])
        case "ProceedingPaused" if body["cause"] == RECORDING_LOST:
            return commands.LoseRecording(room=body["room"])
        case "ProceedingResumed" if "room" in body:
            return commands.RegainRecording(room=body["room"])
        case "LeavesKnown":
            return commands.NoteLeaves(leaves=tuple(Leaf.parse(row) for row in body["known"]))
        case "DrawOpened":
            return commands.OpenLot(label=body["draw"])
        case "DrawFrozen":
            return commands.FreezeDraw(opened=unb64u(body["opened"], 32))
        case "IncidentOverdue":
            return commands.Due(subject=body["subject"])
        case "ClockOffsets":
            return commands.NoteOffsets(samples=venue_clocks.parse(entry))
        case "NightBegan":
            return commands.BeginNight()
        case "ClockJumped":
            return commands.NoteClockJump(by_ms=body["by"])
        case "LookNoted":
            return commands.NoteLooks(looks=tuple(body["looks"]))
        case "SeatsNoticed":
            return commands.NoteSeats(events=attention.parse(body))
        case "PagesViewed":
            return commands.NotePages(views=page_views.parse(body))
        case "RevealMissed":
            return commands.MissReveals(freeze=unb64u(body["freeze"], 32), missed=tuple(body["missed"]))
        case "DrawResolved":
            secrets = tuple(unb64u(secret, 32) for secret in body["secrets"])
            return commands.ResolveDraw(freeze=unb64u(body["freeze"], 32), secrets=secrets)
        case "SheetOpened" | "SheetUnreadable" | "SheetsOpened":
            return _opening(rest)
        case "AdviceNoted":
            return commands.NoteAdvice(sha256=unb64u(body["sha256"], 32), size=body["size"], facts=body["facts"])
        case "ReportFrozen":
            return commands.FreezeReport(
                document=unb64u(body["document"], 32),
                size=body["size"],
                content=unb64u(body["content"], 32),
                ranking=unb64u(body["ranking"], 32),
                workbook=unb64u(body["workbook"], 32) if "workbook" in body else None,
                form=body.get("form"),
            )
        case "ReportSigned":
            return commands.RecordSignature(
                seat=body["seat"],
                act=unb64u(body["act"], 32),
                document=unb64u(body["document"], 32),
                size=body["size"],
            )
        case kind:
            raise Untrusted(f"{kind} cannot stand alone at {entry.n}")


def _opening(rest: Sequence[Entry]) -> Command:
    plaintexts: list[tuple[bytes, bytes | str]] = []
    for entry in rest:
        match entry.type:
            case "SheetOpened":
                plaintexts.append((unb64u(entry.body["act"], 32), unb64u(entry.body["p"])))
            case "SheetUnreadable":
                plaintexts.append((unb64u(entry.body["act"], 32), entry.body["code"]))
            case "SheetsOpened":
                return commands.OpenRound(
                    purpose=entry.body["purpose"], round=entry.body["round"], plaintexts=tuple(plaintexts)
                )
            case _:
                break
    raise Untrusted("an opening without its end")
