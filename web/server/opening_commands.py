"""`tongping city release` and `tongping city open`: a fixed result without the main centre (protocols.md section 3).

Files go from city to city on whatever the operators trust: each release is signed, and useless for anything but this
freeze. The result file is what the supervisor, another committee or a court has; `docs/protocol.md` 8.1 says what is in
it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evaluation.core.rounds import BALLOT, SHEET
from evidence.core import act as acts
from evidence.core.canonical import MAX_BYTES, Object, decode_object, encode, members, sha256
from sessions.released import RELEASE
from web.server.errors import BadSettings
from web.server.installation import write_private
from web.server.pool_commands import city_desk

# One act, and little around it.
MAX_FILE = 2 * MAX_BYTES
PURPOSES = {SHEET: "评分表", BALLOT: "选票"}

Origin = Annotated[str, typer.Argument(help="The proceeding's name: centre/proceedings/id.")]
State = Annotated[Path | None, typer.Option(help="State directory of the city's node, which runs.")]
Out = Annotated[Path, typer.Option(help="Where to write; nothing is ever replaced.")]


def release(origin: Origin, out: Out, state: State = None) -> None:
    """Release this city's shares of a frozen round that the main centre does not open: ten minutes after the gate, or
    once the proceeding is aborted. The same file however often it is asked for."""
    _new(out)
    act = city_desk(state).release_at_node(origin)
    write_private(out, encode({"v": 1, "act": act}))
    typer.echo(f"已写入 {out}：本城对该轮的份额（已签名）。与其他城市的份额文件合在一起，达到 k 份即可开启")


def open_(
    origin: Origin,
    releases: Annotated[list[Path], typer.Argument(help="Releases of k cities or more, as `release` wrote them.")],
    out: Out,
    state: State = None,
) -> None:
    """Open a frozen round from k releases and what this city's node holds; writes the result, sheet by sheet."""
    _new(out)
    found = city_desk(state).open_at_node(origin, [_read(path) for path in releases])
    data = encode(found)
    write_private(out, data)
    for line in in_words(found):
        typer.echo(line)
    typer.echo(f"已写入 {out}；SHA-256 {sha256(data).hex()}")


def in_words(found: Object) -> list[str]:
    """What the result says, for the operator: no score is printed, since others may look at the screen."""
    lines = [f"第 {found['round']} 轮{PURPOSES[found['purpose']]}，冻结于第 {found['freeze']['n']} 条"]
    lines += [f"  释放份额：{each['holder']}" for each in found["releases"]]
    for sheet in found["sheets"]:
        lines.append(f"  {sheet['seat']}：" + ("已开启" if sheet["code"] is None else f"无法读取（{sheet['code']}）"))
    log = found["log"]
    if log is None:
        lines.append("日志中没有该轮的开启记录（SheetsOpened）；日后出现时请重新运行本命令核对")
    elif log["agrees"]:
        lines.append(f"与日志第 {log['n']} 条（SheetsOpened）一致")
    else:
        lines.append(f"与日志第 {log['n']} 条（SheetsOpened）不一致：请保存本文件并立即报告监督部门")
    return lines


def _new(out: Path) -> None:
    if out.exists():
        raise BadSettings(f"{out} exists; it is not replaced")


def _read(path: Path) -> str:
    """The act of a release file."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise BadSettings(f"{path}: {error.strerror}") from error
    value = members(decode_object(data, limit=MAX_FILE), {"v": int, "act": str})
    if acts.parse(value["act"]).act != RELEASE:
        raise BadSettings(f"{path} holds no release of shares")
    return str(value["act"])
