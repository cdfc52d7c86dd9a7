"""How does somebody who runs the demo see what happens?"""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any, NoReturn

import structlog
from rich.console import Console
from rich.markup import escape

from web.demo.outcome import Outcome

QUIET = frozenset({"round.freeze", "freeze.ok", "seat.vouch"})
"""Acts that follow from others; shown in full they would hide the story."""
EXPECTED = frozenset({"signing-turn"})
"""Refusals that belong to the story's course: one member signs after the other."""


class Progress:
    """Lines with the seconds since the start: coloured at a terminal, plain elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._start = time.monotonic()
        self._refused: set[tuple[object, ...]] = set()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    def line(self, text: str, *, style: str = "") -> None:
        """One line, at once: whoever reads a pipe sees it too."""
        self._console.print(f"[dim]{self.seconds:6.1f} s[/]  {text}", style=style, highlight=False, soft_wrap=True)

    def processes(self, logger: object, method: str, event: MutableMapping[str, Any]) -> NoReturn:
        """A structlog processor: of what the supervisor logs, only a death is a part of the story."""
        if event["event"] == "sibling-ended":
            self.line(f"process {event['sibling']} died, status {event['status']}; it is started again", style="yellow")
        raise structlog.DropEvent

    def heard(self, message: dict[str, object]) -> None:
        """What an actor says."""
        who, what = message["who"], message["what"]
        if what == "acted" and message["act"] not in QUIET:
            self.line(f"[cyan]{who}[/] {message['act']} → #{message['index']}")
        elif what == "refused" and message["code"] not in EXPECTED:
            refusal = (who, message["act"], message["code"])
            if refusal in self._refused:
                return
            self._refused.add(refusal)
            self.line(f"[cyan]{who}[/] {message['act']} refused for now: {message['code']}", style="dim")
        elif what == "stage":
            self.line(f"stage [bold]{message['stage']}[/]")
        elif what not in ("acted", "refused", "silent"):
            self.line(f"[cyan]{who}[/] {what}")

    def outcome(self, outcome: Outcome, *, report: str, evidence: str, verdict: str) -> None:
        """The end of the story."""
        print_ = self._console.print
        print_(f"\n[bold]{outcome.title}[/]", highlight=False)
        for place in outcome.places:
            figures = f"technical {place.technical} + price {place.price} = [bold]{place.total}[/]"
            print_(f"  {place.rank}. {place.name}  {figures}", highlight=False, soft_wrap=True)
        for recording in outcome.recordings:
            gap = f", of which {recording.gap_seconds:.1f} s declared gap" if recording.gap_seconds else ""
            print_(f"recording {recording.room}: {recording.seconds:.1f} s{gap}", highlight=False)
        print_(f"report ({outcome.signatures} signatures): {report}", highlight=False, soft_wrap=True)
        print_(f"evidence ({outcome.entries} entries): {evidence}", highlight=False, soft_wrap=True)
        print_(f"tongping verify: {escape(verdict)}", highlight=False, soft_wrap=True)
        print_(f"wall time: {self.seconds:.1f} s", highlight=False)
