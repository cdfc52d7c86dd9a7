"""What people call a centre: its city, or an authority, in Chinese and in English. The agreement says it
(`trust.json`), each founding repeats it in its log, and a name never stands for an identity: that is the domain's key
(docs/protocol.md 9).

A name is one line of letters of its own script, so that none looks like another one or turns the line around: no
controls, no marks of direction, no second script (UTS 39, Unicode's rules of confusable identifiers).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from evidence.core.canonical import JSON, Object, members
from evidence.errors import Malformed

MOST = 40
"""锡林郭勒盟西乌珠穆沁旗 has 11 characters; a longer line than this fits no tile."""
# Ideographs (the unified ones and extension A), the point between the parts of a name, brackets as China sets them.
_HAN = r"[\u3400-\u4dbf\u4e00-\u9fff]+"
_ZH = re.compile(rf"{_HAN}(?:·{_HAN})*(?:（{_HAN}）)?")
# Latin letters with the marks that place names have (Ürümqi), in words.
_LATIN = r"[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f]+"
_EN = re.compile(rf"{_LATIN}(?:(?:[ '-]|\. ){_LATIN})*")


@dataclass(frozen=True, slots=True)
class CityName:
    """A name that was checked."""

    zh: str
    en: str

    def __post_init__(self) -> None:
        for text, form in ((self.zh, _ZH), (self.en, _EN)):
            if len(text) > MOST or not form.fullmatch(text) or not unicodedata.is_normalized("NFC", text):
                raise Malformed(f"a city's name has 1 to {MOST} letters, Chinese in `zh` and Latin in `en`")

    @staticmethod
    def parse(value: JSON) -> CityName:
        """From `{"zh","en"}`."""
        found = members(value, {"zh": str, "en": str})
        return CityName(found["zh"], found["en"])

    @property
    def json(self) -> Object:
        return {"zh": self.zh, "en": self.en}


def check_apart(names: Iterable[CityName]) -> None:
    """No two centres are called the same, in either language."""
    listed = list(names)
    for each in ({name.zh for name in listed}, {name.en.casefold() for name in listed}):
        if len(each) != len(listed):
            raise Malformed("two cities have one name")


def parse(value: Object) -> dict[str, CityName]:
    """Names by domain."""
    names = {domain: CityName.parse(name) for domain, name in value.items()}
    check_apart(names.values())
    return names


def to_json(names: Mapping[str, CityName]) -> Object:
    """The same as a log and a page get it."""
    return {domain: name.json for domain, name in names.items()}
