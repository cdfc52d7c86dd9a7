"""How people use the pages: each class is one person at one page, found by what a person reads there."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Locator, Page, TimeoutError

from tests.e2e.album import Album
from tests.e2e.words import word
from web.demo import blockcode
from web.demo.tender import Plan

WAIT_MS = 60_000
PRESS_MS = 5_000
# A page that is not what it was a moment ago is looked at anew after this time.
STEP_MS = 15_000
PREFERENCES = "tongping/preferences"
# Nobody forks the log here: a page that says so is wrong, even for a moment.
NO_FORK = """new MutationObserver(() => {
    const forked = document.querySelector("[data-forked]");
    if (forked) setTimeout(() => { throw new Error("the page says that the log forked"); });
}).observe(document, { childList: true, subtree: true });"""
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
    """A browser of its own, with what went wrong in it; with an album, it keeps a copy of each page."""

    def __init__(self, browser: Browser, name: str, language: str = "zh", album: Album | None = None) -> None:
        self.name = name
        self.wrong: list[str] = []
        self._language = language
        self._album = album
        context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
        context.set_default_timeout(WAIT_MS)
        context.add_init_script(NO_FORK)
        if language != "zh":
            # Once: what the person chooses later stays chosen.
            stored = json.dumps({"locale": language, "large": False})
            context.add_init_script(
                # An empty page has no storage.
                f"if (origin !== 'null') "
                f"localStorage.getItem({PREFERENCES!r}) ?? localStorage.setItem({PREFERENCES!r}, '{stored}')"
            )
        self.page: Page = context.new_page()
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.moments: dict[int, set[int]] = {1: set(), 2: set(), 3: set()}

    def close(self) -> None:
        self.page.context.close()

    def says(self, key: str) -> str:
        """The page's own word in this person's language."""
        return word(self._language, key)

    def button(self, key: str) -> Locator:
        return self.page.get_by_role("button", name=self.says(key))

    def keep(self, name: str, part: str = "") -> None:
        if self._album is not None:
            self._album.keep(self.page, name, part)

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
        self.keep("check-in")
        return self.page.locator("[data-code]").inner_text()

    def enter(self) -> None:
        """Once the device is registered, past the device check, which has its own tests."""
        self.page.get_by_text(self.says("operator.identity.phases.bound")).wait_for()
        self.button("checkIn.skip").click()
        self.page.get_by_label(self.says("checkIn.known")).check()
        self.button("checkIn.enterUnchecked").click()


class Room(Seated):
    """A room's device: it passes the whole device check, with a real line, and from then on nobody touches it."""

    def enter(self) -> None:
        self.page.get_by_text(self.says("operator.identity.phases.bound")).wait_for()
        self.button("checkIn.start").click()
        self.button("checkIn.enter").wait_for()
        self.button("checkIn.speaker.play").click()
        self.page.get_by_role("button", name=self.says("checkIn.speaker.heard"), exact=True).click()
        self.keep("room-checked")
        self.button("checkIn.enter").click()
        self.page.wait_for_url("**/room")

    def leave(self) -> None:
        self.page.goto("about:blank")

    def return_to(self, url: str) -> None:
        """A device that is in place goes on by itself."""
        self.page.goto(f"{url}/room")


class Operator(Seated):
    def check(self, codes: dict[str, str], reads: Callable[[str], None]) -> None:
        """Look at everybody who waits: the code must be the one on the other screen."""
        page = self.page
        while page.locator("li.one:has(p.code)").count():
            row = page.locator("li.one:has(p.code)").first
            seat = row.locator("code").inner_text()
            assert row.locator("p.code").inner_text() == codes[seat], f"another code for {seat}"
            row.get_by_role("button").click()
            page.get_by_label(self.says("operator.keys.same")).check()
            self.keep("operator-identity")
            self.button("operator.keys.sign").click()
            row_of_seat = page.locator(f"li.one:has(code:text-is('{seat}'))")
            row_of_seat.wait_for(state="detached")
            reads(seat)

    def admit(self) -> None:
        """The rooms of the own venue, as soon as their devices are registered."""
        for button in self.button("operator.rooms.admit").all():
            self.keep("operator-admit")
            press(button)

    def lead(self) -> bool:
        """The next step, if the page offers one; whether it did."""
        offer = self.page.locator(".next .row button.primary:not([aria-disabled])")
        if offer.count() == 0:
            return False
        self.keep("operator-lead")
        self.keep("operator-board", part="section:has(> #rooms-heading)")
        offer.click()
        self.page.locator("dialog[open] button.primary").click()
        return True

    def look_at_draws(self, url: str) -> None:
        """Where a draw of experts is handed in and followed; this committee was named without one."""
        self.page.goto(f"{url}/draw")
        self.page.locator("#pools-heading").wait_for()
        self.keep("draw")
        self.page.goto(f"{url}/operator")

    def look_back(self, url: str) -> None:
        """What follows the evaluation, and what of it is this operator's to do."""
        self.page.goto(f"{url}/after")
        self.page.locator("#due-heading").wait_for()
        self.keep("after")

    @property
    def closed(self) -> bool:
        return self.page.locator("#gate.closed").count() > 0


class Supervisor(Seated):
    def state_the_draw(self, folder: Path) -> None:
        """Where another authority's system drew the experts: which draw, its reference, and its record."""
        page, name = self.page, self.says("supervisor.labels.external")
        asked = page.locator("#decisions").get_by_role("button", name=name)
        if asked.count() == 0:
            return
        press(asked.first)
        dialog = page.locator("dialog[open]")
        dialog.locator("#act-reference").fill("省综合评标专家库 抽取单 2026-117")
        (folder / "draw.txt").write_text("随机抽取结果单")
        dialog.locator("#act-evidence").set_input_files(folder / "draw.txt")
        self.keep("supervisor-draw")
        press(dialog.get_by_role("button", name=name))
        asked.wait_for(state="detached")

    def approve(self) -> None:
        """The opening, which the decision panel asks for."""
        page = self.page
        asked = page.locator("#decisions").get_by_role("button", name=self.says("supervisor.labels.approveOpening"))
        sure = page.locator("dialog[open]").get_by_role("button", name=self.says("supervisor.labels.approveOpening"))
        # What lies behind an open dialog is out of reach, for people and for us.
        if sure.count():
            self.keep("supervisor-approve")
            press(sure)
        elif asked.count() and asked.first.is_enabled():
            self.keep("supervisor")
            press(asked.first)

    def release(self) -> None:
        """A seat that does not come back after a cut, whose person went home: the others go on without its key."""
        page, name = self.page, self.says("supervisor.labels.release")
        sure = page.locator("dialog[open]").get_by_role("button", name=name)
        asked = page.locator("#decisions").get_by_role("button", name=name)
        if sure.count():
            page.locator("dialog[open] #act-reason").fill("操作员已离场，其余席位继续评审。")
            self.keep("supervisor-release")
            press(sure)
        elif asked.count():
            press(asked.first)


class Auditor(Person):
    def verify(self, link: str) -> None:
        """One click, once the evidence file is archived."""
        page = self.page
        page.goto(link)
        page.wait_for_url(lambda url: "/sign-in" not in url)
        page.goto(link.partition("/sign-in")[0] + "/auditor")
        page.locator("#chapter").select_option(index=3)
        page.locator("figure.tile.shown").nth(2).wait_for()
        self.keep("auditor")
        page.get_by_role("tab", name=self.says("auditor.tabs.figures")).click()
        self.keep("auditor-figures")
        page.get_by_role("tab", name=self.says("auditor.tabs.verify")).click()
        self.button("auditor.verify.start").click()
        page.locator("#verdict.valid").wait_for(timeout=2 * WAIT_MS)
        self.keep("auditor-verify")
        page.goto(link.partition("/sign-in")[0] + "/auditor/all")
        page.get_by_role("region", name=self.says("auditor.all.results")).get_by_role("heading").first.wait_for()
        self.keep("auditor-all")


class Expert(Seated):
    """A member of the committee who judges by a plan, and does what the task list says."""

    def enter(self) -> None:
        super().enter()
        self.page.wait_for_url("**/expert")
        self.page.set_default_timeout(STEP_MS)

    def __init__(
        self, browser: Browser, name: str, plan: Plan, language: str = "zh", album: Album | None = None
    ) -> None:
        super().__init__(browser, name, language, album)
        self._plan = plan
        self.did: list[str] = []

    def work(self) -> bool:
        """One step of what is due; whether anything was."""
        page = self.page
        # In one look: what is due may be done before a second one.
        due = page.locator("nav.tasks .due a.task").evaluate_all(
            "links => links.map(link => link.getAttribute('href'))"
        )
        if not due:
            return False
        path: str = due[0]
        if self._looked_around():
            return True
        if not page.url.endswith(path):
            press(page.locator(f"nav.tasks .due a.task[href='{path}']").first)
            return True
        if page.locator(".check button.primary").count():
            ready = page.locator(".check button.primary:not([aria-disabled])")
            if ready.count():
                self.keep(f"{path[1:].replace('/', '-')}-check")
                self.did.append(path)
                press(ready)
            return True
        self.keep(path[1:].replace("/", "-"))
        with suppress(TimeoutError):
            # What is due may be done, or the page another one, before the last field is found: then it is looked again.
            self._fill(path.rpartition("/")[2])
        return True

    def _looked_around(self) -> bool:
        """With an album, a look at a place of the seat that it does not have yet; whether there was one."""
        places = self.page.locator("nav.tasks .places a")
        for path in places.evaluate_all("links => links.map(link => link.getAttribute('href'))"):
            name = path[1:].replace("/", "-")
            if self._album is None or self._album.has(name):
                continue
            press(self.page.locator(f"nav.tasks .places a[href='{path}']"))
            self.page.wait_for_url(f"**{path}", timeout=WAIT_MS)
            if path == "/expert/documents":
                self.page.locator(".pane canvas:visible").nth(1).wait_for(timeout=WAIT_MS)
            self.keep(name)
            return True
        return False

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
                for button in self.button("expert.review.passRest").all():
                    button.click()
            case "score":
                self._score(plan.sheet)
            case "freeze":
                assert page.locator(".match.good").count(), "the list holds another seal than this seat's"
                self.did.append("/expert/freeze")
                press(self.button("expert.freeze.ok"))
                return
            case "resume":
                self.did.append("/expert/resume")
                press(self.button("comeBack.go"))
                return
            case "sign":
                ranking = page.locator(".rank button.primary")
                if ranking.count():
                    self.did.append("/expert/sign#rank")
                    press(ranking)
                    return
                page.locator("#read").check()
                self.button("expert.sign.go").click()
                return
        self.button("expert.check.go").click()

    def _score(self, sheet: dict[str, dict[str, Decimal]]) -> None:
        for bidder, points in sheet.items():
            for leaf, given in points.items():
                field = self.page.locator(f"#score-{bidder}-{leaf}")
                if field.count():
                    field.fill(f"{given:.2f}")
