"""`tongping recover` in words: what came back from the cities' copies, and what nobody has any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from evidence.core.canonical import decode
from evidence.errors import Malformed
from sessions.recovery import Recovered

# A committee's names and titles take some kilobytes; a file beyond this is another one.
MAX_DISCLOSURES = 4 * 1024 * 1024


def read_disclosures(file: Path | None) -> list[str]:
    """The texts of a file like `disclosures.json` of an evidence file, or of the plan that a proceeding was founded by,
    which lies in the vault and has the members' names."""
    if file is None:
        return []
    found = decode(file.read_bytes(), limit=MAX_DISCLOSURES)
    texts = found.get("people") if isinstance(found, dict) else found
    if not isinstance(texts, list) or not all(isinstance(text, str) and text.isascii() for text in texts):
        raise Malformed(f"{file} is no list of disclosures")
    return [str(text) for text in texts]


def whole(found: Sequence[Recovered]) -> bool:
    """Whether every log may go on, and nothing that it cites is missing."""
    return not any(log.gone or log.missing for log in found)


def in_words(found: Sequence[Recovered], *, look_only: bool) -> Iterator[str]:
    """One line for each log and one for each thing that people should know of it."""
    took = "可取回" if look_only else "已取回"
    for log in found:
        if log.source is not None:
            yield f"{log.origin}：{took}第 {log.had} 至 {log.size - 1} 条，来自 {log.source} 的副本"
        else:
            yield f"{log.origin}：{log.size} 条，副本中没有更多"
        if log.gone:
            yield f"  ！见证方见过 {log.gone} 条，第 {log.size} 条起无处可取：该日志不能继续，见管理员手册"
        if log.objects:
            yield f"  {took} {log.objects} 个密文"
        for name in log.missing:
            yield f"  ！缺少对象 {name.hex()}：请从存储备份恢复"
        if log.untold:
            yield f"  其中 {log.untold} 项披露（姓名等）未随之恢复：持有人提供后用 --disclosures 导入"
        for who, why in log.refused:
            yield f"  未采用 {who}：{why}"
