"""A custodian's table of experts, read strictly: each refusal names the cell and the reason.

What the law asks before a draw (政府采购法实施条例 9) stands in four columns: where somebody was employed, on whose
board, whose shares, and to whose heads the expert declared to be related. An empty cell there would say nothing; so
whoever has nothing to declare has the word for it in the cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from evaluation.core import intake
from evaluation.errors import ImportRefused
from evidence.core.canonical import JSON

# A number in the custodian's pool.
_NUMBER = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)
# GB 11643-1999: seventeen digits and a check character. It belongs into no file of a draw (protocols.md 5).
_IDENTITY = re.compile(r"[0-9]{17}[0-9Xx]", re.ASCII)
_PHONE = re.compile(r"\+?[0-9](?:[0-9 -]{3,18})[0-9]", re.ASCII)
_PERIOD = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})/([0-9]{4}-[0-9]{2}-[0-9]{2})?", re.ASCII)
_MAX_WORD = 60
# The longest working life of a table seen has a dozen; a cell beyond this is an error of pasting.
_MAX_FACTS = 40

Period = tuple[str, str, str | None]
"""Credit code, first day, last day or None while it lasts."""


@dataclass(frozen=True, slots=True)
class Expert:
    """A row of the table. `held` maps `employers`, `boards`, `shares` to periods; `kin` are credit codes."""

    number: str
    name: str
    employer: str
    phone: str
    speciality: str
    region: str
    held: Mapping[str, tuple[Period, ...]]
    kin: tuple[str, ...]


HELD = ("employers", "boards", "shares")
FIELDS = ("number", "name", "speciality", "region", "employer", *HELD, "kin", "phone")
OPTIONAL = frozenset({"phone"})


def table(rows: Sequence[Sequence[JSON]], columns: Mapping[str, str], *, sheet: str, none: str) -> tuple[Expert, ...]:
    """The experts; `columns` maps the headings in use to `FIELDS`, `none` is the word for nothing to declare."""

    def periods(value: JSON, place: str) -> tuple[Period, ...]:
        return tuple(_period(part, place) for part in _parts(value, place, none))

    def codes(value: JSON, place: str) -> tuple[str, ...]:
        return tuple(_code(part, place) for part in _parts(value, place, none))

    checks: dict[str, intake.Check] = {
        "number": _number,
        **dict.fromkeys(("name", "speciality", "region"), _word),
        "employer": intake.text,
        **dict.fromkeys(HELD, _checked(periods)),
        "kin": _checked(codes),
        "phone": _phone,
    }
    found = intake.records(rows, columns, checks, sheet=sheet, once="number", optional=OPTIONAL)
    if not found:
        raise ImportRefused(f"{sheet}!A2", "no expert")
    return tuple(
        Expert(
            **{name: row.get(name) or "" for name in ("number", "name", "employer", "phone", "speciality", "region")},
            held={name: periods(row[name], "") for name in HELD},
            kin=codes(row["kin"], ""),
        )
        for row in found
    )


def _checked(read: Callable[[JSON, str], object]) -> intake.Check:
    def check(value: JSON, place: str) -> None:
        read(value, place)

    return check


def _number(value: JSON, place: str) -> None:
    if not isinstance(value, str):
        raise ImportRefused(place, "text is expected")
    intake.narrow(value, place)
    if not _NUMBER.fullmatch(value):
        raise ImportRefused(place, "a number has 1 to 40 letters, digits, hyphens or underscores")
    if _IDENTITY.fullmatch(value):
        raise ImportRefused(place, "an identity card's number is no expert's number")


def _word(value: JSON, place: str) -> None:
    intake.text(value, place)
    if len(str(value)) > _MAX_WORD or str(value) != str(value).strip():
        raise ImportRefused(place, f"1 to {_MAX_WORD} characters, no space before or after them")


def _phone(value: JSON, place: str) -> None:
    if not isinstance(value, str):
        raise ImportRefused(place, "text is expected")
    intake.narrow(value, place)
    if not _PHONE.fullmatch(value):
        raise ImportRefused(place, "no telephone number")


def _parts(value: JSON, place: str, none: str) -> list[str]:
    """What stands in a cell of facts, parted by `;`; nothing where it holds the word for that."""
    if not isinstance(value, str) or not value.strip():
        raise ImportRefused(place, f"an empty cell says nothing: write {none} where there is nothing to declare")
    if value.strip() == none:
        return []
    intake.narrow(value, place)
    parts = [part.strip() for part in value.split(";")]
    if len(parts) > _MAX_FACTS:
        raise ImportRefused(place, f"more than {_MAX_FACTS} in one cell")
    if len(set(parts)) != len(parts):
        raise ImportRefused(place, "one of them stands twice")
    return parts


def _period(part: str, place: str) -> Period:
    code, _, days = part.partition(" ")
    _code(code, place)
    found = _PERIOD.fullmatch(days.strip())
    if found is None:
        raise ImportRefused(place, f"{part[:60]}: a code, a space, the days as 2020-01-01/2023-05-31 or 2020-01-01/")
    start, end = found[1], found[2]
    for day in (start, end):
        if day is not None:
            try:
                date.fromisoformat(day)
            except ValueError as error:
                raise ImportRefused(place, f"{day}: no such day") from error
    if end is not None and end < start:
        raise ImportRefused(place, f"{days.strip()}: it ends before it begins")
    return code, start, end


def _code(part: str, place: str) -> str:
    intake.code(part, place)
    return part
