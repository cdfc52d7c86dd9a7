"""A bidder's answer by hand: asked, let out, signed by the command, handed in on the console, read at a seat."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Locator, Page, expect

from evaluation.core.steps import Question
from evidence.core import act as acts_form
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, decode_object, encode, sha256
from tests.commands import typed
from tests.console.pictures import keep
from tests.console.test_console import WATCHER, answers, console, lead
from tests.replay.site import Site
from tests.replay.test_pages import ANSWER_S, SHOW_MS, bound, keyed, served, violations
from tests.sessions.drive import signer_of
from tests.sessions.service_world import DOCUMENT, until

SAID = "工期按日历天计算，含节假日。"
READER = "seat-2"


@pytest.mark.e2e
@pytest.mark.pictures
@pytest.mark.asyncio
@pytest.mark.timeout(600)
async def test_a_bidder_answers_by_a_file(tmp_path: Path) -> None:
    """What does not fit is told in words before anything is sent; the answer goes in once; again is told, too."""
    site = tmp_path / "site"
    site.mkdir()
    async with served(site) as (found, browser):
        page = await console(found, browser, WATCHER, READER)
        await page.get_by_role("button", name="准许接入 room-1").click(timeout=SHOW_MS)
        wall = await bound(found, browser, WATCHER)
        found.people.absent.discard(READER)
        await lead(found, page, "compliance-review")
        await wall.goto(f"{found.origin}/supervisor")
        desk = page.locator("section", has=page.get_by_role("heading", name="投标人澄清"))
        await expect(desk).to_have_count(0)
        fixed = found.keeper.state.evaluation.fixed
        assert fixed is not None
        (first, _), (second, _) = fixed.scoring.bidders[:2]
        await ask(found, wall, first, "工期是日历天吗？")
        await ask(found, wall, second, "质保几年？")
        about, waiting = (b64u(each.id) for each in questions(found))

        # The bidder gets the question as a file, and gives the public half of its key.
        await expect(desk).to_contain_text("工期是日历天吗？", timeout=SHOW_MS)
        question = await saved(page, desk, first, tmp_path)
        asked = json.loads(question.read_text("utf-8"))
        assert (asked["question"], asked["text"], asked["key"]) == (about, "工期是日历天吗？", None)
        key, out = tmp_path / "key.pem", tmp_path / "answer.json"
        jwk = command("key", "--out", key).splitlines()[0]
        command("answer", question, "--key", key, "--text", SAID, "--out", out)
        good = out.read_bytes()
        await refused(page, good, "尚未登记投标人的公钥")
        await name_key(page, first, jwk)
        await until(lambda: questions(found)[0].key, ANSWER_S)
        kid = str(questions(found)[0].key)
        await expect(desk).to_contain_text("等待答复", timeout=SHOW_MS)

        # Whatever is not this answer is told in words, and nothing is sent.
        body: Object = {"question": about, "text": SAID}
        origin = found.keeper.state.origin
        for octets, words in (
            (b"\x00\x01", "这不是投标人的答复文件"),
            (good[: len(good) // 2], "这不是投标人的答复文件"),
            (file_of(made(origin, first, body), "WyJ4Il0"), "这不是投标人的答复文件"),
            (file_of(made(origin, first, body, "motion.open")), "这不是投标人的答复文件"),
            (b" " * 200_000, "文件过大"),
            (file_of(made(f"{origin}x", first, body)), "另一个项目"),
            (file_of(made(origin, first, body | {"question": b64u(bytes(32))})), "没有向投标人提出过"),
            (file_of(made(origin, second, body | {"question": waiting})), "尚未登记投标人的公钥"),
            (file_of(made(origin, first, body)), "不是为这个问题登记的那一把"),
            (changed(good), "签名未通过本机核验"),
        ):
            await refused(page, octets, words)
        assert await keep(page, "operator-answers", "section:has(#bidder-answer)") == []

        dialog = page.get_by_role("dialog")
        # Read once more, given up, read again, handed in.
        await choose(page, good)
        for told in (SAID, kid, first, "工期是日历天吗？"):
            await expect(dialog).to_contain_text(told, timeout=SHOW_MS)
        assert await keep(page, "operator-answers-check") == []
        await dialog.get_by_role("button", name="取消").click()
        await dialog.wait_for(state="hidden")
        assert [each.closed for each in questions(found)] == [None, None]
        await choose(page, good)
        await dialog.get_by_role("button", name="递交答复").click(timeout=SHOW_MS)
        await until(lambda: questions(found)[0].closed, ANSWER_S)
        (entry,) = [each for each in found.keeper.entries if each.type == "ClarificationAnswered"]
        assert entry.act is not None
        assert (entry.act.sub, entry.act.kid, entry.act.body) == (first, kid, body)
        await expect(desk).to_contain_text(f"答复已写入记录，序号 {entry.n}。", timeout=SHOW_MS)
        await expect(desk.get_by_text("已答复")).to_be_visible(timeout=SHOW_MS)
        assert await violations(page) == []

        # Again, and another answer by the same key: a word for each, and one answer in the log.
        await refused(page, good, "这份答复已经递交过")
        again = tmp_path / "again.json"
        command("answer", question, "--key", key, "--text", "又及", "--out", again)
        await refused(page, again.read_bytes(), "已有一份答复")
        assert sum(each.type == "ClarificationAnswered" for each in found.keeper.entries) == 1

        # While one answer is being read, another comes in by another way: the server refuses, and the page says why.
        other, outs = tmp_path / "other.pem", [tmp_path / "one.json", tmp_path / "two.json"]
        await name_key(page, second, command("key", "--out", other).splitlines()[0])
        await until(lambda: questions(found)[1].key, ANSWER_S)
        question = await saved(page, desk, second, tmp_path)
        assert json.loads(question.read_text("utf-8"))["key"] == questions(found)[1].key
        for n, each in enumerate(outs):
            command("answer", question, "--key", other, "--text", f"{n + 3} 年。", "--out", each)
        await choose(page, outs[0].read_bytes())
        await expect(dialog).to_contain_text("3 年。", timeout=SHOW_MS)
        await found.keeper.perform(str(decode_object(outs[1].read_bytes())["act"]))
        await dialog.get_by_role("button", name="递交答复").click(timeout=SHOW_MS)
        await expect(page.locator("#bidder-answer-error")).to_contain_text("另一份答复", timeout=SHOW_MS)
        assert sum(each.type == "ClarificationAnswered" for each in found.keeper.entries) == 2

        # A member reads it, its signature checked on the member's own device.
        found.people.absent.add(READER)
        seat = await keyed(found, browser, READER)
        await seat.goto(f"{found.origin}/expert/steps")
        card = seat.locator("li.question").filter(has_text="工期是日历天吗？")
        await expect(card).to_contain_text(SAID, timeout=SHOW_MS)
        await expect(card).to_contain_text("本机已核验", timeout=SHOW_MS)


async def ask(found: Site, wall: Page, bidder: str, text: str) -> None:
    """The chair asks, and the supervisor lets it out on the wall."""
    place = {"document": b64u(sha256(DOCUMENT)), "page": 2}
    body = {"bidder": bidder, "kind": "unclear", "text": text, **place}
    chair = found.keeper.state.evaluation.chair
    assert chair is not None
    await found.keeper.perform(found.people.act(found.keeper, chair, "clarification.ask", body).jws)
    await answers(wall, "批准", minutes="30")
    await until(lambda: questions(found)[-1].until, ANSWER_S)


async def name_key(page: Page, bidder: str, jwk: str) -> None:
    """What the command printed, pasted into the console's form."""
    await page.get_by_role("button", name=f"登记投标人密钥 {bidder}").click(timeout=SHOW_MS)
    dialog = page.get_by_role("dialog")
    await dialog.locator("#act-jwk").fill(jwk)
    await dialog.get_by_role("button", name="下一步：核对").click()
    await dialog.get_by_role("button", name="登记投标人密钥").click()
    await dialog.wait_for(state="detached")


def questions(found: Site) -> tuple[Question, ...]:
    return found.keeper.state.evaluation.steps.questions


async def saved(page: Page, desk: Locator, bidder: str, folder: Path) -> Path:
    """The question's file, as the browser keeps it."""
    row = desk.locator("li").filter(has_text=bidder)
    async with page.expect_download() as loading:
        await row.get_by_role("button", name="保存问题文件").click(timeout=SHOW_MS)
    download = await loading.value
    path = folder / download.suggested_filename
    await download.save_as(path)
    return path


async def choose(page: Page, octets: bytes) -> None:
    file: FilePayload = {"name": "answer.json", "mimeType": "application/json", "buffer": octets}
    await page.locator("#bidder-answer").set_input_files([file])


async def refused(page: Page, octets: bytes, words: str) -> None:
    """Told at the field, with nothing to confirm."""
    await choose(page, octets)
    await expect(page.locator("#bidder-answer-error")).to_contain_text(words, timeout=SHOW_MS)
    await expect(page.get_by_role("dialog")).to_have_count(0)


def command(*words: object) -> str:
    status, said, complained = typed("bidder", *words)
    assert (status, complained) == (0, "")
    return said


def made(aud: str, bidder: str, body: Object, act: str = "clarification.answer") -> Act:
    """By a key that nobody named."""
    return acts_form.make(signer_of("a stranger"), act=act, aud=aud, sub=bidder, body=body, ctr=1, iat=1)


def file_of(act: Act, *disclosures: str) -> bytes:
    return encode({"act": act.jws, "disclosures": list(disclosures)})


def changed(octets: bytes) -> bytes:
    """The same words under a signature of another answer."""
    jws = str(decode_object(octets, limit=200_000)["act"])
    other = made("x", "x", {}).jws
    return encode({"act": f"{jws.rpartition('.')[0]}.{other.rpartition('.')[2]}", "disclosures": []})
