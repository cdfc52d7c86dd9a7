"""An administrator's tender, held against its form before anything is made of it: each refusal says where and why.

The reading proper is `tender.parse`, strict and the only authority; here the same form is walked with a JSON pointer
(RFC 6901) in hand, for the people who have to find the wrong cell. What the law demands is checked afterwards.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from evaluation.core import credit_code, points
from evaluation.core.collusion import MAX_NOTE, MAX_NOTES, NOTED
from evaluation.errors import ImportRefused
from evidence.core.canonical import JSON, MAX_INTEGER, Object, decode_object
from evidence.errors import Malformed

Check: TypeAlias = Callable[[JSON, str], None]
MAX_TEXT = 300
# Arrays of a definition are far shorter; the bound keeps a hostile one from being walked for long.
MAX_ITEMS = 5000
MAX_DEPTH = 12
_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", re.ASCII)
_WIDE = re.compile(r"[\uff01-\uff5e\u3000]")
_FORMULA = ("=", "+", "@")


def load(data: bytes, *, limit: int) -> Object:
    """The JSON object of these bytes; ImportRefused names the place of a fraction, a NaN or a double key."""
    try:
        return decode_object(data, limit=limit)
    except Malformed as error:
        if len(data) <= limit:
            _locate(data)
        raise ImportRefused("", str(error)) from error


def definition(value: JSON, place: str = "") -> None:
    """The form of a definition without `v`, `salt` and `origin`; of version 2 where it names a rule pack."""
    second = isinstance(value, dict) and "rule_pack" in value
    (_SECOND if second else _FIRST)(value, place)
    _distinct(value["bidders"], "id", f"{place}/bidders")
    _distinct(value["bidders"], "code", f"{place}/bidders")
    _distinct(value["documents"], "sha256", f"{place}/documents")
    named: dict[tuple[JSON, JSON], int] = {}
    for i, document in enumerate(value["documents"]):
        # Every bidder may call its file the same; two of one bidder cannot be told apart by anybody who reads.
        first = named.setdefault((document["bidder"], document["name"]), i)
        if first != i:
            raise ImportRefused(f"{place}/documents/{i}/name", f"the same as {place}/documents/{first}/name")
    for i, node in enumerate(value["criteria"]):
        _sums(node, f"{place}/criteria/{i}")


def tender(value: JSON) -> None:
    """What stands around a definition: venues, rooms, seats and the rest, none of them with a field that is not known.
    The definition itself, notes and files are looked at by those who read them."""
    _TENDER(value, "")


def notes(value: JSON, bidders: Collection[str], place: str) -> None:
    """What the buyer's side noted of these bidders (`evaluation.core.collusion`)."""
    _object({}, dict.fromkeys(bidders, _object({}, dict.fromkeys(NOTED, _noted))))(value, place)


def table(rows: Sequence[Sequence[JSON]], columns: Mapping[str, str], *, sheet: str) -> list[Object]:
    """Bidders from the rows of a workbook's sheet; `columns` maps the headings in use to `name`, `code`, `price`."""
    checks = {"name": text, "code": code, "price": price}
    found = records(rows, columns, checks, sheet=sheet, once="code")
    if not found:
        raise ImportRefused(f"{sheet}!A2", "no bidder")
    return [{"id": f"bidder-{n}", **each} for n, each in enumerate(found, 1)]


def records(
    rows: Sequence[Sequence[JSON]],
    columns: Mapping[str, str],
    checks: Mapping[str, Check],
    *,
    sheet: str,
    once: str,
    optional: Collection[str] = (),
) -> list[Object]:
    """One object for each row below the heading row; a cell is text, None when empty, or a `Formula`.

    `columns` maps the headings in use to fields, `checks` says what a field is. The field `once` stands once in the
    table; an `optional` column may be missing, and its cells may be empty.
    """
    if not rows:
        raise ImportRefused(f"{sheet}!A1", "the sheet is empty")
    fields: list[str] = []
    for i, heading in enumerate(rows[0]):
        if heading not in columns:
            raise ImportRefused(_cell(sheet, 0, i), f"unknown column, known are {', '.join(columns)}")
        fields.append(columns[heading])
        if fields.count(fields[-1]) > 1:
            raise ImportRefused(_cell(sheet, 0, i), "the column stands twice")
    for field in columns.values():
        if field not in fields and field not in optional:
            raise ImportRefused(f"{sheet}!1:1", f"the column for {field} is missing")
    found: list[Object] = []
    seen: dict[JSON, int] = {}
    for n, row in enumerate(rows[1:], 1):
        if all(cell is None for cell in row):
            continue
        if len(row) > len(fields):
            raise ImportRefused(_cell(sheet, n, len(fields)), "a cell beyond the last column")
        made: Object = {}
        for i, field in enumerate(fields):
            cell, place = row[i] if i < len(row) else None, _cell(sheet, n, i)
            if isinstance(cell, Formula):
                raise ImportRefused(place, "a formula: what it shows depends on who opens it")
            if cell is not None or field not in optional:
                checks[field](cell, place)
            if field == once and seen.setdefault(cell, n) != n:
                raise ImportRefused(place, f"stands twice: row {seen[cell] + 1} has it, too")
            made[field] = cell
        found.append(made)
    return found


class Formula(str):
    """A cell whose value is computed."""


def text(value: JSON, place: str) -> None:
    """Words to be shown."""
    if not isinstance(value, str):
        raise ImportRefused(place, "text is expected")
    if not value.strip() or len(value) > MAX_TEXT:
        raise ImportRefused(place, f"1 to {MAX_TEXT} characters")
    if not value.isprintable():
        raise ImportRefused(place, "a character that does not print")
    if value.startswith(_FORMULA):
        raise ImportRefused(place, "a formula: the text begins like one")


def money(value: JSON, place: str) -> None:
    """A figure with two decimals as text: `12.50`."""
    if not isinstance(value, str):
        raise ImportRefused(place, 'a figure is text with two decimals, such as "12.50"')
    try:
        points.parse(value)
    except ValueError as error:
        raise ImportRefused(place, _why(value)) from error


def price(value: JSON, place: str) -> None:
    """Money above zero."""
    money(value, place)
    if not points.parse(value):
        raise ImportRefused(place, "a price is above zero")


def code(value: JSON, place: str) -> None:
    """A unified social credit code."""
    if not isinstance(value, str) or len(value) != credit_code.LENGTH:
        raise ImportRefused(place, f"a social credit code has {credit_code.LENGTH} characters")
    narrow(value, place)
    if any(sign not in credit_code.ALPHABET for sign in value):
        raise ImportRefused(place, "a character that social credit codes do not have (GB 32100-2015, 4.3)")
    if not credit_code.valid(value):
        raise ImportRefused(place, "the check character is wrong (GB 32100-2015, 4.4)")


def narrow(value: str, place: str) -> None:
    """No full-width digit or letter, which looks like the one that is meant."""
    if _WIDE.search(value):
        raise ImportRefused(place, "full-width characters")


def _noted(value: JSON, place: str) -> None:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_NOTES:
        raise ImportRefused(place, f"a list of 1 to {MAX_NOTES} texts is expected")
    for i, each in enumerate(value):
        if not isinstance(each, str) or not 1 <= len(each.strip()) <= len(each) <= MAX_NOTE:
            raise ImportRefused(f"{place}/{i}", f"a text of 1 to {MAX_NOTE} characters is expected")
        if not each.isprintable():
            raise ImportRefused(f"{place}/{i}", "a character that does not print")


def _why(value: str) -> str:
    """What is wrong with a figure, in the order in which people mistake them."""
    if _WIDE.search(value):
        return "full-width characters"
    if value.startswith("="):
        return "a formula"
    if value.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        return "not a number"
    if value.startswith("-"):
        return "negative"
    if re.fullmatch(r"[0-9]{13,}(?:\.[0-9]*)?", value, re.ASCII):
        return "larger than 999 999 999 999.99"
    return "not a figure with exactly two decimals, without separators"


def _ident(value: JSON, place: str) -> None:
    if not isinstance(value, str) or len(value) > 32 or not _ID.fullmatch(value):
        raise ImportRefused(place, "an id is lower case words joined by hyphens")


def _word(value: JSON, place: str) -> None:
    if not isinstance(value, str):
        raise ImportRefused(place, "text is expected")


def _count(value: JSON, place: str) -> None:
    if type(value) is not int or not 0 <= value <= MAX_INTEGER:
        raise ImportRefused(place, "a whole number is expected")


def _flag(value: JSON, place: str) -> None:
    if type(value) is not bool:
        raise ImportRefused(place, "true or false is expected")


def _or_null(check: Check) -> Check:
    def found(value: JSON, place: str) -> None:
        if value is not None:
            check(value, place)

    return found


def _object(known: Mapping[str, Check], optional: Mapping[str, Check] = MappingProxyType({})) -> Check:
    def found(value: JSON, place: str) -> None:
        if not isinstance(value, dict):
            raise ImportRefused(place, "an object is expected")
        for name in value:
            if name not in known and name not in optional:
                raise ImportRefused(f"{place}/{_escaped(name)}", "unknown field")
        for name, check in (*known.items(), *optional.items()):
            if name in value:
                check(value[name], f"{place}/{name}")
            elif name in known:
                raise ImportRefused(f"{place}/{name}", "missing")

    return found


def _list(check: Check) -> Check:
    def found(value: JSON, place: str) -> None:
        if not isinstance(value, list) or len(value) > MAX_ITEMS:
            raise ImportRefused(place, f"a list of at most {MAX_ITEMS} is expected")
        for i, item in enumerate(value):
            check(item, f"{place}/{i}")

    return found


def _map(check: Check) -> Check:
    def found(value: JSON, place: str) -> None:
        if not isinstance(value, dict):
            raise ImportRefused(place, "an object is expected")
        for name, item in value.items():
            check(item, f"{place}/{_escaped(name)}")

    return found


def _criterion(value: JSON, place: str) -> None:
    if place.count("/children/") > MAX_DEPTH:
        raise ImportRefused(place, "criteria nest too deep")
    known = {"id": _ident, "name": text, "max": money, "children": _list(_criterion)}
    _object(known)(value, place)


def _slope(value: JSON, place: str) -> None:
    if not isinstance(value, list) or len(value) != 2:
        raise ImportRefused(place, "a slope is [up to percent or null, points for each percent]")
    _or_null(money)(value[0], f"{place}/0")
    money(value[1], f"{place}/1")


def _drop(value: JSON, place: str) -> None:
    """A coefficient, or the candidates that it is drawn from."""
    (_list(money) if isinstance(value, list) else money)(value, place)


def _priced(value: JSON, place: str) -> None:
    kind = value.get("kind") if isinstance(value, dict) else None
    more: dict[str, Check] = {"least": money} if kind == "quality-cost" else {}
    if kind == "deviation":
        more = {"base": _word, "trim_from": _or_null(_count), "ceiling": _or_null(money)}
        more |= {"share": money, "drop": _drop, "above": _list(_slope), "below": _list(_slope)}
    _object({"kind": _word, **more})(value, place)


def _distinct(rows: Sequence[Object], name: str, place: str) -> None:
    seen: dict[str, int] = {}
    for i, row in enumerate(rows):
        if row[name] in seen:
            raise ImportRefused(f"{place}/{i}/{name}", f"the same as {place}/{seen[row[name]]}/{name}")
        seen[row[name]] = i


def _sums(node: Object, place: str) -> None:
    if not node["children"]:
        return
    parts = points.total([points.parse(child["max"]) for child in node["children"]])
    if parts != points.parse(node["max"]):
        raise ImportRefused(f"{place}/max", f"the parts sum to {parts}")
    for i, child in enumerate(node["children"]):
        _sums(child, f"{place}/children/{i}")


def _escaped(name: str) -> str:
    """RFC 6901, section 3; long names are cut."""
    return name[:40].replace("~", "~0").replace("/", "~1")


def _cell(sheet: str, row: int, column: int) -> str:
    """`bidders!C4`."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{sheet}!{letters}{row + 1}"


class _Number(str):
    """A number that JSON allows and we do not."""


class _Doubled(dict[str, JSON]):
    """An object in which a key stands twice."""

    key = ""


def _pairs(pairs: list[tuple[str, JSON]]) -> Object:
    made = _Doubled(pairs)
    if len(made) == len(pairs):
        return dict(pairs)
    names = [name for name, _ in pairs]
    made.key = next(name for name in names if names.count(name) > 1)
    return made


def _locate(data: bytes) -> None:
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_pairs, parse_float=_Number, parse_constant=_Number)
    except json.JSONDecodeError as error:
        raise ImportRefused("", f"not JSON: line {error.lineno}, column {error.colno}") from error
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ImportRefused("", "not JSON in UTF-8") from error
    _walk(value, "", 0)


def _walk(value: JSON, place: str, depth: int) -> None:
    if depth > 4 * MAX_DEPTH:
        raise ImportRefused(place, "nests too deep")
    if isinstance(value, _Number):
        raise ImportRefused(place, f"the number {value[:20]}: figures are text with two decimals")
    if isinstance(value, _Doubled):
        raise ImportRefused(f"{place}/{_escaped(value.key)}", "the field stands twice")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MAX_INTEGER:
        raise ImportRefused(place, "a number beyond 2^53")
    if isinstance(value, dict):
        for name, item in value.items():
            _walk(item, f"{place}/{_escaped(name)}", depth + 1)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            _walk(item, f"{place}/{i}", depth + 1)


_DOCUMENT = _object({"sha256": _word, "name": text, "bidder": _or_null(_ident), "pages": _count})
_BIDDER: dict[str, Check] = {"id": _ident, "name": text, "code": code, "price": price}
_COMMON: dict[str, Check] = {
    **dict.fromkeys(("regime", "method", "category"), _word),
    "title": text,
    "weights": _object({"technical": money, "price": money}),
    "criteria": _list(_criterion),
    "compliance": _list(_object({"id": _ident, "name": text})),
    "documents": _list(_DOCUMENT),
    "members": _list(_object({"seat": _ident, "name": text, "organisation": text})),
}
_LINE = _object({"quantity": money, "unit": money, "amount": money, "misplaced": _flag})
_QUOTE = _object({"opening": price, "figures": price, "words": price, "lines": _list(_LINE)}, {"confirmed": _flag})
_INCIDENTS = _object(
    {
        **dict.fromkeys(("before_start", "during", "recorder"), _count),
        **dict.fromkeys(("cut_off", "opens"), _or_null(_word)),
        "source": text,
    }
)
_NAMED = _object({"id": _word, "version": _word, "sha256": _word})
_PLAN = _object({"starts": _or_null(_word), "timetable": _NAMED, "calendar": _NAMED, "retain_years": _or_null(_count)})
_PUBLICATION = _object({"media": _list(text), "opened": _word, "place": text})
_TERMS = _object(
    {
        "announced": _word,
        "budget": _or_null(price),
        "ceiling": _or_null(price),
        "conditions": _list(_word),
        "rates": _map(money),
        "price": _priced,
        "trim_sheets": _or_null(_count),
        "tie": _word,
        "ranked": _flag,
        "candidates": _count,
    },
    {"objective": _list(_ident), "incidents": _INCIDENTS, "plan": _PLAN, "publication": _PUBLICATION, "brand": _word},
)
_MORE: dict[str, Check] = {
    "brand": _or_null(_ident),
    "policy": _or_null(_ident),
    "plus": money,
    "minus": money,
    "quote": _or_null(_QUOTE),
}


def _anything(value: JSON, place: str) -> None:
    """Looked at elsewhere."""


_TENDER = _object(
    {
        "definition": _anything,
        "venues": _list(_object(dict.fromkeys(("id", "centre", "kind"), _word))),
        "rooms": _list(_object(dict.fromkeys(("id", "venue"), _word))),
        "seats": _list(
            _object({**dict.fromkeys(("id", "role", "centre"), _word), "venue": _or_null(_word)}, {"stratum": _word})
        ),
    },
    {
        **dict.fromkeys(("files", "notes", "kind", "follows", "invitations"), _anything),
        "special": _object(dict.fromkeys(("reference", "document"), _word)),
    },
)
_FIRST = _object({**_COMMON, "bidders": _list(_object(_BIDDER))})
_SECOND = _object(
    {
        **_COMMON,
        "bidders": _list(_object({**_BIDDER, **_MORE})),
        "rule_pack": _NAMED,
        "terms": _TERMS,
    }
)
