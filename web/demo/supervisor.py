"""What does the supervisor do? It says where the experts were drawn, approves an opening, and lets questions out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from evidence.core.canonical import b64u, sha256
from web.demo.actor import Report
from web.demo.vouching import Voucher, Vouching
from web.device.live import Live
from web.device.seat import Seat

TO_ANSWER = timedelta(minutes=30)
"""Half an hour, as committees give a bidder who sits beside its telephone."""
LABEL, REFERENCE = "expert/all", "省综合评标专家库 随机抽取结果单"
LIST = b"the list of the experts' pool, which the demo does not have"


class Supervisor(Voucher):
    def __init__(self, *, seat: Seat, live: Live, report: Report, vouch: Vouching) -> None:
        super().__init__(seat=seat, live=live, report=report, vouch=vouch, present=())
        self.duties["opening.approve"] = self.approve
        self.duties["clarification.approve"] = self.let_out
        self.duties["draw.external"] = self.state_the_draw

    async def approve(self) -> None:
        """In the demo every member answers, so nobody is named silent: the approval waits for the last confirmation."""
        current = self.view["round"]
        if set(current["confirmed"]) == set(current["required"]):
            await self.perform("opening.approve", {"freeze": current["freeze"], "silent": []})

    async def state_the_draw(self) -> None:
        """The committee of the demo came from another system's list; here stands its reference and its hash."""
        seats = {"seats": self.view["undrawn"]} if self.view["rules"]["by_seat"] else {}
        said = {"label": LABEL, "reference": REFERENCE, "evidence": b64u(sha256(LIST))}
        await self.perform("draw.external", said | seats)

    async def let_out(self) -> None:
        waiting = next(each for each in self.view["steps"]["questions"] if each["until"] is None and not each["closed"])
        until = (datetime.now(UTC) + TO_ANSWER).isoformat(timespec="seconds")
        await self.perform("clarification.approve", {"question": waiting["id"], "until": until})
