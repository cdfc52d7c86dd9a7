"""The report's workbook (XLSX): the same content gives the same bytes, and no cell is anything but text.

A cell that a spreadsheet could take for a formula when somebody exports or edits it is marked as quoted text, the way
the program's own apostrophe does; nothing is ever written as a formula, a number or a link.
"""

from __future__ import annotations

import tomllib
from datetime import datetime
from io import BytesIO
from pathlib import Path

import xlsxwriter

from evaluation.adapters import workbook_xlsx
from evaluation.core.workbook import Word, tables
from evidence.core.canonical import Object

_WORDS: dict[str, str] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
# The file's own date: fixed, because the log says when the report was frozen (as in `report_typst`).
_DATED = datetime(2000, 1, 1)  # noqa: DTZ001 (the format knows no zone)
_TEXT_ONLY = {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
# What programs take for the beginning of a formula (OWASP, CSV injection).
_ACTIVE = ("=", "+", "-", "@", "\t", "\r", "\n")


def render(content: Object) -> bytes:
    """The workbook of this content."""
    out = BytesIO()
    with xlsxwriter.Workbook(out, _TEXT_ONLY) as book:
        book.set_properties({"created": _DATED})
        head = book.add_format({"bold": True, "num_format": "@", "text_wrap": True})
        plain = book.add_format({"num_format": "@"})
        quoted = book.add_format({"num_format": "@", "quote_prefix": True})
        for name, rows in cells(content):
            sheet = book.add_worksheet(name)
            sheet.set_column(0, len(rows[0]) - 1, 18)
            sheet.freeze_panes(1, 0)
            for i, row in enumerate(rows):
                for j, text in enumerate(row):
                    active = text.startswith(_ACTIVE)
                    sheet.write_string(i, j, text, quoted if active else plain if i else head)
    return out.getvalue()


def same(data: bytes, content: Object) -> bool:
    """Whether the workbook says exactly this content, cell by cell; whoever made its bytes."""
    expected = cells(content)
    if workbook_xlsx.count(data) != len(expected):
        return False
    for number, (name, rows) in enumerate(expected, 1):
        found = [[text or "" for text in row] for row in workbook_xlsx.rows(data, sheet=name, number=number)]
        if [_trimmed(row) for row in found] != [_trimmed(list(row)) for row in rows]:
            return False
    return True


def cells(content: Object) -> list[tuple[str, list[tuple[str, ...]]]]:
    """(name, rows with the head first) of every sheet, in words."""
    return [
        (_word(table.name), [tuple(_word(text) for text in row) for row in (table.head, *table.rows)])
        for table in tables(content)
    ]


def _word(text: str) -> str:
    return _WORDS[text] if isinstance(text, Word) else text


def _trimmed(row: list[str]) -> list[str]:
    while row and not row[-1]:
        row = row[:-1]
    return row
