"""The auditor's search finds what stands on the page, also where the log has but an id for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.replay.test_pages import SHOW_MS, served, signed_in


@pytest.mark.asyncio
@pytest.mark.timeout(180)
async def test_words_of_the_page_are_found_though_the_log_has_ids(tmp_path: Path) -> None:
    """A person, a city and a stage, each by the name that is shown, beside what the server finds by itself."""
    async with served(tmp_path) as (found, browser):
        await found.people.play(found.keeper, lambda state: state.stage == "chair-election")
        page = await signed_in(found, browser, "auditor-1")
        await page.goto(f"{found.origin}/auditor")
        await page.locator(".events .check input").check()
        events = page.locator("ol li > button")
        await events.first.wait_for()
        shown = [text.replace("\n", " ") for text in await events.all_inner_texts()]
        search = page.get_by_label("查找事件")
        for text in ("专家1", "珠海", "承诺与回避", "seat-1"):
            answer = await found.call("GET", f"/search?text={text}", "auditor-1")
            told = {row["n"] for row in answer.json()["rows"]}
            named = {n for n, words in enumerate(shown) if text in words}
            assert named - told or text == "seat-1"
            await search.fill(text)
            await search.press("Enter")
            wanted = [shown[n] for n in sorted(named | told)]
            await expect(events).to_have_text(wanted, use_inner_text=True, timeout=SHOW_MS)
