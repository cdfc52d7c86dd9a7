"""What does a member of the committee do? Declares, elects, reviews, scores in secret and signs, by a plan."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from evaluation.core import sheet
from evaluation.core.tender import Scoring
from evidence.core.canonical import JSON, b64u, encode, tagged
from web.demo.actor import Actor, Report
from web.demo.tender import Plan
from web.device.live import Live
from web.device.seat import Seat

COMMITMENT = "本人承诺：客观、公正、审慎履行评审职责，遵守评审纪律，对评审过程和结果保密。"
RECUSAL = "本人与参加本项目的供应商不存在依法应当回避的利害关系。"
"""What the pages showed; the act carries its digest (protocols.md section 7)."""
FAILED_REASON = "未实质性响应招标文件要求"


def _shown(scoring: Scoring) -> list[JSON]:
    """Ground, document and page of a fail, where the tender's rule pack wants them."""
    if scoring.terms is None or not scoring.terms.rules.evidenced:
        return []
    document = b64u(scoring.documents[0][0]) if scoring.documents else None
    return [scoring.terms.rules.rejection_grounds[0], document, None if document is None else 1]


class Member(Actor):
    """`drafted` is called once, when the draft of the score sheet is kept and nothing is sealed yet."""

    def __init__(
        self, *, seat: Seat, live: Live, report: Report, plan: Plan, drafted: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(seat=seat, live=live, report=report)
        self._plan = plan
        self._drafted = drafted
        self._fixed: Scoring | None = None
        self.duties |= {
            "commitment.sign": self.commit,
            "recusal.declare": self.declare,
            "ballot.seal": self.elect,
            "review.vote": self.review,
            "motion.vote": self.vote,
            "sheet.seal": self.score,
            "sheet.reseal": self.reseal,
            "sheet.author_open": self.open_own,
            "freeze.ok": self.confirm,
            "ranking.confirm": self.rank,
            "report.sign": self.sign,
        }

    async def commit(self) -> None:
        await self.perform("commitment.sign", {"shown": b64u(tagged("shown", COMMITMENT.encode()))})

    async def declare(self) -> None:
        shown = b64u(tagged("shown", RECUSAL.encode()))
        await self.perform("recusal.declare", {"recuse": False, "grounds": [], "shown": shown})

    async def elect(self) -> None:
        """The own candidate, or the first of those left after a tie: all then agree."""
        current = self.view["round"]
        choices = current["choices"]
        choice = self._plan.chair if self._plan.chair in choices and current["round"] == 1 else choices[0]
        await self.seat.seal_ballot(choice, number=current["round"], choices=choices)
        await self.done(self.seat.device.answered[-1])

    async def review(self) -> None:
        scoring = await self._scoring()
        findings = [
            [bidder, item, "fail", FAILED_REASON, *_shown(scoring)]
            if (bidder, item) in self._plan.failed
            else [bidder, item, "pass", None]
            for bidder, _ in scoring.bidders
            for item in scoring.compliance
        ]
        await self.perform("review.vote", {"findings": findings})

    async def vote(self) -> None:
        """For every motion that somebody at a screen has put: the demo's members put none."""
        for motion in self.view["steps"]["motions"]:
            if motion["carried"] is None and self.id not in motion["voted"]:
                await self.perform("motion.vote", {"motion": motion["id"], "for": True, "reason": None})

    async def score(self) -> None:
        """Fill in, keep the draft, then seal."""
        asked = sheet.items(await self._scoring(), self.view["valid"])
        scores = {item: self._plan.sheet[item[0]][item[1]] for item, _ in asked}
        if self.seat.device.kept("draft") is None:
            draft = {f"{bidder}/{criterion}": str(points) for (bidder, criterion), points in scores.items()}
            self.seat.device.keep("draft", encode(draft))
            self.report.say(self.id, "drafted")
            await self._drafted()
            return
        await self.seat.seal_sheet(scores, number=self.view["round"]["round"], asked=asked)
        await self.done(self.seat.device.answered[-1])

    async def reseal(self) -> None:
        """Holders were replaced, or one rejected the dealing: the same sheet again, without a word."""
        await self.seat.reseal_sheet(number=self.view["round"]["round"], version=self.view["holders"])
        await self.done(self.seat.device.answered[-1])

    async def open_own(self) -> None:
        """Nobody else can open the own sheet or ballot."""
        current = self.view["round"]
        await self.done(await self.seat.open_own(current["purpose"], number=current["round"]))

    async def confirm(self) -> None:
        await self.perform("freeze.ok", {"freeze": self.view["round"]["freeze"]})

    async def rank(self) -> None:
        """The own ranking over the log, before anybody signs."""
        await self.done(await self.seat.confirm_ranking())

    async def sign(self) -> None:
        """What the signing service prepared for this seat, and the report that was frozen."""
        prepared = await self.seat.client.prepare_signature()
        body = {name: prepared[name] for name in ("credential", "hashes", "document")}
        await self.perform("report.sign", body)

    async def _scoring(self) -> Scoring:
        """What is scored, from the log and not from the view."""
        if self._fixed is None:
            gate = await self.seat.gate()
            async for entry in self.seat.record.scan(0, gate.index + 1):
                if entry.type == "DefinitionFixed":
                    self._fixed = Scoring.parse(entry.body["scoring"])
        assert self._fixed is not None  # noqa: S101 (the gate proved that it is there)
        return self._fixed
