"""The client's live line, its turned pages and its words: TypeScript, run by Node as it is (no bundler)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

NODE = Path(sys.executable).parent / "node"
HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "web" / "client" / "src"


def test_the_line_hears_each_entry_once_and_comes_back() -> None:
    """docs/protocol.md section 7."""
    done = subprocess.run([NODE, "--test", HERE / "live_line.ts"], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_turned_page_is_shown_at_its_moment() -> None:
    """docs/protocol.md section 7."""
    done = subprocess.run([NODE, "--test", HERE / "turning.ts"], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


def test_both_languages_have_the_same_words() -> None:
    """Every key of one language is one of the other (vue-tsc says it, too; this needs no build)."""
    script = (
        "const keys = (o, at = '') => Object.entries(o).flatMap(([k, v]) =>"
        " typeof v === 'string' ? [at + k] : keys(v, at + k + '.'));"
        "const [zh, en] = await Promise.all(process.argv.slice(1).map(async f => keys((await import(f)).default)));"
        "console.log(JSON.stringify([zh.filter(k => !en.includes(k)), en.filter(k => !zh.includes(k)), zh.length]));"
    )
    files = [str(SOURCES / "i18n" / name) for name in ("zh.ts", "en.ts")]
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", script, *files], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\[\[\],\[\],[1-9]\d+\]", done.stdout.strip()), done.stdout


def test_nothing_comes_from_elsewhere_and_nothing_evaluates_text() -> None:
    """No CDN, no inline code: the policy of `web.server.guard` would refuse it at run time."""
    texts = {path: path.read_text() for path in SOURCES.rglob("*") if path.suffix in (".ts", ".vue", ".css", ".html")}
    texts[SOURCES.parent / "index.html"] = (SOURCES.parent / "index.html").read_text()
    assert len(texts) > 50
    foreign = re.compile(
        r"(?:src|href|url|import|from)[ =(]*[\"']https?://|innerHTML|v-html|document\.write|eval\(|new Function"
    )
    assert [path.name for path, text in texts.items() if foreign.search(text)] == []
