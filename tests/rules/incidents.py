"""What may come between in a generated proceeding: the network, the night, a member who leaves, a lot, a dissent.

Each function plays one thing to its end, so that the proceeding can go on; `chance` decides how it goes.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from evaluation.core import checks, stages
from evaluation.core.lots import due
from evaluation.core.outcome import COEFFICIENT, LOT
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, sha256
from sessions.core import commands, seating
from sessions.core.commands import Command, Perform
from sessions.core.proceeding import decide
from tests.sessions.draws import Drawn
from tests.sessions.drive import SHOWN, Drive

JIANGSU: Object = {
    "before_start": 3600,
    "during": 7200,
    "recorder": 10,
    "cut_off": "21:00",
    "opens": "08:00",
    "source": "江苏省公共资源交易中心 2025年9月通知",
}
EVENING, MORNING = "2026-11-21T13:00:00.000Z", "2026-11-22T00:00:00.000Z"


def at(drive: Drive, command: Command, moment: str) -> None:
    """What happens at another time than the drive's clock says."""
    drive.append(decide(drive.state, command, at=moment, entropy=b""), moment)


def come_back(drive: Drive) -> None:
    """Every seat that waits resumes, having signed nothing."""
    for venue in sorted(drive.state.lost):
        for seat in sorted(drive.state.lost[venue].waiting):
            ctr = drive.state.keys[drive.state.seat_key[seat]].ctr
            drive.perform(seat, "seat.resume", {"offline": [], "ctr": ctr, "server_ctr": ctr})


class Away:
    """A seat of a venue that is lost, which goes on by itself from what it saw last."""

    def __init__(self, drive: Drive, seat: str) -> None:
        self.drive, self.seat = drive, seat
        key = drive.state.keys[drive.state.seat_key[seat]]
        self.base = self.ctr = key.ctr
        self.last = key.last
        self.size = len(drive.entries)
        self.acts: list[Act] = []

    def sign(self, name: str, body: Object) -> Act:
        seen = (self.size, self.drive.root_at(self.size) or b"")
        act = self.drive.act(self.seat, name, body, ctr=self.ctr + 1, prev=self.last, seen=seen)
        self.ctr, self.last = act.ctr, act.id
        self.acts.append(act)
        return act

    def merge(self, chance: random.Random) -> None:
        """Some of them are confirmed; each is answered."""
        confirmed = [b64u(act.id) for act in self.acts if act.act == "sheet.seal" or chance.random() < 0.7]
        body: Object = {"offline": confirmed, "ctr": self.ctr, "server_ctr": self.base}
        made, self.acts = self.acts, []
        self.size = len(self.drive.entries)
        self.drive.take(self.sign("seat.resume", body))
        for act in made:
            self.drive.take(act)


def cut_off(drive: Drive, chance: random.Random, seal: Callable[[Away], object] | None = None) -> None:
    """venue-3 is lost; its member signs meanwhile, and its operator's device may not come back with what it signed."""
    seat = next((name for name in drive.state.signers if drive.state.seat(name).venue == "venue-3"), None)
    away = Away(drive, seat) if seat is not None else None
    drive.execute(commands.LoseVenue("venue-3", len(drive.entries) // 2))
    if away is not None:
        for _ in range(chance.randint(0, 2)):
            away.sign("incident.note", {"seat": None, "text": "断电"})
        if seal is not None:
            seal(away)
        if away.acts:
            away.merge(chance)
    if "operator-3" in drive.state.lost["venue-3"].waiting and chance.random() < 0.2:
        late = Away(drive, "operator-3").sign("incident.note", {"seat": None, "text": "未及发出"})
        drive.perform("supervisor-1", "seat.release", {"seat": "operator-3", "reason": "终端损毁"})
        drive.take(late)
    if "venue-3" in drive.state.lost:
        come_back(drive)


def night(drive: Drive) -> None:
    """From the tender's cut-off time to the next morning, where the tender has one and every area its operator."""
    rules, operators = drive.state.evaluation.incidents, [f"operator-{n}" for n in (1, 2, 3)]
    begun = any(entry.type == "NightBegan" for entry in drive.entries)
    if begun or rules is None or rules.cut_off is None or any(name not in drive.state.seat_key for name in operators):
        return
    at(drive, commands.BeginNight(), EVENING)
    for n, operator in enumerate(operators, 1):
        drive.perform(operator, "area.seal", {"venue": f"venue-{n}", "seals": [f"A{n}"], "note": ""})
    for n, operator in enumerate(operators, 1):
        body: Object = {"venue": f"venue-{n}", "seals": [f"A{n}"], "intact": True, "note": ""}
        at(drive, Perform(drive.act(operator, "area.open", body)), MORNING)
    come_back(drive)


def replace(drive: Drive, chance: random.Random, compete: Callable[[], None]) -> None:
    """A member leaves, and another comes from a province's own draw: the newcomer does its part again, and where too
    few bids stand the new committee says anew whether they `compete`. The law may refuse what the former one passed.
    """
    stage, left = drive.state.stage, chance.choice(drive.state.signers)
    leave(drive, left, chance.randrange(3))
    seat = f"seat-{1 + max(int(s.id.rpartition('-')[2]) for s in drive.state.members)}"
    source: Object = {"kind": "buyer", "document": b64u(bytes(32))}
    if drive.state.seat(left).role == "expert":
        if "expert/anew" not in drive.state.drawing.external:
            drawn: Object = {"label": "expert/anew", "reference": "省专家库 抽取单", "evidence": b64u(bytes(32))}
            drawn |= {"seats": []} if seating.by_seat(drive.state) else {}
            drive.perform("supervisor-1", "draw.external", drawn)
        source = {"kind": "external", "label": "expert/anew"}
    body: Object = {"seat": seat, "replaces": left, "source": source}
    drive.take(drive.act("supervisor-1", "member.seat", body, sd=(b64u(sha256(seat.encode())),)))
    drive.bind(seat)
    drive.execute(commands.IssueCredential(seat, f"credential-{seat}", sha256(seat.encode())))
    while drive.state.stage != stage:
        if drive.state.stage == stages.DECLARATIONS:
            drive.perform(seat, "commitment.sign", {"shown": SHOWN})
            drive.perform(seat, "recusal.declare", {"recuse": False, "grounds": [], "shown": SHOWN})
        while drive.state.stage == stages.CHAIR_ELECTION and drive.state.evaluation.chair is None:
            drive.vote(dict.fromkeys(drive.state.signers, drive.round.choices[0]))
        if drive.state.stage == stages.COMPLIANCE_REVIEW:
            drive.perform(seat, "review.vote", {"findings": drive.findings()})
            compete()
        drive.advance()


def leave(drive: Drive, left: str, how: int) -> None:
    """Found absent, recused because somebody asked for it, or withdrawn by its own word."""
    ground = drive.state.evaluation.rules.recusal_grounds[0]
    if how == 0:
        drive.perform("supervisor-1", "member.remove", {"seat": left, "ground": "absent", "reason": "联系不上"})
    elif how == 1:
        asked: Object = {"seat": left, "from": "supplier", "ground": ground, "text": "来函"}
        (entry,) = drive.perform("operator-1", "recusal.request", asked)
        assert entry.act is not None
        granted: Object = {"request": b64u(entry.act.id), "recuse": True, "reason": "属实"}
        drive.perform("supervisor-1", "recusal.decide", granted)
    else:
        drive.perform(left, "recusal.declare", {"recuse": True, "grounds": [ground], "shown": SHOWN})


def coefficient(drive: Drive) -> None:
    """Nothing is tallied before it."""
    if any(lot.label == COEFFICIENT for lot in due(drive.state.evaluation)):
        made = Drawn(drive).lot(COEFFICIENT).to_freeze().reveal()
        made.resolve()


def lots(drive: Drive) -> None:
    """The coefficient, where the tender leaves it to a draw; then equal bidders, one after the other."""
    coefficient(drive)
    ranking = drive.state.evaluation.ranking
    while ranking is not None and (waiting := [matter for by, matter, _ in ranking.undecided if by == LOT]):
        made = Drawn(drive).lot(f"lot/{waiting[0]}").to_freeze().reveal()
        made.resolve()
        ranking = drive.state.evaluation.ranking


def sign(drive: Drive, chance: random.Random) -> None:
    """Each member signs, dissents with reasons, or lets its time run out; one of them signs in any case."""
    drive.rank_all()
    report, chair = drive.state.report, drive.state.evaluation.chair
    assert report is not None
    first, *others = chance.sample(drive.state.signers, len(drive.state.signers))
    drive.sign(first)
    for seat in others:
        match chance.randrange(6):
            case 0:
                drive.perform(seat, "report.dissent", {"document": b64u(report.document), "reason": "对业绩认定有异议"})
            case 1 if seat != chair and chair is not None:
                until = datetime.fromisoformat(drive.entries[-1].at) + timedelta(minutes=30)
                over = (until + timedelta(minutes=1)).isoformat().replace("+00:00", ".000Z")
                told = until.isoformat().replace("+00:00", ".000Z")
                drive.perform(chair, "signing.call", {"seat": seat, "until": told})
                deem: Object = {"seat": seat, "reason": "逾期未签字也未说明理由"}
                at(drive, Perform(drive.act(chair, "member.deem", deem)), over)
            case _:
                drive.sign(seat)


def reopen(drive: Drive, chance: random.Random) -> bool:
    """The original committee takes the report up again, where a reason of the law holds."""
    found = checks.look(drive.state.evaluation)
    report = drive.state.report
    assert report is not None
    if not found.abnormal or any(entry.type == "TieDrawn" for entry in drive.entries):
        return False
    body: Object = {"document": b64u(report.document), "reason": checks.ABNORMAL, "text": "个别评分畸低"}
    (asked,) = drive.perform("operator-1", "reopening.ask", body)
    assert asked.act is not None
    answer: Object = {"asked": b64u(asked.act.id), "approve": chance.random() < 0.9, "reason": "由原评标委员会复核"}
    return len(drive.perform("supervisor-1", "reopening.approve", answer)) > 1
