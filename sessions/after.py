"""After the evaluations of one installation: acts taken, kept and given back (docs/protocol.md 2.9, docs/adr/0005).

Each act is one entry of the centre log that holds its salted digest; the act is a disclosure in the same append. The
state is the fold of those acts, and this is the only writer of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from evaluation.core import days, timetable
from evidence.core import act as acts
from evidence.core import disclosure
from evidence.core.act import Act
from evidence.core.canonical import Object
from evidence.core.disclosure import SALT_BYTES
from evidence.core.entry import Entry, timestamp
from evidence.errors import Malformed, NoQuorum, Retained, Untrusted
from evidence.ports import Ledger
from sessions.after_errors import AfterNotOpen
from sessions.centre import Centre
from sessions.core import aftermath, afterwards
from sessions.core.after_view import sees, view
from sessions.core.aftermath import SUFFIX, Aftermath, Opening, years_after
from sessions.core.state import Proceeding
from sessions.docket import Performed, Private
from sessions.errors import ActRepeated
from sessions.ports import Clock, Entropy

ACT = "after"
"""The disclosure that holds such an act."""
# Decide and append go a second round only where an unanswered append was found committed.
_ATTEMPTS = 3
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Deed:
    """An act with its place in the centre log: what those whom it concerns keep as evidence."""

    entry: Entry
    disclosure: str
    act: Act


def opening_body(proceeding: Proceeding, closed: Entry) -> Object:
    """`after.open` of a proceeding whose last entry is `closed`: the newest timetable of its regime, the newest
    calendar, and until when everything is kept."""
    table, calendar = timetable.newest(proceeding.evaluation.rules.regime), days.NEWEST
    day = calendar.day_of(closed.at)
    terms = None if proceeding.evaluation.fixed is None else proceeding.evaluation.fixed.scoring.terms
    years = max(table.retention_years, 0 if terms is None or terms.plan is None else terms.plan.retain_years or 0)
    return {
        "origin": proceeding.origin,
        "closed": day.isoformat(),
        "aborted": proceeding.aborted,
        "timetable": table.json,
        "calendar": calendar.json,
        "retain": years_after(day, years).isoformat(),
    }


class After:
    """What follows the proceedings of one host. `load` once after the centre log is loaded."""

    def __init__(self, *, centre: Centre, ledger: Ledger, clock: Clock, entropy: Entropy) -> None:
        self._centre = centre
        self._ledger = ledger
        self._clock = clock
        self._entropy = entropy
        self._states: dict[str, Aftermath] = {}
        self._deeds: dict[int, Deed] = {}
        self._writing = asyncio.Lock()

    async def load(self) -> None:
        """Fold what is committed, also by an append that was not answered."""
        missing = {d: entry for d, entry in self._centre.after.items() if entry.n not in self._deeds}
        if not missing:
            return
        found = await self._ledger.disclosures(self._centre.log.origin, list(missing))
        for digest, entry in missing.items():
            if digest not in found and self._centre.purged:
                # Erased with its proceeding, whose name only the disclosure told.
                continue
            if digest not in found:
                raise Untrusted(f"the act of entry {entry.n} of the centre log is missing")
            self._take(entry, found[digest].text)

    def state(self, origin: str) -> Aftermath:
        """The fold so far, or AfterNotOpen."""
        if origin not in self._states:
            opened, final = self._centre.after_opened.get(origin), self._centre.finals.get(origin)
            if opened is None or opened.act is None or final is None or final.act is None:
                raise AfterNotOpen("the end of the proceeding is not recorded yet")
            self._states[origin] = Aftermath(Opening.parse(opened.act.body, final.act.body))
        return self._states[origin]

    def today(self, origin: str) -> date:
        """The calendar's day."""
        return self.state(origin).opening.calendar.day_of(self._now())

    def view(self, proceeding: Proceeding, seat: str) -> Object:
        """The after-view of this seat."""
        return view(self.state(proceeding.origin), proceeding, seat, self.today(proceeding.origin))

    def deeds(self, proceeding: Proceeding, seat: str) -> list[Deed]:
        """The acts that this seat may hold, in the order of the log."""
        state = self.state(proceeding.origin)
        own = (self._deeds[n] for n in sorted(state.acts.values()))
        return [deed for deed in own if sees(state, proceeding, seat, deed.act)]

    def demand_purge(self, origin: str) -> Aftermath:
        """The state, or Retained while the date has not come or somebody waits for an answer."""
        state = self.state(origin)
        if self.today(origin) <= state.retain:
            raise Retained(f"everything is kept until {state.retain.isoformat()}")
        if any(found.answered is None for found in state.cases.values()):
            raise Retained("a query, an objection or a complaint is not answered")
        return state

    def digests(self, origin: str) -> list[str]:
        """What the centre log holds of the acts that followed this proceeding."""
        own = self.state(origin).acts.values()
        return [digest for n in own for digest in self._deeds[n].entry.sd]

    def forget(self, origin: str) -> None:
        """The acts are erased; when the proceeding closed, and until when it was kept, stays known."""
        for n in self._states.pop(origin).acts.values():
            del self._deeds[n]

    def opened(self, proceeding: Proceeding) -> Entry:
        """`AfterOpened` of this proceeding."""
        self.state(proceeding.origin)
        return self._centre.after_opened[proceeding.origin]

    def receipt(self, entry: Entry) -> str | None:
        """The tlog-proof of the entry, None until a quorum has cosigned it."""
        try:
            return bytes(self._centre.log.receipt(entry.n)).decode()
        except NoQuorum:
            return None

    async def perform(self, jws: str, proceeding: Proceeding) -> Performed:
        """Take an act; the same act again gets the first answer.

        (1) It parses.
        (2) `aftermath.check`: key, signature, `aud`, chain, and the final root as `seen`.
        (3) Role, timetable and calendar allow it now.
        (4) Its digest is an entry of the centre log, and the act a disclosure in the same append.
        """
        act = acts.parse(jws)  # (1)
        shown = disclosure.make(ACT, {"act": act.jws}, self._entropy(SALT_BYTES))
        kind = "person" if act.act.startswith("rating.") else "case"

        async def alone() -> Performed:
            for _ in range(_ATTEMPTS):
                await self.load()
                state = self.state(proceeding.origin)
                try:
                    aftermath.check(state, act, proceeding)  # (2)
                except ActRepeated as repeated:
                    entry = self._deeds[repeated.index].entry
                    return Performed(entry.n, act.id, entry.leaf, True)
                afterwards.decide(state, act, proceeding, self._now())  # (3)
                appended = await self._centre.note_after(Private(shown, kind))  # (4)
                if appended is not None:
                    self._take(appended, shown.text)
                    return Performed(appended.n, act.id, appended.leaf, False)
            raise Malformed("the centre log grows behind its owner's back")

        return await self._alone(alone)

    async def _alone(self, work: Callable[[], Awaitable[_T]]) -> _T:
        async def locked() -> _T:
            async with self._writing:
                return await work()

        # To its end even if the caller goes away: else a committed entry could miss in the state.
        return await asyncio.shield(asyncio.ensure_future(locked()))

    def _take(self, entry: Entry, text: str) -> None:
        value = disclosure.parse(text).value
        if not isinstance(value, dict) or not isinstance(value.get("act"), str):
            raise Malformed("a disclosure of what follows a proceeding holds an act")
        act = acts.parse(value["act"])
        origin = act.aud.removesuffix(SUFFIX)
        self._states[origin] = aftermath.evolve(self.state(origin), act, entry.n, entry.at)
        self._deeds[entry.n] = Deed(entry, text, act)

    def _now(self) -> str:
        return timestamp(round(self._clock().timestamp() * 1000))
