"""What does a venue's operator do? Vouches for who sits there, admits the room; the main one leads the proceeding."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from evaluation.core.stages import following
from web.demo.actor import LOOK_AGAIN_S, Actor, Report
from web.demo.vouching import Voucher, Vouching
from web.device.errors import ServerRefused
from web.device.live import Live
from web.device.seat import Seat

PAGES_SHOWN = {"declarations": 1, "compliance-review": 2, "detailed-review": 1}
"""Which page of the tender document the rooms look at, by stage."""


class Operator(Voucher):
    """`evidence` is where the leading operator puts the evidence file in the end; None where somebody else leads."""

    def __init__(
        self,
        *,
        seat: Seat,
        live: Live,
        report: Report,
        vouch: Vouching,
        present: Sequence[Actor],
        evidence: Path | None,
    ) -> None:
        super().__init__(seat=seat, live=live, report=report, vouch=vouch, present=present)
        self._evidence = evidence
        self._stage = ""
        self.duties |= {
            "room.admit": self.admit,
            "round.freeze": self.freeze,
            "stage.advance": self.advance,
            "proceeding.close": self.close,
        }

    async def run(self) -> None:
        await super().run()
        if self._evidence is not None:
            await self._fetch(self._evidence)

    async def attend(self) -> None:
        if self.view["stage"] != self._stage and self._evidence is not None:
            self._stage = self.view["stage"]
            self.report.say(self.id, "stage", stage=self._stage)
        await super().attend()
        await self.show()

    async def admit(self) -> None:
        """The own venue's rooms; the operator sees who is in them."""
        venue = self.view["me"]["venue"]
        for room, facts in self.view["rooms"].items():
            if facts["venue"] == venue and not facts["admitted"]:
                await self.perform("room.admit", {"room": room})

    async def show(self) -> None:
        """Everybody looks at the page that the stage is about."""
        wanted = PAGES_SHOWN.get(self.view["stage"])
        shown = self.view["page"]
        if (
            wanted is not None
            and self.view["presenter"] == self.id
            and self.view["gate"] == "open"
            and self.view["documents"]
            and (shown is None or shown["page"] != wanted)
        ):
            await self.perform("page.show", {"document": self.view["documents"][0][0], "page": wanted})

    async def freeze(self) -> None:
        current = self.view["round"]
        await self.perform("round.freeze", {"purpose": current["purpose"], "round": current["round"]})

    async def advance(self) -> None:
        stage = self.view["stage"]
        await self.perform("stage.advance", {"from": stage, "to": following(stage)})

    async def close(self) -> None:
        await self.perform("proceeding.close", {"report": self.view["report"]["revision"]})

    async def _fetch(self, path: Path) -> None:
        """The evidence file, once the final root is witnessed and the file is written."""
        while True:
            try:
                data = await self.seat.client.evidence()
            except ServerRefused as refusal:
                if refusal.status not in (404, 409):
                    raise
                await asyncio.sleep(LOOK_AGAIN_S)
            else:
                await asyncio.to_thread(path.write_bytes, data)
                return
