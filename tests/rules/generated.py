"""Generated proceedings: a tender, a beginning up to the committee's review, and from there one of many continuations.

Nothing is signed and nothing is hidden in an envelope here, since keys and ciphers have tests of their own: so a whole
proceeding takes milliseconds. What is decided, what is folded and what stands in the log is the real thing.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

from evaluation.core import checks, report, sheet, stages
from evaluation.core.collusion import MAX_FACTS
from evaluation.core.outcome import LOT
from evaluation.core.rejection import UNEXPLAINED
from evaluation.core.results import ranking_digest
from evaluation.errors import EvaluationError
from evidence.core import act as acts_form
from evidence.core.act import Act, thumbprint
from evidence.core.canonical import Object, b64, b64u, sha256
from evidence.core.entry import Draft, Entry
from evidence.errors import EvidenceError
from sessions.core import advising, commands
from sessions.core.commands import Command, Perform
from sessions.core.permission import ACTS
from sessions.core.proceeding import decide, evolve
from sessions.core.state import Proceeding
from sessions.errors import SessionError
from tests.ranking.tenders import Made
from tests.sessions.drive import FINANCE, HOLDERS, MAIN, MEMBERS, ZHONGSHAN, ZHUHAI, Drive, signer_of
from tests.sessions.test_permission import ACTORS, expected

CODED = (SessionError, EvaluationError, EvidenceError)
ROOT = bytes(32)
ADVICE = sha256(b"advice")
UNSIGNED = b64u(bytes(64))


@cache
def _kid(owner: str) -> str:
    return thumbprint(signer_of(owner).jwk)


@cache
def _header(kid: str) -> str:
    return b64u(acts_form.header(kid))


@cache
def _salt(n: int) -> str:
    return b64u(sha256(b"salt%d" % n)[:16])


def _plain(value: Object) -> bytes:
    """`encode` without its checks: whoever reads the bytes makes them."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass
class Swift(Drive):
    """A drive whose acts bear no signature and whose entries are not read back: their bytes are folded later."""

    checked: bool = False
    bodies: dict[str, Object] = field(default_factory=dict)
    wrong: Callable[[Swift], None] | None = None

    def act(self, owner: str, name: str, body: Object, **more: object) -> Act:
        kid = _kid(owner)
        key = self.state.keys.get(kid)
        given: dict[str, Any] = {
            "sub": owner,
            "ctr": key.ctr + 1 if key else 1,
            "prev": key.last if key and key.ctr else acts_form.NO_ACT,
            "seen": (len(self.entries), ROOT),
            **more,
        }
        payload = {
            "act": name,
            "aud": self.origin,
            "body": body,
            "ctr": given["ctr"],
            "iat": 1_795_248_000 + len(self.entries),
            "prev": b64u(given["prev"]),
            "seen": [given["seen"][0], b64(given["seen"][1])],
            "sub": given["sub"],
            "v": 1,
        }
        signing_input = _header(kid) + "." + b64u(_plain(payload))
        self.bodies[name] = body
        return Act(
            jws=signing_input + "." + UNSIGNED,
            id=acts_form.act_id(signing_input),
            kid=kid,
            act=name,
            aud=self.origin,
            sub=given["sub"],
            body=body,
            ctr=given["ctr"],
            iat=payload["iat"],
            prev=given["prev"],
            seen=given["seen"],
            sd=(),
        )

    def check(self, act: Act) -> None:
        """Signatures and chains are `tests.sessions.test_acts`'."""

    def append(self, drafts: Sequence[Draft], at: str = "2026-11-21T09:00:00.000Z") -> list[Entry]:
        made = []
        for draft in drafts:
            n = len(self.entries)
            value: Object = {
                "at": at,
                "body": draft.body,
                "n": n,
                "origin": self.origin,
                "salt": _salt(n),
                "type": draft.type,
                "v": draft.v,
            }
            if draft.act is not None:
                value["act"] = draft.act.jws
            entry = Entry(_plain(value), n, self.origin, at, draft.type, draft.v, draft.body, draft.act, None, ())
            self.state = evolve(self.state, entry)
            self.entries.append(entry)
            made.append(entry)
        if self.wrong is not None:
            self.wrong(self)
        return made

    def witness(self) -> list[Entry]:
        size = len(self.entries)
        return self.execute(commands.NoteWitnessed(size, ROOT, sha256(b"note%d" % size)))

    def branch(self, wrong: Callable[[Swift], None]) -> Swift:
        """Another continuation of the same log."""
        return Swift(
            definition=self.definition,
            origin=self.origin,
            state=self.state,
            entries=list(self.entries),
            sealed=dict(self.sealed),
            bodies=dict(self.bodies),
            wrong=wrong,
        )


def beginning(made: Made, chance: random.Random) -> Swift:
    """From the founding to the committee's review, with a chair elected in one, two or three rounds."""
    drive = Swift(definition=made.value)
    drive.until(stages.CHAIR_ELECTION)
    for number in (1, 2, 3):
        choices = drive.round.choices
        votes = {seat: chance.choice(choices) for seat in MEMBERS} if number < 3 else dict.fromkeys(MEMBERS, choices[0])
        drive.vote(votes)
        if drive.state.evaluation.chair is not None:
            break
    drive.advance()
    return drive


@dataclass
class Course:
    """One continuation: the committee reviews, scores, corrects, is interrupted, and ranks; `chance` decides how."""

    drive: Swift
    chance: random.Random

    def run(self) -> Swift:
        """As far as the law lets it go; what stands still, stands still with a reason of the law."""
        drive, chance = self.drive, self.chance
        self._advise()
        self._review()
        while drive.state.stage == stages.COMPLIANCE_REVIEW:
            self._interrupt()
            if self._refused(drive.advance):
                return drive
        self._score()
        self._correct()
        if self._refused(drive.advance):
            return drive
        if chance.random() < 0.05 and not self._refused(self._back):
            self._score()
            self._correct()
            if self._refused(drive.advance):
                return drive
        ranking = drive.state.evaluation.ranking
        assert ranking is not None
        if any(by == LOT for by, _, _ in ranking.undecided):
            return drive
        drive.advance()
        self._interrupt()
        drive.execute(commands.FreezeReport(sha256(b"report"), 1000, sha256(b"content"), ranking_digest(ranking)))
        return drive

    def _advise(self) -> None:
        """Facts of collusion, where documents can be compared; sometimes a motion to reject cites one."""
        drive, chance = self.drive, self.chance
        if not advising.comparable(drive.state) or chance.random() < 0.5:
            return
        facts = chance.randint(0, 3)
        drive.execute(commands.NoteAdvice(ADVICE, 1000, facts))
        evaluation = drive.state.evaluation
        grounds = [each for each in evaluation.rules.rejection_grounds if each != UNEXPLAINED]
        if chance.random() < 0.8 or not facts or not grounds or evaluation.fixed is None:
            return
        bidder, _ = chance.choice(evaluation.fixed.scoring.bidders)
        ground = chance.choice(grounds)
        about = {"bidder": bidder, "ground": ground, "text": "雷同", "document": b64u(ADVICE), "page": facts}
        (opened,) = drive.perform("seat-2", "motion.open", {"kind": "rejection", "about": about})
        assert opened.act is not None
        against = chance.random()
        for seat in MEMBERS:
            body = {"motion": b64u(opened.act.id), "for": chance.random() > against, "reason": "意见"}
            drive.perform(seat, "motion.vote", body)

    def _review(self) -> None:
        """Most findings pass; seats vote in any order."""
        drive, chance = self.drive, self.chance
        fixed = drive.state.evaluation.fixed
        assert fixed is not None
        weak = [bidder for bidder, _ in fixed.scoring.bidders if chance.random() < 0.1]
        for seat in chance.sample(MEMBERS, len(MEMBERS)):
            findings = [
                [bidder, item, "fail", "未响应"]
                if chance.random() < (0.7 if bidder in weak else 0.02)
                else [bidder, item, "pass", None]
                for bidder, _ in fixed.scoring.bidders
                for item in fixed.scoring.compliance
            ]
            drive.perform(seat, "review.vote", {"findings": findings})

    def _score(self) -> None:
        drive, chance = self.drive, self.chance
        asked = drive.state.evaluation.asked()
        found = drive.round
        equal = chance.random() < 0.5
        common = {item: self._points(maximum) for item, maximum in asked}
        rejected: list[str] = []
        for seat in chance.sample(MEMBERS, len(MEMBERS)):
            scores = {
                item: common[item] if equal or chance.random() < 0.7 else self._points(maximum)
                for item, maximum in asked
            }
            place = drive.state.evaluation.place(seat, found.number)
            made = drive.seal(seat, sheet.build(place, scores, asked, chance.randbytes(32)))
            if chance.random() < 0.1:
                self._interrupt()
            if chance.random() < 0.04:
                assert made[0].act is not None
                rejected.append(seat)
                again = sheet.build(place, scores, asked, chance.randbytes(32))
                drive.seal(seat, again, replaces=b64u(made[0].act.id))
        lost = chance.choice((None, None, None, ZHONGSHAN, FINANCE))
        if lost is not None:
            body: Object = {"purpose": "sheet", "round": found.number, "holders": [lost], "reason": "节点损毁"}
            drive.perform("supervisor-1", "holders.miss", body)
        for domain in HOLDERS:
            if domain != lost:
                for act in drive.round.seals:
                    drive.perform(domain, "share.ack", {"act": b64u(act), "index": HOLDERS.index(domain) + 1})
        drive.freeze()
        leaf = drive.round.freeze
        assert leaf is not None
        if chance.random() < 0.1:
            drive.perform("seat-2", "freeze.dispute", {"freeze": b64u(leaf.leaf)})
            drive.perform("seat-2", "freeze.ok", {"freeze": b64u(leaf.leaf)})
        silent = sorted(set(chance.sample(MEMBERS, chance.choice((0, 0, 0, 1, 2)))) - leaf_confirmed(drive))
        drive.confirm([seat for seat in MEMBERS if seat not in silent and seat not in leaf_confirmed(drive)])
        drive.approve(silent)
        drive.witness()
        for domain in (domain for domain in HOLDERS if domain != (lost or ZHUHAI)):
            drive.release(domain)
        unread = chance.choice(MEMBERS) if chance.random() < 0.05 else None
        drive.open({unread: "sheet-unreadable"} if unread is not None else None)
        if unread is not None:
            act = drive.round.current[unread]
            drive.perform(unread, "sheet.author_open", {"act": b64u(act), "p": b64u(drive.sealed[act].plaintext)})

    def _correct(self) -> None:
        """Objective items are made equal, and who lies far off may come nearer: each by its own act."""
        drive = self.drive
        found = checks.look(drive.state.evaluation)
        for seat, bidder in found.abnormal:
            self._correction(seat, bidder, checks.ABNORMAL)
        for bidder, criterion in found.objective:
            for seat in MEMBERS:
                self._set(seat, bidder, criterion, Decimal("0.00"), checks.OBJECTIVE)

    def _correction(self, seat: str, bidder: str, reason: str) -> None:
        items = [(item, most) for item, most in self.drive.state.evaluation.asked() if item[0] == bidder]
        if items and self.chance.random() < 0.5:
            (_, criterion), most = self.chance.choice(items)
            self._set(seat, bidder, criterion, self._points(most), reason)

    def _set(self, seat: str, bidder: str, criterion: str, score: Decimal, reason: str) -> None:
        body: Object = {
            "bidder": bidder,
            "criterion": criterion,
            "score": f"{score:.2f}",
            "reason": reason,
            "text": "笔误",
        }
        self._refused(lambda: self.drive.perform(seat, "score.correct", body))

    def _back(self) -> None:
        body: Object = {"from": self.drive.state.stage, "to": stages.DETAILED_REVIEW, "reason": "重评"}
        (asked,) = self.drive.perform("operator-1", "stage.back", body)
        assert asked.act is not None
        answer: Object = {"asked": b64u(asked.act.id), "approve": True, "reason": "同意"}
        self.drive.perform("supervisor-1", "stage.back-approve", answer)

    def _interrupt(self) -> None:
        """A pause, a lost recording or a lost venue; everybody comes back."""
        drive = self.drive
        match self.chance.randrange(8):
            case 0:
                drive.perform("operator-1", "proceeding.pause", {"reason": "午休"})
                drive.perform("supervisor-1", "proceeding.resume", {"reason": "继续"})
            case 1:
                drive.execute(commands.LoseRecording("room-2"))
                drive.execute(commands.RegainRecording("room-2"))
            case 2:
                drive.execute(commands.LoseVenue("venue-3", len(drive.entries) // 2))
                for seat in ("seat-5", "operator-3", "room-3"):
                    ctr = drive.state.keys[drive.state.seat_key[seat]].ctr
                    drive.perform(seat, "seat.resume", {"offline": [], "ctr": ctr, "server_ctr": ctr})

    def _points(self, maximum: Decimal) -> Decimal:
        cents = int(maximum * 100)
        return Decimal(self.chance.choice((0, cents // 2, cents, self.chance.randint(0, cents)))) / 100

    def _refused(self, step: Callable[[], object]) -> bool:
        try:
            step()
        except CODED:
            return True
        return False


def leaf_confirmed(drive: Drive) -> frozenset[str]:
    """Who has confirmed the freeze already."""
    freeze = drive.round.freeze
    return freeze.confirmed if freeze is not None else frozenset()


# --- commands that must yield nothing


@cache
def _allowed() -> dict[tuple[str, str], frozenset[str]]:
    """(gate, stage) -> "actor act" as the written matrix has it, which is not the table of the code."""
    found: dict[tuple[str, str], set[str]] = {}
    for role, (actor, _) in ACTORS.items():
        for gate, stage, name in expected(role):
            found.setdefault((gate, stage), set()).add(f"{actor} {name}")
    return {when: frozenset(names) for when, names in found.items()}


ACTING = ("seat-1", "seat-3", "seat-5", "operator-1", "operator-2", "supervisor-1", "auditor-1", "room-2", MAIN, ZHUHAI)
_SPECIAL = frozenset({"definition.fix", "report.sign"})
_ALIKE = {"seat-5": "seat-1"}
_STATED: tuple[Command, ...] = (
    commands.FreezeHolders(),
    commands.RegainRecording("room-1"),
    commands.OpenRound("sheet", 1, ()),
    commands.OpenRound("ballot", 1, ()),
    commands.RecordSignature("seat-1", ROOT, ROOT, 1),
    commands.OpenLot("lot/chair"),
    commands.Due("venue-1"),
    commands.NoteClockJump(3),
    commands.NoteAdvice(ROOT, 1, MAX_FACTS + 1),
    commands.StartRecording(("room-1",), "engine-1"),
    commands.NoteWitnessed(0, ROOT, ROOT),
    commands.IssueCredential("seat-1", "credential-seat-1", ROOT),
)


def wrong_commands(chance: random.Random, often: float) -> Callable[[Swift], None]:
    """After an append, sometimes: an act by a role or in a stage that the matrix does not allow, or an idle fact.

    Anything but a refusal with a code breaks the test.
    """

    def send(drive: Swift) -> None:
        if chance.random() >= often:
            return
        state = drive.state
        if chance.random() < 0.2:
            _must_refuse(state, chance.choice(_STATED))
            return
        name = chance.choice(NAMES)
        actor = chance.choice(ACTING)
        if f"{_ALIKE.get(actor, actor)} {name}" in _allowed().get((state.gate, state.stage), frozenset()):
            return
        body = drive.bodies.get(name, {})
        act = Act("", ROOT, _kid(actor), name, drive.origin, actor, body, 1, 0, ROOT, (len(drive.entries), ROOT), ())
        _must_refuse(state, Perform(act))

    return send


NAMES = tuple(sorted(set(ACTS) - _SPECIAL))


def _must_refuse(state: Proceeding, command: Command) -> None:
    try:
        drafts = decide(state, command, at="2026-11-21T08:00:00.000Z", entropy=b"")
    except CODED:
        return
    raise AssertionError(f"{command} yields {[draft.type for draft in drafts]} in {state.stage}, {state.gate}")


# --- the report's items

_EVENT_OF_ITEM = {
    "definition": {"DefinitionFixed"},
    "opening": {"ProceedingFounded"},
    "signed_in": {"SeatBound"},
    "committed": {"CommitmentSigned"},
    "declared": {"RecusalDeclared"},
    "chair": {"ChairElected", "ChairTied"},
    "review": {"ReviewConcluded"},
    "votes": {"ReviewVoted"},
    "sheets": {"SheetSealed"},
    "tally": {"ScoresTallied"},
    "ranking": {"RankingFixed"},
    "lots": {"TieDrawn"},
    "advice": {"AdviceNoted"},
    "cited": {"MotionOpened"},
}


def untraced(content: Object, entries: Sequence[Entry]) -> list[str]:
    """Items of the report whose `n` is not the entry that it should come from, and such as have none."""
    found: list[str] = []
    seen: set[str] = set()
    for member in content["parties"]["members"]:
        found += [name for name in ("signed_in", "committed", "declared") if member[name] is None]
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
    return found + sorted(set(_EVENT_OF_ITEM) - {"lots", "advice", "cited"} - seen)


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


def reported(drive: Swift, definition: Any) -> Object:
    """The report of the log before it was frozen."""
    advice = drive.state.evaluation.advice
    fact: Object = {"kind": "author", "item": 1, "bidders": ["bidder-1", "bidder-2"]}
    told: Object = {"examined": [], "facts": [fact] * (advice.facts if advice is not None else 0), "more": 0}
    return report.content(definition, drive.state.evaluation, drive.entries[:-1], advice=told)
