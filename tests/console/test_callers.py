"""An operator who looks elsewhere is told who waits: each once, in words for those who hear the page, and by a tone."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.console.test_console import console
from tests.replay.test_pages import SHOW_MS, people_act, served
from tests.sessions.drive import signer_of

# All that the shell's live regions say from now on, and how many notes the page sounds.
LISTEN = """() => {
    window.heard = { polite: [], assertive: [], notes: 0 };
    for (const region of document.querySelectorAll('body [aria-live]')) {
        if (region.closest('main')) continue;
        const said = () => region.textContent && window.heard[region.ariaLive].push(region.textContent);
        new MutationObserver(said).observe(region, { childList: true, characterData: true, subtree: true });
    }
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...at) { window.heard.notes += 1; return start.apply(this, at); };
}"""
NOTES = 3


@pytest.mark.e2e
@pytest.mark.asyncio
@pytest.mark.timeout(180)
async def test_who_waits_is_told_once_by_words_and_by_a_tone(tmp_path: Path) -> None:
    """A device that waits, then a request for help as it comes, as it turns yellow, and at once as it turns red."""
    async with served(tmp_path) as (found, browser):
        keeper, ahead = found.keeper, [0.0]
        services = found.app.state.services
        found.app.state.services = replace(services, clock=lambda: time.time() + ahead[0])
        page = await console(found, browser, "seat-1")
        await people_act(found, lambda: {"seat-2", "seat-3"} <= keeper.state.seat_key.keys())
        regions = page.locator("body > #app > [aria-live]")
        await expect(regions).to_have_count(2)
        await expect(regions.first).to_have_role("status")
        await page.get_by_role("heading", level=1).click()
        await page.evaluate(LISTEN)

        keeper.announced.announce(keeper.state, "seat-1", signer_of("seat-1").jwk)
        await expect(page.locator("#keys-heading")).to_be_visible(timeout=SHOW_MS)
        assert await heard(page, "polite", 1) == ["seat-1 等待核验身份。"]
        asked = found.people.act(keeper, "seat-2", "help.ask", {"kind": "device", "text": "耳机没有声音"})
        await keeper.perform(asked.jws)
        card = page.locator(".help .one")
        for passed, tone in ((0.0, "busy"), (61.0, "warn"), (181.0, "bad")):
            ahead[0] = passed
            await expect(card).to_have_class(f"one stack {tone}", timeout=SHOW_MS)
        words = ["seat-2 求助：设备问题。", "seat-2 求助，已等待较久。"]
        assert await heard(page, "polite", 3) == ["seat-1 等待核验身份。", *words]
        assert await heard(page, "assertive", 1) == ["seat-2 求助，答复已超时。"]
        assert (await page.evaluate("() => window.heard.notes")) == 4 * NOTES

        ahead[0] = 0.0
        await expect(card).to_have_class("one stack busy", timeout=SHOW_MS)
        # Who draws experts meanwhile hears the next one; what was told before is not said again, there or back here.
        await page.get_by_role("link", name="抽取专家").click()
        await page.locator("#pools-heading").wait_for()
        await expect(page.locator("main header .tag")).to_contain_text("求助（1）")
        asked = found.people.act(keeper, "seat-3", "help.ask", {"kind": "document", "text": ""})
        await keeper.perform(asked.jws)
        assert (await heard(page, "polite", 4))[3:] == ["seat-3 求助：文件问题。"]
        await expect(page.locator("main header .tag")).to_contain_text("求助（2）")
        await page.go_back()
        await expect(card).to_have_count(2)
        assert await heard(page, "assertive", 1) == ["seat-2 求助，答复已超时。"]
        assert len(await heard(page, "polite", 4)) == 4


async def heard(page: Page, region: str, count: int) -> list[Any]:
    """What a region has said, once it is this many."""
    await page.wait_for_function(f"() => window.heard.{region}.length >= {count}")
    said: list[Any] = await page.evaluate(f"() => window.heard.{region}")
    return said
