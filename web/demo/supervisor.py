"""What does the supervisor do? It approves an opening, and names who did not confirm the freeze."""

from __future__ import annotations

from web.demo.actor import Report
from web.demo.vouching import Voucher, Vouching
from web.device.live import Live
from web.device.seat import Seat


class Supervisor(Voucher):
    def __init__(self, *, seat: Seat, live: Live, report: Report, vouch: Vouching) -> None:
        super().__init__(seat=seat, live=live, report=report, vouch=vouch, present=())
        self.duties["opening.approve"] = self.approve

    async def approve(self) -> None:
        """In the demo every member answers, so nobody is named silent: the approval waits for the last confirmation."""
        current = self.view["round"]
        if set(current["confirmed"]) == set(current["required"]):
            await self.perform("opening.approve", {"freeze": current["freeze"], "silent": []})
