"""The cells of a workbook's first sheet (ECMA-376, SpreadsheetML), with the standard library and nothing executed.

A formula is reported as one, whatever value the program that wrote it has left beside it. Numbers are refused, too: a
spreadsheet keeps them as binary floats, so 12.10 may stand there as 12.1 or 12.0999999999999996.
"""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from evaluation.core.intake import Formula
from evaluation.errors import ImportRefused

# Ninety-nine bidders take a few kilobytes; the bounds keep a small archive from unfolding into a large one.
MAX_BYTES = 2_000_000
MAX_PART = 8_000_000
MAX_ROWS, MAX_COLUMNS = 1000, 50
SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
_SHEETS = re.compile(r"xl/worksheets/sheet[1-9][0-9]{0,2}\.xml", re.ASCII)
_NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REF = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})", re.ASCII)


def count(data: bytes) -> int:
    """How many sheets there are; ImportRefused where it is no workbook."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return sum(bool(_SHEETS.fullmatch(name)) for name in archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError) as error:
        raise ImportRefused("", "no workbook in the form of XLSX") from error


def rows(data: bytes, *, sheet: str, number: int = 1) -> list[list[str | None]]:
    """Every row of the sheet of this number from the first one on; ImportRefused names the cell as `sheet!B3`."""
    if len(data) > MAX_BYTES:
        raise ImportRefused(sheet, f"the workbook has more than {MAX_BYTES} bytes")
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = archive.namelist()
            strings = _strings(_part(archive, STRINGS)) if STRINGS in names else []
            root = _part(archive, f"xl/worksheets/sheet{number}.xml")
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, NotImplementedError, EOFError, OSError) as error:
        raise ImportRefused(sheet, "no workbook in the form of XLSX") from error
    found: list[list[str | None]] = []
    for cell in root.iter(f"{_NS}c"):
        ref = _REF.fullmatch(cell.get("r", ""))
        if ref is None:
            raise ImportRefused(sheet, "a cell without a place")
        row, column = int(ref[2]) - 1, _column(ref[1])
        if row >= MAX_ROWS or column >= MAX_COLUMNS:
            raise ImportRefused(f"{sheet}!{ref[0]}", f"beyond {MAX_ROWS} rows or {MAX_COLUMNS} columns")
        found += [[] for _ in range(row + 1 - len(found))]
        found[row] += [None] * (column + 1 - len(found[row]))
        found[row][column] = _value(cell, strings, f"{sheet}!{ref[0]}")
    return found


def _value(cell: Element, strings: list[str], place: str) -> str | None:
    if cell.find(f"{_NS}f") is not None:
        return Formula(cell.findtext(f"{_NS}f") or "")
    kind, stored = cell.get("t", "n"), cell.findtext(f"{_NS}v")
    if kind == "inlineStr":
        return "".join(text.text or "" for text in cell.iter(f"{_NS}t"))
    if stored is None:
        return None
    if kind == "s" and stored.isascii() and stored.isdigit() and int(stored) < len(strings):
        return strings[int(stored)]
    if kind == "str":
        return stored
    if kind == "n":
        raise ImportRefused(place, "a number in binary: figures are text with two decimals (format the column as text)")
    raise ImportRefused(place, "an error or a value of an unknown kind")


def _strings(root: Element) -> list[str]:
    return ["".join(text.text or "" for text in item.iter(f"{_NS}t")) for item in root.iter(f"{_NS}si")]


def _part(archive: zipfile.ZipFile, name: str) -> Element:
    with archive.open(name) as part:
        data = part.read(MAX_PART + 1)
    # No writer of workbooks declares a document type; one that does wants entities to unfold.
    if len(data) > MAX_PART or b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ImportRefused(name, "too large, or with a document type")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ImportRefused(name, "not UTF-8")
    return ElementTree.fromstring(data)  # noqa: S314 (no document type, bounded size)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
