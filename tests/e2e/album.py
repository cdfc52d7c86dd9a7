"""A copy of every page that a proceeding passes: in both languages, in normal and large text, each looked at by axe.

`make pictures` plays the proceeding and puts the copies into docs/guide/pictures, with the page that shows them all.
"""

from __future__ import annotations

import base64
import re
import shutil
from collections import defaultdict
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.chromium.hall import axe

ROOT = Path(__file__).parents[2]
MADE = ROOT / "build" / "pictures"
KEPT = ROOT / "docs" / "guide" / "pictures"
INDEX = ROOT / "docs" / "guide" / "pages.md"
# Language and text size, each one switch from the one before; the last switch is back to the first.
VARIANTS = ("zh", "zh-large", "en-large", "en")
SWITCHES = ("large", "language", "large", "language")
# What would show where a word is missing in a language.
KEYS = re.compile(
    r"\b(?:administrator|after|auditor|checkIn|expert|operator|parts|rooms?|screens|shell|signIn|stages|states|supervisor)"
    r"\.[a-z]\w+"
)
# What is copied: all of the page, a part of it, or the window while a dialog is open in it, behind which there is
# nothing to read. Long pages are cut: a copy is to be looked at beside the text that speaks of it. At this quality text
# stays sharp, and a copy is some 40 kB.
SHOT = """part => {
    const MOST_PX = 1600;
    const { scrollWidth, scrollHeight } = document.documentElement;
    const dialog = document.querySelector("dialog[open]") !== null;
    let [x, y, width, height] = dialog ? [0, scrollY, innerWidth, innerHeight] : [0, 0, scrollWidth, scrollHeight];
    if (part) {
        const box = document.querySelector(part).getBoundingClientRect();
        [x, y, width, height] = [box.x + scrollX, box.y + scrollY, box.width, box.height];
    }
    const clip = { x, y, width, height: Math.min(height, MOST_PX), scale: 1 };
    return { format: "webp", quality: 70, captureBeyondViewport: !dialog, clip };
}"""
ABOUT = """# 页面一览 · All pages

由 `make pictures` 从一次真实浏览器中的完整评审生成，axe 同时检查每一页。
*Made by `make pictures` from a whole proceeding in real browsers; axe looks at each of them.*
"""


class Album:
    """Copies in `folder`, and what is wrong with them: what axe finds, and keys where words should stand."""

    def __init__(self, folder: Path = MADE) -> None:
        self._folder = folder
        self._names: set[str] = set()
        self.wrong: dict[str, list[object]] = {}

    def has(self, name: str) -> bool:
        return name in self._names

    def keep(self, page: Page, name: str, part: str = "") -> None:
        """The page as it stands, or this part of it, once under each name; afterwards it stands as before."""
        if self.has(name):
            return
        self._names.add(name)
        tools = page.locator("nav.tools button")
        switches = {"large": tools.nth(0), "language": tools.nth(1)}
        for variant, switch in zip(VARIANTS, SWITCHES, strict=True):
            expect(page.locator("html")).to_have_attribute("lang", "zh-CN" if variant.startswith("zh") else "en")
            if found := [*axe(page), *KEYS.findall(page.inner_text("body"))]:
                self.wrong[f"{name} {variant}"] = found
            self._copy(page, f"{name}-{variant}", part)
            before = page.locator("html").get_attribute("lang" if switch == "language" else "data-text")
            # An open dialog makes the bar inert for people, and for a click at a place.
            switches[switch].evaluate("button => button.click()")
            expect(page.locator("html")).not_to_have_attribute(
                "lang" if switch == "language" else "data-text", before or ""
            )
            if switch == "language":
                expect(switches[switch]).to_have_text("中文" if variant.startswith("zh") else "English")

    def _copy(self, page: Page, name: str, part: str) -> None:
        session = page.context.new_cdp_session(page)
        shot = page.evaluate(SHOT, part)
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"{name}.webp").write_bytes(
            base64.b64decode(session.send("Page.captureScreenshot", shot)["data"])
        )
        session.detach()


def publish() -> None:
    """The last run's copies become the guide's."""
    shutil.rmtree(KEPT, ignore_errors=True)
    shutil.copytree(MADE, KEPT)
    pages: dict[str, list[str]] = defaultdict(list)
    for path in sorted(KEPT.glob("*.webp")):
        name = next(path.stem.removesuffix(f"-{each}") for each in VARIANTS if path.stem.endswith(f"-{each}"))
        pages[name].append(path.stem)
    lines = [ABOUT, "| | 中文 | English | 关怀模式 | Large text |", "|---|---|---|---|---|"]
    for name in sorted(pages):
        cells = " | ".join(f"![{name}](pictures/{name}-{each}.webp)" for each in ("zh", "en", "zh-large", "en-large"))
        lines.append(f"| {name} | {cells} |")
    INDEX.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    publish()
