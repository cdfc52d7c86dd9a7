"""How people use the pages: each class is one person at one page, found by what a person reads there."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import numpy as np
from playwright.sync_api import Browser, Locator, Page, TimeoutError

from web.demo import blockcode
from web.demo.tender import Plan

WAIT_MS = 60_000
PRESS_MS = 5_000
# A page that is not what it was a moment ago is looked at anew after this time.
STEP_MS = 15_000
PIXELS = """id => {
    const canvas = document.getElementById(id);
    if (!canvas || canvas.width < 64) return null;
    const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let luma = "";
    for (let i = 0; i < data.length; i += 4) luma += String.fromCharCode(data[i + 1]);
    return { luma: btoa(luma), width, height };
}"""


def press(button: Locator) -> None:
    """A click whose page is busy with what it started: that it came about, the next look at the page says."""
    with suppress(TimeoutError):
        button.click(timeout=PRESS_MS)


class Person:
    """A browser of its own, with what went wrong in it."""

    def __init__(self, browser: Browser, name: str) -> None:
        self.name = name
        self.wrong: list[str] = []
        context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
        context.set_default_timeout(WAIT_MS)
        self.page: Page = context.new_page()
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.moments: dict[int, set[int]] = {1: set(), 2: set(), 3: set()}

    def close(self) -> None:
        self.page.context.close()

    def look_at_the_rooms(self) -> None:
        """Venue number and clock, from the pixels of each tile."""
        for venue, moments in self.moments.items():
            found = self.page.evaluate(PIXELS, f"canvas-room-{venue}")
            if found is None:
                continue
            luma = np.frombuffer(base64.b64decode(found["luma"]), dtype=np.uint8)
            reading = blockcode.read(luma.reshape(found["height"], found["width"]))
            if reading is not None:
                assert reading.venue == venue, f"{self.name} sees {reading.venue} in the tile of room {venue}"
                moments.add(reading.clip_ms)

    @property
    def saw_everybody(self) -> bool:
        return all(len(moments) >= 2 for moments in self.moments.values())


class Seated(Person):
    """Somebody with a seat: signs in by the link, and is looked at by the code on the screen."""

    def arrive(self, link: str) -> str:
        """The comparison code that the page shows."""
        self.page.goto(link)
        self.page.wait_for_url("**/check-in")
        return self.page.locator("[data-code]").inner_text()

    def enter(self) -> None:
        """Once the device is registered, past the device check, which has its own tests."""
        self.page.get_by_text("本机已登记").wait_for()
        self.page.get_by_role("button", name="跳过设备检查").click()


class Operator(Seated):
    def check(self, codes: dict[str, str], reads: Callable[[str], None]) -> None:
        """Look at everybody who waits: the code must be the one on the other screen."""
        page = self.page
        while page.locator("li.one:has(p.code)").count():
            row = page.locator("li.one:has(p.code)").first
            seat = row.locator("code").inner_text()
            assert row.locator("p.code").inner_text() == codes[seat], f"another code for {seat}"
            row.get_by_role("button").click()
            page.get_by_label("我已看过证件原件，两边的比对码完全一致").check()
            page.get_by_role("button", name="签署核验").click()
            row_of_seat = page.locator(f"li.one:has(code:text-is('{seat}'))")
            row_of_seat.wait_for(state="detached")
            reads(seat)

    def admit(self) -> None:
        """The rooms of the own venue, as soon as their devices are registered."""
        for button in self.page.get_by_role("button", name=re.compile("^准许接入")).all():
            press(button)

    def lead(self) -> bool:
        """The next step, if the page offers one; whether it did."""
        offer = self.page.locator(".next .row button.primary:not([aria-disabled])")
        if offer.count() == 0:
            return False
        offer.click()
        self.page.locator("dialog[open] button.primary").click()
        return True

    @property
    def closed(self) -> bool:
        return self.page.locator("#gate.closed").count() > 0


class Supervisor(Seated):
    def approve(self) -> None:
        """The opening, which the decision panel asks for."""
        page = self.page
        asked = page.locator("#decisions").get_by_role("button", name="批准开启")
        sure = page.locator("dialog[open]").get_by_role("button", name="批准开启")
        # What lies behind an open dialog is out of reach, for people and for us.
        if sure.count():
            press(sure)
        elif asked.count() and asked.first.is_enabled():
            press(asked.first)


class Auditor(Person):
    def verify(self, link: str) -> None:
        """One click, once the evidence file is archived."""
        page = self.page
        page.goto(link)
        page.wait_for_url(lambda url: "/sign-in" not in url)
        page.goto(link.partition("/sign-in")[0] + "/auditor")
        page.get_by_role("tab", name="核验与下载").click()
        page.get_by_role("button", name="开始核验").click()
        page.locator("#verdict.valid").wait_for(timeout=2 * WAIT_MS)


class Expert(Seated):
    """A member of the committee who judges by a plan, and does what the task list says."""

    def enter(self) -> None:
        super().enter()
        self.page.wait_for_url("**/expert")
        self.page.set_default_timeout(STEP_MS)

    def __init__(self, browser: Browser, name: str, plan: Plan) -> None:
        super().__init__(browser, name)
        self._plan = plan
        self.did: list[str] = []

    def work(self) -> bool:
        """One step of what is due; whether anything was."""
        page = self.page
        due = page.locator("nav.tasks .due a.task")
        if due.count() == 0:
            return False
        path = due.first.get_attribute("href") or ""
        if not page.url.endswith(path):
            press(due.first)
            return True
        if page.locator(".check button.primary").count():
            ready = page.locator(".check button.primary:not([aria-disabled])")
            if ready.count():
                self.did.append(path)
                press(ready)
            return True
        with suppress(TimeoutError):
            # What is due may be done, or the page another one, before the last field is found: then it is looked again.
            self._fill(path.rpartition("/")[2])
        return True

    def _fill(self, what: str) -> None:
        page, plan = self.page, self._plan
        match what:
            case "commitment":
                page.locator("#agree").check()
            case "recusal":
                page.locator("#answer-none").check()
            case "chair":
                choice = page.locator(f"#choice-{plan.chair}")
                (choice if choice.count() else page.locator("input[name=choice]").first).check()
            case "review":
                for button in page.get_by_role("button", name="其余项均符合").all():
                    button.click()
            case "score":
                self._score(plan.sheet)
            case "freeze":
                assert page.locator(".match.good").count(), "the list holds another seal than this seat's"
                self.did.append("/expert/freeze")
                press(page.get_by_role("button", name="确认清单无误"))
                return
            case "sign":
                page.locator("#read").check()
                page.get_by_role("button", name="下一步：签署").click()
                return
        page.get_by_role("button", name="下一步：核对").click()

    def _score(self, sheet: dict[str, dict[str, Decimal]]) -> None:
        for bidder, points in sheet.items():
            for leaf, given in points.items():
                field = self.page.locator(f"#score-{bidder}-{leaf}")
                if field.count():
                    field.fill(f"{given:.2f}")
