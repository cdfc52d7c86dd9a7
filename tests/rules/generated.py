"""Generated proceedings: a tender, a beginning up to the committee's review, and from there one of many continuations.

Nothing is signed and nothing is hidden in an envelope here, since keys and ciphers have tests of their own: so a whole
proceeding takes milliseconds. What is decided, what is folded and what stands in the log is the real thing.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

from evaluation.core import checks, sheet, stages
from evaluation.core.rejection import UNEXPLAINED
from evaluation.core.sealing import context
from evaluation.core.terms import UNCONFIRMED
from evaluation.errors import EvaluationError
from evidence.core import act as acts_form
from evidence.core.act import Act, thumbprint
from evidence.core.canonical import Object, b64, b64u, sha256
from evidence.core.entry import Draft, Entry
from evidence.core.envelope import sheet_commitment
from evidence.errors import EvidenceError
from sessions.core import advising, commands
from sessions.core.proceeding import evolve
from sessions.core.state import OPEN
from sessions.errors import SessionError
from tests.ranking.tenders import Made
from tests.rules import committee, incidents
from tests.sessions.drive import FINANCE, HOLDERS, MEMBERS, ZHONGSHAN, ZHUHAI, Drive, signer_of

CODED = (SessionError, EvaluationError, EvidenceError)
ROOT = bytes(32)
ADVICE = sha256(b"advice")
UNSIGNED = b64u(bytes(64))


@cache
def kid(owner: str) -> str:
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
        named = kid(owner)
        key = self.state.keys.get(named)
        sd: tuple[str, ...] = more.pop("sd", ())  # type: ignore[assignment]
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
        } | ({"_sd": list(sd)} if sd else {})
        signing_input = _header(named) + "." + b64u(_plain(payload))
        self.bodies[name] = body
        return Act(
            jws=signing_input + "." + UNSIGNED,
            id=acts_form.act_id(signing_input),
            kid=named,
            act=name,
            aud=self.origin,
            sub=given["sub"],
            body=body,
            ctr=given["ctr"],
            iat=payload["iat"],
            prev=given["prev"],
            seen=given["seen"],
            sd=sd,
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

    def acknowledge(self) -> None:
        """Every holder acknowledges the round's seals; what it is asked besides may wait."""
        for domain in HOLDERS:
            for act in self.round.seals:
                self.perform(domain, "share.ack", {"act": b64u(act), "index": HOLDERS.index(domain) + 1})

    def root_at(self, size: int) -> bytes | None:
        return ROOT

    def witness(self) -> list[Entry]:
        size = len(self.entries)
        return self.execute(commands.NoteWitnessed(size, ROOT, sha256(b"note%d" % size)))

    def seal_away(self, away: incidents.Away, plaintext: bytes) -> None:
        """The same seal, signed without the network."""
        found, evaluation = self.round, self.state.evaluation
        made = self.sealer(
            context(evaluation, "sheet", away.seat, found.number, sheet_commitment(plaintext)), plaintext
        )
        assert evaluation.fixed is not None
        body: Object = {
            "envelope": made.envelope.json,
            "definition": b64u(evaluation.fixed.sha256),
            "round": found.number,
            "part": [1, 1],
            "replaces": None,
        }
        self.sealed[away.sign("sheet.seal", body).id] = made

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
    terms = made.value.get("terms")
    night: Object = {"terms": terms | {"incidents": incidents.JIANGSU}} if terms and chance.random() < 0.5 else {}
    drive = Swift(definition=made.value | night)
    drive.until(stages.CHAIR_ELECTION)
    for number in (1, 2, 3):
        choices = drive.round.choices
        votes = {seat: chance.choice(choices) for seat in MEMBERS} if number < 3 else dict.fromkeys(MEMBERS, choices[0])
        drive.vote(votes)
        if drive.state.evaluation.chair is not None:
            break
    (asked,) = drive.perform("seat-1", "help.ask", {"kind": "procedure", "text": ""})
    assert asked.act is not None
    drive.perform("operator-1", "help.answer", {"asked": b64u(asked.act.id), "text": "马上来"})
    drive.advance()
    return drive


@dataclass
class Course:
    """One continuation: the committee reviews, scores, corrects, is interrupted, and ranks; `chance` decides how."""

    drive: Swift
    chance: random.Random
    codes: set[str] = field(default_factory=set)
    """What the law refused on the way."""

    def run(self) -> Swift:
        """As far as the law lets it go; what stands still, stands still with a reason of the law."""
        drive, chance = self.drive, self.chance
        self._advise()
        self._review()
        if chance.random() < 0.03 and self._refused(self._replace):
            return drive
        committee.correct(drive, chance)
        for step in (committee.clarify, committee.hurry, committee.compete):
            if chance.random() < (1.0 if step is committee.compete else 0.1):
                step(drive, chance)
        while drive.state.stage == stages.COMPLIANCE_REVIEW:
            self._interrupt()
            if self._refused(drive.advance):
                if chance.random() < 0.5:
                    committee.end(drive)
                return drive
        self._score()
        if drive.state.gate != OPEN:
            return drive
        self._correct()
        if chance.random() < 0.02:
            # After the opening only the newcomer scores.
            if self._refused(self._replace):
                return drive
            self._score()
            if drive.state.gate != OPEN:
                return drive
            self._correct()
        if self._refused(drive.advance):
            return drive
        if chance.random() < 0.5:
            incidents.coefficient(drive)
        if chance.random() < 0.05 and not self._refused(self._back):
            self._score()
            if drive.state.gate == OPEN:
                self._correct()
            if drive.state.gate != OPEN or self._refused(drive.advance):
                return drive
        incidents.lots(drive)
        self._report()
        return drive

    def sign(self) -> bool:
        """From the frozen report to the end, or to another report: then True."""
        drive = self.drive
        drive.advance()
        incidents.sign(drive, self.chance)
        if self.chance.random() < 0.5 and incidents.reopen(drive, self.chance):
            self._correct()
            if not self._refused(drive.advance):
                incidents.lots(drive)
                self._report()
                return True
            return False
        if not self._refused(drive.advance):
            drive.close()
        return False

    def _report(self) -> None:
        self.drive.advance()
        self._interrupt()
        self.drive.freeze_report()

    def _advise(self) -> None:
        """Facts of collusion, where documents can be compared; sometimes a motion to reject cites one."""
        drive, chance = self.drive, self.chance
        if not advising.comparable(drive.state) or chance.random() < 0.5:
            return
        facts = chance.randint(0, 3)
        drive.execute(commands.NoteAdvice(ADVICE, 1000, facts))
        evaluation = drive.state.evaluation
        grounds = [each for each in evaluation.rules.rejection_grounds if each not in (UNEXPLAINED, UNCONFIRMED)]
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
        for seat in chance.sample(drive.state.signers, len(drive.state.signers)):
            findings = [
                drive.fail(bidder, item)
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
        # Bidders that are alike tie; sheets that are equal leave nothing to correct.
        alike = {criterion: self._points(maximum) for (_, criterion), maximum in asked}
        tied = chance.random() < 0.15
        common = {item: alike[item[1]] if tied else self._points(maximum) for item, maximum in asked}
        equal = tied or equal
        members = found.required
        for seat in chance.sample(members, len(members)):
            scores = {
                item: common[item] if equal or chance.random() < 0.7 else self._points(maximum)
                for item, maximum in asked
            }
            place = drive.state.evaluation.place(seat, found.number)
            plaintext = sheet.build(place, scores, asked, chance.randbytes(32))
            if drive.state.seat(seat).venue == "venue-3" and chance.random() < 0.1:
                incidents.cut_off(drive, chance, lambda away, plaintext=plaintext: drive.seal_away(away, plaintext))  # type: ignore[misc]
                continue
            made = drive.seal(seat, plaintext)
            if chance.random() < 0.1:
                self._interrupt()
            if chance.random() < 0.04:
                assert made[0].act is not None
                again = sheet.build(place, scores, asked, chance.randbytes(32))
                drive.seal(seat, again, replaces=b64u(made[0].act.id))
        if chance.random() < 0.02:
            committee.end(drive)
            return
        lost = chance.choice((None, None, None, ZHONGSHAN, FINANCE))
        if lost is None and chance.random() < 0.1:
            committee.reject(drive, chance.choice(members), chance.randint(1, 2))
        if lost is not None:
            body: Object = {"purpose": "sheet", "round": found.number, "holders": [lost], "reason": "节点损毁"}
            drive.perform("supervisor-1", "holders.miss", body)
        for domain in HOLDERS:
            if domain != lost:
                for act in [act for act, seal in drive.round.seals.items() if not seal.answered(domain)]:
                    drive.perform(domain, "share.ack", {"act": b64u(act), "index": HOLDERS.index(domain) + 1})
        drive.freeze()
        leaf = drive.round.freeze
        assert leaf is not None
        if chance.random() < 0.1:
            drive.perform(members[0], "freeze.dispute", {"freeze": b64u(leaf.leaf)})
            drive.perform(members[0], "freeze.ok", {"freeze": b64u(leaf.leaf)})
        silent = set(chance.sample(members, min(len(members), chance.choice((0, 0, 0, 1, 2))))) - leaf_confirmed(drive)
        drive.confirm([seat for seat in members if seat not in silent | leaf_confirmed(drive)])
        drive.approve(sorted(silent))
        drive.witness()
        if chance.random() < 0.02:
            committee.end(drive)
            return
        for domain in (domain for domain in HOLDERS if domain != (lost or ZHUHAI)):
            drive.release(domain)
        unread = chance.choice(members) if chance.random() < 0.05 else None
        drive.open({unread: "sheet-unreadable"} if unread is not None else None)
        if unread is not None:
            act = drive.round.current[unread]
            drive.perform(unread, "sheet.author_open", {"act": b64u(act), "p": b64u(drive.sealed[act].plaintext)})

    def _correct(self) -> None:
        """Objective items are made equal, and who lies far off may come nearer: each by its own act."""
        drive = self.drive
        found = checks.look(drive.state.evaluation)
        if found.objective and self.chance.random() < 0.3:
            # No total is made while members differ on an objective item.
            assert self._refused(drive.advance)
        for seat, bidder in found.abnormal:
            self._correction(seat, bidder, checks.ABNORMAL)
        for bidder, criterion in found.objective:
            for seat in drive.state.signers:
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

    def _replace(self) -> None:
        incidents.replace(self.drive, self.chance, lambda: committee.compete(self.drive, self.chance))

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
                incidents.cut_off(drive, self.chance)
            case 3:
                incidents.night(drive)

    def _points(self, maximum: Decimal) -> Decimal:
        cents = int(maximum * 100)
        return Decimal(self.chance.choice((0, cents // 2, cents, self.chance.randint(0, cents)))) / 100

    def _refused(self, step: Callable[[], object]) -> bool:
        try:
            step()
        except CODED as error:
            self.codes.add(error.code)
            return True
        return False


def leaf_confirmed(drive: Drive) -> frozenset[str]:
    """Who has confirmed the freeze already."""
    freeze = drive.round.freeze
    return freeze.confirmed if freeze is not None else frozenset()
