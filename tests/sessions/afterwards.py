"""After a proceeding, in memory: real keys and acts on the closed state of `drive`, one day at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from evaluation.core import days, timetable
from evidence.core import act as acts
from evidence.core.act import Act, thumbprint
from evidence.core.canonical import Object, b64u
from sessions.core import after_clocks, after_view, aftermath, afterwards
from sessions.core.aftermath import Aftermath, Chain, Opening, years_after
from sessions.core.commands import EndRecording
from sessions.core.state import Proceeding
from tests.evaluation.packs import BIDDING, second
from tests.sessions.drive import Drive, signer_of
from tests.sessions.test_rule_pack_proceedings import sheets

YES = [True] * 15
CLOSED_ON = "2026-11-23"
"""A Monday; the next working days are the 24th to the 27th, then the 30th."""


@cache
def closed(regime: str) -> Drive:
    """A finished proceeding under this regime."""
    if regime == "bidding-law":
        drive = Drive(definition=second(BIDDING, "comprehensive-evaluation"))
        drive.until("detailed-review")
        drive.score(sheets(drive.definition))
        drive.advance()
        drive.until("done")
    else:
        drive = Drive().until("done")
    drive.close()
    return drive


@cache
def closed_without(left: str) -> Drive:
    """One of procurement that was aborted since nobody came for the member who left."""
    drive = Drive().until("detailed-review")
    drive.perform("supervisor-1", "member.remove", {"seat": left, "ground": "absent", "reason": "擅自离席"})
    drive.perform("supervisor-1", "proceeding.abort", {"reason": "无法补足评审专家"})
    drive.execute(EndRecording(tuple(drive.state.recording)))
    drive.perform("operator-1", "proceeding.seal", {})
    return drive


@dataclass
class Later:
    """What follows it."""

    regime: str = "government-procurement"
    day: str = CLOSED_ON
    aborted: bool = False
    left: str = ""
    """A member whom the supervisor removed on the way."""
    state: Aftermath = field(init=False)
    log: list[tuple[Act, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        table = timetable.newest(self.regime)
        retain = years_after(date.fromisoformat(CLOSED_ON), table.retention_years)
        body: Object = {
            "origin": self.proceeding.origin,
            "closed": CLOSED_ON,
            "aborted": self.aborted,
            "timetable": table.json,
            "calendar": days.NEWEST.json,
            "retain": retain.isoformat(),
        }
        size = len(self.drive.tree)
        final: Object = {"origin": self.proceeding.origin, "size": size, "root": b64u(self.drive.tree.root())}
        self.state = Aftermath(Opening.parse(body, final))

    @property
    def drive(self) -> Drive:
        return closed_without(self.left) if self.left else closed(self.regime)

    @property
    def proceeding(self) -> Proceeding:
        return self.drive.state

    @property
    def at(self) -> str:
        return f"{self.day}T02:00:00.000Z"

    def act(self, owner: str, name: str, body: Object, **more: Any) -> Act:
        signer = signer_of(owner)
        chain = self.state.chains.get(thumbprint(signer.jwk), Chain())
        given = {
            "aud": self.state.aud,
            "sub": owner,
            "ctr": chain.ctr + 1,
            "prev": chain.last,
            "seen": self.state.opening.final,
            "iat": 1_795_400_000,
            **more,
        }
        return acts.make(signer, act=name, body=body, **given)

    def take(self, act: Act) -> str:
        """Its id, as later acts name it."""
        aftermath.check(self.state, act, self.proceeding)
        afterwards.decide(self.state, act, self.proceeding, self.at)
        self.state = aftermath.evolve(self.state, act, 100 + len(self.log), self.at)
        self.log.append((act, self.at))
        return b64u(act.id)

    def perform(self, owner: str, name: str, body: Object) -> str:
        return self.take(self.act(owner, name, body))

    def rate(self, seat: str = "seat-1", by: str = "operator-1", **more: Any) -> str:
        body: Object = {"seat": seat, "breaches": [], "answers": YES, "text": "认真履职", **more}
        return self.perform(by, "rating.give", body)

    def reach(self, milestone: str, day: str | None = None) -> str:
        body: Object = {"milestone": milestone, "day": day or self.day, "text": "", "evidence": None}
        return self.perform("operator-1", "milestone.state", body)

    def clocks(self) -> dict[str, Object]:
        """By clock and subject, on this day."""
        today = date.fromisoformat(self.day)
        return {
            f"{found.clock} {found.subject}".strip(): found.json(today)
            for found in after_clocks.clocks(self.state, self.proceeding)
        }

    def view(self, seat: str) -> Object:
        return after_view.view(self.state, self.proceeding, seat, date.fromisoformat(self.day))
