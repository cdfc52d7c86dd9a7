"""What a committee may do between the stages of a generated proceeding: ask, vote on competition, ask for more time,
deal anew what a holder rejects, and end. Each function plays one thing to its end; `chance` decides how it goes.
"""

from __future__ import annotations

import random
from typing import Any

from evaluation.core import clarification, points, rejection
from evaluation.core.sealing import context
from evaluation.core.steps import ANSWERED, LAPSED, REFUSED
from evaluation.core.terms import UNCONFIRMED
from evidence.core.act import NO_ACT
from evidence.core.canonical import Object, b64u, sha256
from evidence.core.envelope import sheet_commitment
from sessions.core import aborted, commands
from sessions.core.commands import Perform
from tests.rules.incidents import at
from tests.sessions.drive import FINANCE, HOLDERS, MAIN, ZHONGSHAN, ZHUHAI, Drive, light, signer_of

NOON, AFTER_NOON = "2026-11-21T12:00:00.000Z", "2026-11-21T12:30:00.000Z"


def motion(drive: Drive, chance: random.Random, kind: str, about: Object) -> bool:
    """Put to the vote, and decided: whether it was carried."""
    (opened,) = drive.perform(chance.choice(drive.state.signers), "motion.open", {"kind": kind, "about": about})
    assert opened.act is not None
    against = chance.random()
    for seat in drive.state.signers:
        body: Object = {"motion": b64u(opened.act.id), "for": chance.random() > against, "reason": "意见"}
        drive.perform(seat, "motion.vote", body)
    return bool(drive.state.evaluation.steps.motions[-1].carried)


def clarify(drive: Drive, chance: random.Random) -> None:
    """A question to a bidder about a page: refused, answered in time, or not answered."""
    evaluation, chair = drive.state.evaluation, drive.state.evaluation.chair
    fixed = evaluation.fixed
    assert fixed is not None
    standing = [bidder for bidder, _ in fixed.scoring.bidders if bidder not in evaluation.steps.rejected]
    if not fixed.scoring.documents or not standing or chair is None or evaluation.steps.failed is not None:
        return
    document, _ = fixed.scoring.documents[0]
    about: Object = {"bidder": chance.choice(standing), "kind": clarification.UNCLEAR, "text": "工期指日历天吗？"}
    about |= {"document": b64u(document), "page": 1}
    if evaluation.rules.clarification_by == clarification.CHAIR:
        drive.perform(chair, "clarification.ask", about)
    elif not motion(drive, chance, "clarification", about):
        return
    settle(drive, chance, {}, (1, 1, 1))


def settle(drive: Drive, chance: random.Random, answer: Object, weights: tuple[int, int, int]) -> str | None:
    """The newest question is refused by the supervisor, not answered, or answered in time; how it was closed."""
    asked = drive.state.evaluation.steps.questions[-1]
    name, chair = b64u(asked.id), drive.state.evaluation.chair
    assert chair is not None
    match chance.choices((REFUSED, LAPSED, ANSWERED), weights)[0]:
        case "refused":
            drive.perform("supervisor-1", "clarification.refuse", {"question": name, "reason": "带有暗示"})
        case "lapsed":
            drive.perform("supervisor-1", "clarification.approve", {"question": name, "until": NOON})
            at(drive, Perform(drive.act(chair, "clarification.lapse", {"question": name})), AFTER_NOON)
        case _:
            drive.perform("supervisor-1", "clarification.approve", {"question": name, "until": NOON})
            owner = f"{asked.bidder}/{asked.n}"
            drive.perform(MAIN, "bidder.vouch", {"question": name, "jwk": signer_of(owner).jwk})
            body: Object = {"question": name, "text": "日历天", **answer}
            drive.take(drive.act(owner, "clarification.answer", body, sub=asked.bidder, ctr=1, prev=NO_ACT))
    return drive.state.evaluation.steps.questions[-1].closed


def correct(drive: Drive, chance: random.Random) -> None:
    """Each corrected price is put to its bidder: confirmed, refused, or not answered, and then the bid is rejected.
    Now and then the supervisor holds the question back first, and now and then nobody asks at all."""
    evaluation = drive.state.evaluation
    chair, fixed = evaluation.chair, evaluation.fixed
    assert fixed is not None
    for bidder in evaluation.unconfirmed:
        evaluation = drive.state.evaluation
        if chair not in evaluation.seats or evaluation.steps.failed is not None or chance.random() < 0.02:
            return
        document, _ = fixed.scoring.documents[0]
        page: Object = {"bidder": bidder, "text": "报价修正如下，请确认。", "document": b64u(document), "page": 1}
        price = points.form(evaluation.proposed[bidder].price)
        about = page | {"kind": clarification.CORRECTION, "price": price}
        closed = None
        while closed in (None, REFUSED):
            if evaluation.rules.clarification_by == clarification.CHAIR:
                drive.perform(chair, "clarification.ask", about)
            else:
                agree(drive, chance, "clarification", about)
            asked = drive.state.evaluation.steps.questions[-1]
            closed = settle(drive, chance, {"price": price if chance.random() < 0.8 else None}, (1, 2, 5))
        if drive.state.evaluation.steps.questions[-1].confirmed:
            continue
        assert asked.bidder == bidder
        agree(drive, chance, "rejection", page | {"ground": UNCONFIRMED})


def agree(drive: Drive, chance: random.Random, kind: str, about: Object) -> None:
    """The same motion until it is carried."""
    while not motion(drive, chance, kind, about):
        pass


def hurry(drive: Drive, chance: random.Random) -> None:
    """Members ask for more time; with more than a third of them it is extended."""
    waiting = [seat for seat in drive.state.signers if seat not in drive.state.evaluation.steps.hurried]
    for seat in waiting[: chance.randint(1, 3)]:
        drive.perform(seat, "extension.ask", {"reason": "投标文件篇幅大"})


def compete(drive: Drive, chance: random.Random) -> None:
    """Too few bids are left, and the pack leaves it to the committee whether they compete."""
    evaluation = drive.state.evaluation
    short = evaluation.valid is not None and rejection.short(evaluation, evaluation.standing) is not None
    if short and evaluation.rules.below_least == rejection.VOTE and evaluation.steps.failed is None:
        motion(drive, chance, "no-competition", {"text": "有效投标不足三个，明显缺乏竞争"})


def end(drive: Drive) -> None:
    """Ended by the supervisor; what was agreed to be opened is opened all the same, and then the log is closed."""
    drive.perform("supervisor-1", "proceeding.abort", {"reason": "依法终止"})
    found = drive.state.evaluation.round
    if found is not None and found.releasable is not None and found.opened is None:
        for domain in (ZHONGSHAN, FINANCE):
            if domain not in found.releases:
                drive.release(domain)
        drive.open()
    drive.execute(commands.EndRecording(tuple(drive.state.recording)))
    assert aborted.ready(drive.state)
    drive.perform("operator-1", "proceeding.seal", {})


def reject(drive: Drive, seat: str, times: int) -> None:
    """A holder rejects what the others acknowledge, and the seat's device deals anew; the second time it is faulty."""
    for number in range(times):
        act = b64u(drive.round.current[seat])
        drive.perform(ZHUHAI, "share.reject", {"act": act, "index": 1 + HOLDERS.index(ZHUHAI), "code": "untrusted"})
        for domain in (ZHONGSHAN, FINANCE):
            drive.perform(domain, "share.ack", {"act": act, "index": 1 + HOLDERS.index(domain)})
        if drive.state.evaluation.due_again(drive.round, seat):
            reseal(drive, seat, number)


def reseal(drive: Drive, seat: str, number: int) -> None:
    """The same plaintext in another dealing."""
    found, evaluation = drive.round, drive.state.evaluation
    old = drive.sealed[found.current[seat]]
    bound = context(evaluation, "sheet", seat, found.number, sheet_commitment(old.plaintext))
    made = light(bound, old.plaintext)
    fresh = sha256(found.current[seat] + bytes([number]))
    value: dict[str, Any] = dict(made.envelope.json)
    value["feldman"] = [b64u(b"\x02" + sha256(fresh + bytes([n]))) for n in range(len(value["feldman"]))]
    value["ct"] = value["ct"] | {"sha256": b64u(fresh)}
    assert evaluation.fixed is not None
    body: Object = {
        "envelope": value,
        "definition": b64u(evaluation.fixed.sha256),
        "round": found.number,
        "part": [1, 1],
        "replaces": b64u(found.current[seat]),
    }
    act = drive.act(seat, "sheet.reseal", body)
    envelope = type(made.envelope).parse(value)
    drive.sealed[act.id] = type(made)(envelope, old.plaintext, made.ct, made.shares)
    drive.take(act)
