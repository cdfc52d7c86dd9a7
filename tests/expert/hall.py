"""A whole meeting around one expert in a browser: real servers and nodes, everybody else the demo's actors.

The actors do what their views ask for, so the meeting waits at each stage for the one seat that a test plays.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.api.installation import AHEAD, Running, running
from tests.chromium.browsers import CURRENT, FLAGS
from tests.chromium.hall import vouch
from tests.expert.papers import tender_with_papers
from web.demo.run import CLIPS
from web.demo.tender import case
from web.demo.venue import write_plan

SEAT = "seat-1"
PATIENCE_S = 240.0
VIEWPORT = {"width": 1440, "height": 900}


@dataclass
class Hall:
    """The meeting, and the browser in which the expert sits."""

    site: Running
    browser: Browser
    folder: Path
    places: list[subprocess.Popen[bytes]] = field(default_factory=list)
    bound: bool = False
    played: frozenset[str] = frozenset({SEAT})
    """The seats that a test plays in browsers."""

    def view(self) -> dict[str, Any]:
        """What the server shows the seat, asked for beside the browser."""
        return self.site.view(SEAT)

    def wait(self, condition: Callable[[dict[str, Any]], Any], seconds: float = PATIENCE_S) -> dict[str, Any]:
        """The first view that satisfies `condition`."""
        deadline = time.monotonic() + seconds
        while True:
            view = self.view()
            if condition(view):
                return view
            assert time.monotonic() < deadline, f"in vain: {view['stage']} {view['gate']} {view['todo']}"
            assert all(place.poll() is None for place in self.places), "a place ended"
            time.sleep(0.2)

    def until(self, stage: str) -> dict[str, Any]:
        return self.wait(lambda view: view["stage"] == stage)

    def due(self, act: str) -> dict[str, Any]:
        return self.wait(lambda view: act in view["todo"])

    def link(self, seat: str = SEAT) -> str:
        answer = self.site.administer(f"{self.site.path}/links", {"seat": seat})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["url"])

    def context(self, **options: Any) -> BrowserContext:
        """A browser profile of its own; the page speaks Chinese unless it is told otherwise."""
        found = self.browser.new_context(**{"viewport": VIEWPORT, "locale": "zh-CN", **options})
        found.set_default_timeout(60_000)
        return found

    def sit(self, context: BrowserContext) -> Page:
        """Sign in at the seat, and be vouched for and bound where this is the first time."""
        page = context.new_page()
        page.goto(self.link())
        # The device check has its own tests; who has been checked before goes on to the seat.
        page.wait_for_url("**/check-in")
        page.goto(f"{self.site.url}/expert")
        if not self.bound:
            vouch(self.site, page, SEAT)
            self.wait(lambda view: view["me"]["bound"])
            self.bound = True
        page.get_by_role("navigation", name="评审阶段").wait_for()
        return page

    def start_places(self) -> None:
        """Venues 1 to 3 and the supervisor's office, without the seats that a test plays; again: where they were."""
        installation, tender = self.site.installation, case(None)
        for number, name in enumerate(("venue-1", "venue-2", "venue-3", "supervision"), start=1):
            folder = self.folder / name
            folder.mkdir(exist_ok=True)
            seats = [
                seat
                for seat in tender.seats
                if seat["id"] not in self.played and seat["role"] != "auditor" and _place_of(seat) == number
            ]
            node = installation.node(seats[0]["centre"])
            names = {seat["id"] for seat in seats}
            config = {
                "server": self.site.url,
                "origin": self.site.origin,
                "state": str(folder),
                "policy": str(installation.policy / "tlog-policy"),
                "trust": str(installation.policy / "trust.json"),
                "links": {name: self.site.link(name) for name in sorted(names)},
                "node": node and node.url,
                "token": node.operator_token if node else installation.administrator_token,
                "clip": str(CLIPS / f"{name}.webm"),
                # The seat that a test plays leads the committee: only its chair asks bidders.
                "plans": {
                    seat: write_plan(replace(plan, chair=SEAT)) for seat, plan in tender.plans.items() if seat in names
                },
                "evidence": str(self.folder / "evidence.zip") if number == 1 else None,
            }
            path = folder / "place.json"
            path.write_text(json.dumps(config, ensure_ascii=False))
            command = [sys.executable, "-P", "-m", "web.demo.venue", str(path)]
            with (folder / "said.log").open("wb") as said:
                self.places.append(subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT))

    def end_places(self) -> None:
        for place in self.places:
            place.terminate()
        for place in self.places:
            try:
                place.wait(10)
            except subprocess.TimeoutExpired:
                place.kill()
        self.places = []


@contextmanager
def meeting(
    folder: Path, tender: dict[str, Any] | None = None, played: frozenset[str] = frozenset({SEAT})
) -> Iterator[Hall]:
    """Installed, opened (the demo's tender where none is given), everybody on the way; ends with the block."""
    with ExitStack() as stack:
        site = stack.enter_context(running(folder / "site", tender or tender_with_papers(), AHEAD))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=CURRENT, args=list(FLAGS))
        stack.callback(browser.close)
        (folder / "places").mkdir()
        hall = Hall(site, browser, folder / "places", played=played)
        stack.callback(hall.end_places)
        hall.start_places()
        yield hall


def _place_of(seat: dict[str, Any]) -> int:
    return 4 if seat["role"] == "supervisor" else int(str(seat["venue"]).rpartition("-")[2])
