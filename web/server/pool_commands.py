"""The commands of a pool's custodian (`tongping pool …`): who is behind a leaf stays on the machine that runs them.

What leaves it are files for the main centre: a signed act, a draw's public body and its facts, without a name in them.
Only when somebody takes a seat does the disclosure of that one person go with the act (docs/protocol.md 2.7). Acts are
signed by the custodian's own city node, through its operator's token.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated
from unicodedata import east_asian_width

import typer

from evaluation.core import conflicts, experts
from evaluation.core import pool as pools
from evaluation.core.draw import ACCEPTED
from evidence.core.canonical import JSON, Object, b64u, encode, sha256
from sessions import people
from sessions.core import drawn_list
from sessions.core.drawn_list import DrawnList
from sessions.core.night import CHINA
from web.server import wiring
from web.server.desk import Desk
from web.server.errors import BadSettings
from web.server.installation import Layout, read_private, write_private
from web.server.settings import load_city_settings, state_directory

LEAVES, PUBLIC, FREEZE = "leaves.json", "pool.json", "freeze.json"
DRAW, FACTS, CONDITIONS = "draw.json", "facts.json", "conditions.json"
COLUMNS = {
    "编号": "number",
    "姓名": "name",
    "专业": "speciality",
    "地区": "region",
    "工作单位": "employer",
    "任职单位及期间": "employers",
    "任职董事监事": "boards",
    "持股单位及期间": "shares",
    "负责人亲属单位": "kin",
    "联系电话": "phone",
}
NONE = "无"

pool = typer.Typer(help="A pool of experts and draws from it; names stay on this machine.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="The pool's folder, as `make` wrote it.", exists=True, file_okay=False)]
Listed = Annotated[Path, typer.Argument(help="The draw's result, as `drawn` wrote it.", exists=True, dir_okay=False)]
Origin = Annotated[str, typer.Option(help="The proceeding's name: centre/proceedings/id.")]
State = Annotated[Path | None, typer.Option(help="State directory of the city's node, which runs.")]
Out = Annotated[Path | None, typer.Option(help="Where to write; nothing is ever replaced.")]


def city_desk(state: Path | None) -> Desk:
    """The door of this city's own node."""
    settings = load_city_settings(state_directory(state))
    token = read_private(Layout(settings.state).secrets / wiring.OPERATOR_TOKEN).decode().strip()
    return Desk(settings.listen.local, token, settings.listen.certificate)


@pool.command()
def make(
    table: Annotated[Path, typer.Argument(help="Experts (XLSX or CSV in UTF-8).", exists=True, dir_okay=False)],
    out: Annotated[Path, typer.Option(help="A new folder, for this user only.")],
) -> None:
    """Make a pool of a table of experts: salted leaves and their root, or the cell that is wrong and why (2)."""
    found = experts.table(wiring.read_cells(table), COLUMNS, sheet=table.name, none=NONE)
    made = pools.make(found, secrets.token_bytes)
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(out / LEAVES, pools.write(made))
    _write(out / PUBLIC, encode(made.public))
    typer.echo(f"专家 {len(found)} 人；根 {b64u(made.root)}")
    typer.echo(f"  □ {out / LEAVES} 含姓名，只留在本机；请加密备份，丢失后无法说明抽中者是谁")


@pool.command()
def freeze(folder: Folder, origin: Origin, state: State = None, out: Out = None) -> None:
    """Have the city's own node sign `pool.freeze` for a proceeding; the main centre hands it in on the draw's page."""
    body = _read(folder).public
    act = city_desk(state).at_node("/draw/pool", {"origin": origin, **body})["act"]
    _hand_over(out or folder / FREEZE, act)


@pool.command()
def facts(
    folder: Folder,
    bidders: Annotated[list[str], typer.Option("--bidder", help="A bidder's social credit code; once each.")],
    strata: Annotated[
        list[str],
        typer.Option("--stratum", help="NAME=SPECIALITY,…[@REGION,…]; once each, in the order of the draw."),
    ],
    quotas: Annotated[list[str], typer.Option("--quota", help="NAME=NUMBER, for each stratum.")],
    out: Annotated[Path, typer.Option(help="A new folder, for this user only.")],
    excluded: Annotated[
        list[str] | None,
        typer.Option("--exclude", help="NUMBER=GROUND=FILE: what no table knows, and the paper that shows it."),
    ] = None,
    day: Annotated[str, typer.Option(help="The draw's day, as 2026-11-23 (default: today, in China).")] = "",
    name: Annotated[str, typer.Option("--draw", help="The draw's name.")] = "experts",
) -> None:
    """Prepare a draw: who has an interest in a bidder is out. Writes what the main centre gets to open it."""
    held = _read(folder)
    made = pools.plan(
        held,
        name=name,
        filter_=conflicts.write(
            bidders, day or datetime.now(CHINA).date().isoformat(), b64u(secrets.token_bytes(pools.SALT_BYTES))
        ),
        wanted=_wanted(strata, quotas),
        excluded=dict(map(_exclusion, excluded or ())),
        entropy=secrets.token_bytes,
    )
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    for file, data in ((DRAW, encode(made.body)), (FACTS, made.facts), (CONDITIONS, made.conditions)):
        _write(out / file, data)
    grounds = sorted({ground for counted in made.counts.values() for ground in counted} - {"in"})
    head = ("分层", "入选", *grounds)
    rows = [
        (label, str(counted.get("in", 0)), *(str(counted.get(ground, 0)) for ground in grounds))
        for label, counted in made.counts.items()
        if counted
    ]
    typer.echo(_table([head, *rows]))
    typer.echo(f"  □ 把 {out / DRAW} 和 {out / FACTS} 交给主场操作员；二者不含姓名，{out / CONDITIONS} 留在本机")


@pool.command()
def drawn(
    folder: Folder,
    origin: Origin,
    name: Annotated[str, typer.Option("--draw", help="The draw's name.")] = "experts",
    state: State = None,
    out: Out = None,
) -> None:
    """Fetch a draw's result from the city's own node, which has replayed the log and checked the secrets."""
    found = city_desk(state).at_node("/draw/list", {"origin": origin, "draw": name})["entries"]
    path = out or folder / f"{name.replace('/', '-')}.drawn.json"
    _write(path, encode({"v": 1, "entries": found}))
    typer.echo(f"已写入 {path}")


@pool.command()
def who(folder: Folder, file: Listed) -> None:
    """Say who was drawn, in order, the reserves after: whoever declines is followed by the next position."""
    held, result = _result(folder, file)
    for each, ranked in zip(result.strata, result.ranked, strict=True):
        people = pools.who(held, ranked)
        rows = [
            (str(n), "抽中" if n < each.quota else "候补", leaf.number, leaf.name, leaf.employer, leaf.phone)
            for n, leaf in enumerate(people)
        ]
        typer.echo(f"{each.label}：{each.quota} 人")
        typer.echo(_table([("位次", "", "编号", "姓名", "工作单位", "联系电话"), *rows]))


@pool.command()
def answer(
    folder: Folder,
    file: Listed,
    said: Annotated[
        list[str],
        typer.Option("--say", help="LABEL:POSITION=ANSWER[=FILE], in order; FILE is the call's record."),
    ],
    out: Annotated[Path, typer.Option(help="Where to write; nothing is ever replaced.")],
    state: State = None,
) -> None:
    """Have the city's own node sign who comes and who does not (`draw.answer`); the supervisor signs it, too."""
    _, result = _result(folder, file)
    labels = [each.label for each in result.strata]
    answers: list[JSON] = [_said(each, labels) for each in said]
    asked: Object = {"origin": result.origin, "opened": b64u(result.opened), "answers": answers}
    _hand_over(out, city_desk(state).at_node("/draw/answer", asked)["act"])


@pool.command()
def seat(
    folder: Folder,
    file: Listed,
    place: Annotated[str, typer.Option("--at", help="LABEL:POSITION of whoever accepted.")],
    name: Annotated[str, typer.Option("--seat", help="The seat, such as seat-3.")],
    out: Annotated[Path, typer.Option(help="Where to write; nothing is ever replaced.")],
    replaces: Annotated[str | None, typer.Option(help="The seat of a member who left.")] = None,
    state: State = None,
) -> None:
    """Have the city's own node sign `member.seat`. Its file names this one person: it is what the main centre gets."""
    held, result = _result(folder, file)
    which, position = _place(place, [each.label for each in result.strata])
    if position >= len(result.ranked[which]):
        raise BadSettings(f"{place}: nobody stands at this position")
    (leaf,) = pools.who(held, [result.ranked[which][position]])
    person = people.drawn(name, leaf, secrets.token_bytes(pools.SALT_BYTES))
    source: Object = {"kind": "drawn", "opened": b64u(result.opened), "stratum": which, "position": position}
    asked: Object = {"origin": result.origin, "seat": name, "replaces": replaces, "source": source}
    act = city_desk(state).at_node("/draw/seat", {**asked, "person": person.digest})["act"]
    _hand_over(out, act, person.text)


def _read(folder: Path) -> pools.Pool:
    """The pool, whose root is the one that was written down when it was made."""
    found = pools.read(read_private(folder / LEAVES))
    if encode(found.public) != (folder / PUBLIC).read_bytes():
        raise BadSettings(f"{folder / LEAVES} is not the pool of {folder / PUBLIC}")
    return found


def _result(folder: Path, file: Path) -> tuple[pools.Pool, DrawnList]:
    """The pool and a result from it, held against each other first: root and number are those that were frozen."""
    held = _read(folder)
    if file.stat().st_size > drawn_list.MAX_FILE:
        raise BadSettings(f"{file} is too large for the result of a draw")
    result = drawn_list.read(file.read_bytes())
    if (result.root, result.count) != (held.root, len(held.leaves)):
        raise BadSettings(f"{file}: drawn from another pool than {folder}")
    return held, result


def _wanted(strata: Sequence[str], quotas: Sequence[str]) -> list[pools.Wanted]:
    counts: dict[str, int] = {}
    for each in quotas:
        name, _, number = each.partition("=")
        if not (number.isascii() and number.isdigit()) or name in counts:
            raise BadSettings(f"--quota {each}: NAME=NUMBER, once for each stratum")
        counts[name] = int(number)
    wanted: list[pools.Wanted] = []
    for each in strata:
        name, _, asked = each.partition("=")
        specialities, _, regions = asked.partition("@")
        if name not in counts or not specialities:
            raise BadSettings(f"--stratum {each}: NAME=SPECIALITY,… and a --quota of the same name")
        wanted.append(
            pools.Wanted(f"expert/{name}", counts.pop(name), _words(specialities), _words(regions) if regions else ())
        )
    if counts:
        raise BadSettings(f"--quota {', '.join(counts)}: no stratum has this name")
    return wanted


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


def _exclusion(text: str) -> tuple[str, tuple[str, str]]:
    number, _, rest = text.partition("=")
    ground, _, file = rest.partition("=")
    return number, (ground, _digest(file, f"--exclude {text}"))


def _said(text: str, labels: Sequence[str]) -> list[JSON]:
    place, _, rest = text.partition("=")
    said, _, file = rest.partition("=")
    if not file and said != ACCEPTED:
        raise BadSettings(f"--say {text}: whoever does not come is recorded with the call's record or paper")
    which, position = _place(place, labels)
    return [which, position, said, _digest(file, f"--say {text}") if file else None]


def _place(text: str, labels: Sequence[str]) -> tuple[int, int]:
    label, _, position = text.partition(":")
    if label not in labels or not (position.isascii() and position.isdigit()):
        raise BadSettings(f"{text}: LABEL:POSITION, labels are {', '.join(labels)}")
    return labels.index(label), int(position)


def _digest(file: str, option: str) -> str:
    try:
        return b64u(sha256(Path(file).read_bytes()))
    except OSError as error:
        raise BadSettings(f"{option}: {error.strerror}") from error


def _write(path: Path, data: bytes) -> None:
    """For this user only, and never over another file: a pool whose salts are lost explains nobody."""
    if path.exists():
        raise BadSettings(f"{path} exists; it is not replaced")
    write_private(path, data)


def _hand_over(path: Path, act: str, *disclosures: str) -> None:
    """What `POST …/acts` takes."""
    _write(path, encode({"act": act, "disclosures": list(disclosures)}))
    typer.echo(f"已写入 {path}：在“抽取”页面递交")


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Columns under one another; a Chinese character is as wide as two others."""

    def width(text: str) -> int:
        return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)

    widths = [max(width(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ("  ".join(cell + " " * (widths[i] - width(cell)) for i, cell in enumerate(row)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
