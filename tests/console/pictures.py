"""Copies of a page in both languages and text sizes beside those of `tests.e2e.album`, for pages of Playwright's async
interface; each is looked at by axe, and for keys where words should stand."""

from __future__ import annotations

import base64
from typing import Any

from playwright.async_api import Page, expect

from tests.chromium.hall import AXE_TAGS, axe_source
from tests.e2e.album import KEYS, MADE, SHOT, SWITCHES, VARIANTS


async def keep(page: Page, name: str, part: str = "") -> list[Any]:
    """The page as it stands, or this part of it; what is wrong with the page, none in the end. Afterwards it stands as
    before."""
    wrong: list[Any] = []
    await page.evaluate(axe_source())
    tools = page.locator("nav.tools button")
    for variant, press in zip(VARIANTS, SWITCHES, strict=True):
        language = "zh-CN" if variant.startswith("zh") else "en"
        await expect(page.locator("html")).to_have_attribute("lang", language)
        found = await page.evaluate("tags => axe.run({runOnly: {type: 'tag', values: tags}})", AXE_TAGS)
        wrong += [(variant, each["id"], each["nodes"][0]["html"]) for each in found["violations"]]
        wrong += [(variant, key) for key in KEYS.findall(await page.inner_text("body"))]
        await _copy(page, f"{name}-{variant}", part)
        # An open dialog makes the bar inert for people, and for a click at a place.
        before = await page.locator("html").get_attribute("data-text")
        await tools.nth(0 if press == "large" else 1).evaluate("button => button.click()")
        if press == "large":
            await expect(page.locator("html")).not_to_have_attribute("data-text", before or "")
        else:
            await expect(page.locator("html")).not_to_have_attribute("lang", language)
    await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    return wrong


async def _copy(page: Page, name: str, part: str) -> None:
    session = await page.context.new_cdp_session(page)
    MADE.mkdir(parents=True, exist_ok=True)
    made = await session.send("Page.captureScreenshot", await page.evaluate(SHOT, part))
    (MADE / f"{name}.webp").write_bytes(base64.b64decode(made["data"]))
    await session.detach()
