"""The report's addendum as a page of HTML: the same content gives the same bytes.

Without script, and without the address of anything else; what people wrote is text in it.
"""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from string import Template

from evaluation.core.addendum import DEEMED
from evidence.core.canonical import Object

_PAGE = Template(Path(__file__).with_name("addendum.html").read_text("utf-8"))
_WORDS: Object = tomllib.loads(Path(__file__).with_name("addendum.toml").read_text("utf-8"))
_CHINA = timedelta(hours=8)


def render(content: Object) -> bytes:
    """The page of `evaluation.core.addendum.content`."""
    return _PAGE.substitute(
        title=_text(content["title"]),
        article=_WORDS["article"][content["regime"]],
        origin=_text(content["origin"]),
        rows="".join(map(_row, content["lines"])),
    ).encode()


def _row(line: Object) -> str:
    said = _WORDS[line["type"]] + (_word("by", by=line["by"]) if line["type"] == DEEMED else "")
    member = "<br>".join((_text(line["name"]), _text(line["organisation"]) + _word("seat", seat=line["seat"])))
    source = "<br>".join((_word("entry", n=line["n"]), _word("report", n=line["frozen"])))
    return (
        f"<tr><td>{_local(line['at'])}</td><td>{member}</td>"
        f"<td><strong>{said}</strong><p>{_text(line['reason'])}</p></td>"
        f"<td>{source}<br><code>{_text(line['report'])}</code></td></tr>\n"
    )


def _word(name: str, **filled: object) -> str:
    return Template(_WORDS[name]).substitute({key: _text(str(value)) for key, value in filled.items()})


def _local(at: str) -> str:
    """RFC 3339 UTC to Beijing time."""
    return (datetime.fromisoformat(at) + _CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _text(words: str) -> str:
    """What people wrote, with their line breaks."""
    return escape(words, quote=True).replace("\n", "<br>")
