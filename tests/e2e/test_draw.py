"""Experts are drawn: the custodian at its command line, the main operator and the supervisor in browsers, real nodes.

Pictures are kept of what the page says at each step; while one city's node stands still, a draw can be seen running.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from evidence.core.canonical import Object
from tests.api.installation import AHEAD, Running, running
from tests.chromium.hall import browser, link
from tests.e2e.album import Album
from tests.e2e.pages import Operator, Supervisor
from tests.e2e.test_whole import SUPERVISION, city_vouch, tongping, vouch
from tests.evaluation.test_import import book
from tests.evaluation.test_pool import HEAD, row
from web.demo.documents import tender
from web.demo.tender import case

pytestmark = [pytest.mark.e2e, pytest.mark.pictures, pytest.mark.timeout(900)]
expect.set_options(timeout=60_000)

OPEN = {"seat-4": "expert/law", "seat-5": "expert/it"}
CUSTODIAN = "zhuhai"
SECRET = "金丝雀"
"""Stands in the name of each expert of the pool."""


def with_open_seats() -> Object:
    """The demo's tender, two of whose experts are drawn."""
    made = tender(case(None))
    definition: Object = made["definition"]
    members = [each for each in definition["members"] if each["seat"] not in OPEN]
    seats = [seat | ({"stratum": OPEN[seat["id"]]} if seat["id"] in OPEN else {}) for seat in made["seats"]]
    return made | {"definition": definition | {"members": members}, "seats": seats}


class Custodian:
    """A city that keeps a pool of experts, on its own machine beside its own node."""

    def __init__(self, site: Running, folder: Path) -> None:
        self.folder = folder
        self.pool = folder / "pool"
        self._at = ("--state", site.installation.state / CUSTODIAN)
        self._origin = ("--origin", site.origin)
        self._codes = [bidder["code"] for bidder in case(None).definition["bidders"]]

    def freeze(self) -> Path:
        """Twelve experts, law and information technology in turn; one had been with a bidder until last year."""
        experts = [row(n, 姓名=f"{SECRET}{n}") for n in range(12)]
        experts[8]["任职单位及期间"] = f"{self._codes[1]} 2024-01-01/"
        self.folder.mkdir()
        table = self.folder / "experts.xlsx"
        table.write_bytes(book([HEAD, *([each[name] for name in HEAD] for each in experts)]))
        tongping("pool", "make", table, "--out", self.pool)
        tongping("pool", "freeze", self.pool, *self._origin, *self._at)
        return self.pool / "freeze.json"

    def prepare(self) -> list[Path]:
        bidders = [word for code in self._codes for word in ("--bidder", code)]
        strata = ("--stratum", "law=法律", "--quota", "law=1", "--stratum", "it=信息技术", "--quota", "it=1")
        letter, out = self.folder / "letter.pdf", self.folder / "draw-1"
        letter.write_bytes(b"%PDF")
        excluded = ("--exclude", f"E-003=declared={letter}")
        tongping("pool", "facts", self.pool, *bidders, *strata, *excluded, "--out", out)
        return [out / "draw.json", out / "facts.json"]

    def answer(self) -> Path:
        """The first lawyer declines on the telephone."""
        tongping("pool", "drawn", self.pool, *self._origin, *self._at)
        call, out = self.folder / "call.wav", self.folder / "answers.json"
        call.write_bytes(b"RIFF")
        answers = (f"expert/law:0=declined={call}", "expert/law:1=accepted", "expert/it:0=accepted")
        said = [word for answer in answers for word in ("--say", answer)]
        tongping("pool", "answer", self.pool, self.pool / "experts.drawn.json", *said, "--out", out, *self._at)
        return out

    def seat(self, name: str, place: str) -> Path:
        out, drawn = self.folder / f"{name}.json", self.pool / "experts.drawn.json"
        tongping("pool", "seat", self.pool, drawn, "--at", place, "--seat", name, "--out", out, *self._at)
        return out


@contextmanager
def standing_still(site: Running, name: str) -> Iterator[None]:
    """A process that answers nobody meanwhile."""
    os.kill(site.pid(name), signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(site.pid(name), signal.SIGCONT)


def hand_in(page: Page, file: Path) -> Locator:
    """What the custodian's file says, before it is handed in."""
    page.locator("#hand-in").set_input_files(file)
    return page.get_by_role("dialog")


def give(dialog: Locator) -> None:
    dialog.get_by_role("button", name="递交").click()
    dialog.wait_for(state="detached")


def test_experts_are_drawn_and_take_their_seats(tmp_path: Path) -> None:
    album = Album()
    with (
        running(tmp_path / "site", with_open_seats(), AHEAD) as site,
        sync_playwright() as playwright,
        browser(playwright, devices=False) as chromium,
    ):
        operator, supervisor = Operator(chromium, "operator-1"), Supervisor(chromium, "supervisor-1")
        vouch(site, 1, "operator-1", operator.arrive(link(site, "operator-1")))
        city_vouch(site, SUPERVISION, "supervisor-1", supervisor.arrive(link(site, "supervisor-1")))
        for person in (operator, supervisor):
            person.enter()
        custodian, page = Custodian(site, tmp_path / "custodian"), operator.page
        page.goto(f"{site.url}/draw")
        dialog = hand_in(page, custodian.freeze())
        expect(dialog).to_contain_text("由 珠海（zhuhai.example） 冻结一个 12 人的专家库")
        album.keep(page, "draw-hand-in")
        give(dialog)
        expect(page.get_by_role("table", name="已冻结的专家库")).to_contain_text("珠海（zhuhai.example）12")

        page.locator("#prepared").set_input_files(custodian.prepare())
        check = page.locator("main")
        expect(check).to_contain_text("入选 10 人")
        expect(check).to_contain_text("三年内在投标人处任职：1 人")
        expect(check).to_contain_text("本人申报：1 人")
        album.keep(page, "draw-check")
        draw = page.get_by_role("region", name="experts（第 1 次）")
        with standing_still(site, "city-zhongshan"):
            page.get_by_role("button", name="启动抽取").click()
            expect(draw).to_contain_text("中山")
            expect(draw).to_contain_text("剩余")
            album.keep(page, "draw-running")
        expect(draw).to_contain_text("由抽取管理员（珠海（zhuhai.example））按位次通知并登记应答")
        expect(draw).to_contain_text("各城市提交随机数：3 / 3")
        album.keep(page, "draw-result")

        dialog = hand_in(page, custodian.answer())
        expect(dialog).to_contain_text("登记 3 条应答")
        give(dialog)
        expect(draw.get_by_text("等待监督人员会签")).to_have_count(3)
        album.keep(page, "draw-answers")
        decision = supervisor.page.locator("#decisions")
        expect(decision).to_contain_text("会签专家应答")
        album.keep(supervisor.page, "supervisor-countersign")
        decision.get_by_role("button", name="会签").click()
        supervisor.page.get_by_role("dialog").get_by_role("button", name="会签").click()
        expect(draw.get_by_text("双方已签")).to_have_count(3)

        for seat, place, words in (
            ("seat-4", "expert/law:1", "副场 1 评审专家 · 中山"),
            ("seat-5", "expert/it:0", "副场 2 评审专家 · 珠海"),
        ):
            dialog = hand_in(page, custodian.seat(seat, place))
            expect(dialog).to_contain_text(words)
            expect(dialog).to_contain_text("此文件含该专家的姓名")
            if seat == "seat-4":
                album.keep(page, "draw-seat")
            give(dialog)
        # Both take their seats, and nobody was named on a page that all of them could see.
        assert site.view("supervisor-1")["open"] == []
        for person in (operator, supervisor):
            person.page.reload()
            person.page.get_by_role("heading", level=1).wait_for()
            assert SECRET not in person.page.content()
            assert person.wrong == []
    assert album.wrong == {}, json.dumps(album.wrong, ensure_ascii=False, indent=1)
