"""The cells of a table in CSV (RFC 4180), UTF-8 with or without its mark, with the standard library.

A spreadsheet that opens such a file computes what begins with `=`: it is reported as the formula that it is.
"""

from __future__ import annotations

import csv
from io import StringIO

from evaluation.core.intake import Formula
from evaluation.errors import ImportRefused

# As large a pool as one draw's facts can tell of (`evaluation.core.conflicts.MAX_BYTES`), with room for its words.
MAX_BYTES = 16_000_000
MAX_ROWS, MAX_COLUMNS = 20_001, 50


def rows(data: bytes, *, sheet: str) -> list[list[str | None]]:
    """Every row from the first one on, an empty cell as None; ImportRefused names the line."""
    if len(data) > MAX_BYTES:
        raise ImportRefused(sheet, f"the table has more than {MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportRefused(sheet, 'not UTF-8: save it as "CSV UTF-8"') from error
    found: list[list[str | None]] = []
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            cells = [_cell(each) for each in row]
            while cells and cells[-1] is None:
                del cells[-1]
            if len(cells) > MAX_COLUMNS or len(found) == MAX_ROWS:
                raise ImportRefused(f"{sheet}!{len(found) + 1}", f"beyond {MAX_ROWS} rows or {MAX_COLUMNS} columns")
            found.append(cells)
    except csv.Error as error:
        raise ImportRefused(f"{sheet}, line {reader.line_num}", f"not CSV: {error}") from error
    return found


def _cell(text: str) -> str | None:
    if text.startswith("="):
        return Formula(text)
    return text or None
