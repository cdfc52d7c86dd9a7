"""Facts by which the law may deem bids collusive (实施条例 40, 87号令 37): found by comparing, and advice only.

Each fact names the item of the article, the bidders, and where it comes from: a member of a PDF, a page, a price, or
what the buyer's side noted of a bidder. Nothing follows from one by itself: a rejection still needs its ground, words,
evidence and vote, and may cite a fact as its evidence. What could not be examined stands there with the reason.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from evaluation.core import likeness, regularity
from evaluation.core.likeness import Alike, Place
from evaluation.core.regularity import BASE, LINE_RATIO, LINE_STEP, PROGRESSION, RATIO, Series
from evaluation.core.tender import Definition, Document
from evidence.core.canonical import JSON, Object, b64u, decode_object, encode, members, unb64u
from evidence.errors import Malformed

AUTHOR, ORIGIN, LICENCE, CREATED, MACHINE = "author", "origin", "licence", "created", "machine"
AGENT, ADDRESS, CONTACT, LIKENESS, MIXED, ACCOUNT = "agent", "address", "contact", "likeness", "mixed", "account"
ITEMS: Mapping[str, int] = {
    **dict.fromkeys((AUTHOR, ORIGIN, LICENCE, CREATED, MACHINE), 1),
    **dict.fromkeys((AGENT, ADDRESS), 2),
    CONTACT: 3,
    LIKENESS: 4,
    **dict.fromkeys((PROGRESSION, RATIO, BASE, LINE_RATIO, LINE_STEP), 4),
    MIXED: 5,
    ACCOUNT: 6,
}
"""Kind -> item, in the order in which facts are shown; both articles number them alike."""
NOTED = (ACCOUNT, AGENT, ADDRESS, CONTACT, MACHINE)
"""What the buyer's side may note of a bidder: texts that are compared and never understood, digests as well."""
MAX_FACTS = 200
"""More are no help to anybody; how many there are beyond stands there, too."""
MAX_NOTES, MAX_NOTE = 20, 120
MAX_SIZE = 1024 * 1024
MAX_CHARACTERS = 30_000_000
"""Of all documents together: 20 000 full pages, whose shingles take some 250 MB while they are compared."""
TOO_MUCH, NO_TEXT, WHOLE, TEXT = "too-much", "no-text", "whole", "text"
"""How a document was examined: not, since others took all room; its metadata alone; both; its text alone."""
EXAMINED = frozenset({NO_TEXT, WHOLE, TEXT})
_STANDARD = frozenset({"Author", "Title", "Subject", "Keywords", "CreationDate", "ModDate", "Trapped"})
# Names that a system gives by itself say nothing about a person.
_NOBODY = frozenset(
    {
        *("admin", "administrator", "author", "default", "guest", "owner", "root", "unknown", "user", "windows user"),
        *("dell", "hp", "lenovo", "pc", "wps", "office", "microsoft", "microsoft user", "microsoft office user"),
    }
)
# A serial or lock number: a run of at least twelve letters, digits or hyphens with a digit. Versions have full stops.
_SERIAL = re.compile(r"(?<![0-9A-Za-z.-])(?=[A-Za-z-]*[0-9])[0-9A-Za-z][0-9A-Za-z-]{10,}[0-9A-Za-z](?![0-9A-Za-z.-])")
# Shorter names stand in any text.
_LEAST_NAME = 4
SALT_BYTES = 16

Notes = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Bidder -> one of NOTED -> texts."""
Where = tuple[str, bytes | None, int, str]
"""Bidder, document, page (0 where it is none), and the source: a member of the file, `text`, `noted`, `opening` (the
price that was read out) or `lines` (the priced list)."""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read from a document: (source, value) of its metadata, None where they cannot be read; its text."""

    marks: tuple[tuple[str, str], ...] | None
    pages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact; `value` is what these bidders share, `alike` what their texts have in common, `series` what rule their
    prices follow."""

    kind: str
    bidders: tuple[str, ...]
    value: str | None
    places: tuple[Where, ...]
    alike: Alike | None = None
    series: Series | None = None

    @property
    def json(self) -> Object:
        """The fact as data; only one about prices has a series."""
        more: Object = {} if self.series is None else {"series": self.series.json}
        pages: list[JSON] = []
        if self.alike is not None:
            pages = [[b64u(a), p, b64u(b), q, n] for (a, p), (b, q), n in self.alike.pages]
        return more | {
            "kind": self.kind,
            "item": ITEMS[self.kind],
            "bidders": list(self.bidders),
            "value": self.value,
            "places": [[who, None if sha is None else b64u(sha), page, how] for who, sha, page, how in self.places],
            "alike": None
            if self.alike is None
            else {"shared": self.alike.shared, "permille": self.alike.permille, "pages": pages},
        }


@dataclass(slots=True)
class Comparison:
    """Documents are added in `order`, one at a time, so that no two texts are held at once; then `document`."""

    definition: Definition
    notes: Notes = field(default_factory=dict)
    examined: list[tuple[bytes, str]] = field(default_factory=list)
    _ours: set[int] = field(default_factory=set)
    _our_marks: set[tuple[str, str]] = field(default_factory=set)
    _told: set[str] = field(default_factory=set)
    _theirs: dict[str, dict[int, Place]] = field(default_factory=dict)
    _marks: dict[tuple[str, str, str], list[Where]] = field(default_factory=dict)
    _mixed: list[Fact] = field(default_factory=list)
    _characters: int = 0

    def add(self, document: Document, found: Read | str) -> None:
        """A document, or the reason why it was not examined. What stands in the tender's own says nothing of a bid."""
        if isinstance(found, Read):
            pages = [likeness.plain(text) for text in found.pages]
            size = sum(map(len, pages))
            if self._characters + size > MAX_CHARACTERS:
                found = TOO_MUCH
            else:
                self._characters += size
                self._note(document, found, pages)
                found = (WHOLE if size else NO_TEXT) if found.marks is not None else TEXT
        self.examined.append((document.sha256, found))

    def facts(self) -> list[Fact]:
        """Everything found, by item."""
        found = [*self._shared(), *self._noted(), *self._alike(), *regular(self.definition), *self._mixed]
        return sorted(found, key=_place)

    def document(self, *, engine: str, salt: bytes) -> bytes:
        """The advice. `salt` hides it behind its hash: whether there are facts is not for everybody who reads the log.
        `engine` reads the PDFs: another one may divide a page's text otherwise."""
        facts = self.facts()
        shown = [fact.json for fact in facts[:MAX_FACTS]]
        while len(data := encode(self._body(engine, salt, shown, len(facts) - len(shown)))) > MAX_SIZE:
            shown.pop()
        return data

    def _body(self, engine: str, salt: bytes, shown: Sequence[Object], more: int) -> Object:
        return {
            "v": 1 if self.definition.pack.regular is None else 2,
            "salt": b64u(salt),
            "engine": engine,
            "examined": [[b64u(sha256), how] for sha256, how in self.examined],
            "facts": list(shown),
            "more": more,
        }

    def _note(self, document: Document, found: Read, pages: list[str]) -> None:
        kept = likeness.shingles(pages)
        marks = [(source, value) for source, value in found.marks or () if value.strip()]
        if document.bidder is None:
            self._ours |= kept.keys()
            self._our_marks |= {(source, _same(value)) for source, value in marks}
            self._told |= {name for name in self._names() if any(name in page for page in pages)}
            return
        theirs = self._theirs.setdefault(document.bidder, {})
        for shingle, page in kept.items():
            if shingle not in self._ours:
                theirs.setdefault(shingle, (document.sha256, page))
        for source, value in marks:
            kind = _kind(source, value)
            if kind is not None and (source, _same(value)) not in self._our_marks:
                where = (document.bidder, document.sha256, 0, source)
                self._marks.setdefault((kind, source, _same(value)), []).append(where)
        self._mixed += self._others(document, document.bidder, pages)

    def _names(self) -> dict[str, str]:
        """What names a bidder in a text -> the bidder."""
        named = {likeness.plain(bidder.name): bidder.id for bidder in self.definition.bidders}
        named |= {likeness.plain(bidder.code): bidder.id for bidder in self.definition.bidders}
        return {name: bidder for name, bidder in named.items() if len(name) >= _LEAST_NAME}

    def _others(self, document: Document, own: str, pages: Sequence[str]) -> Iterator[Fact]:
        """Another bidder's name or code in this bidder's document."""
        names = self._names()
        mine = [name for name, bidder in names.items() if bidder == own]
        found: dict[str, list[Where]] = {}
        for name, bidder in names.items():
            if bidder == own or name in self._told or any(name in each for each in mine):
                continue
            on = [number for number, page in enumerate(pages, 1) if name in page]
            found.setdefault(bidder, []).extend((own, document.sha256, number, "text") for number in on)
        for bidder, places in found.items():
            if places:
                shown = tuple(sorted(set(places), key=lambda place: place[2]))[: likeness.MAX_PAGES]
                yield Fact(MIXED, (own, bidder), None, shown)

    def _shared(self) -> Iterator[Fact]:
        for (kind, _, value), places in self._marks.items():
            if len(bidders := sorted({place[0] for place in places})) > 1:
                yield Fact(kind, tuple(bidders), value, tuple(places))

    def _noted(self) -> Iterator[Fact]:
        holding: dict[tuple[str, str], list[str]] = {}
        for bidder, notes in self.notes.items():
            for kind in NOTED:
                for value in sorted({_same(text) for text in notes.get(kind, ())}):
                    holding.setdefault((kind, value), []).append(bidder)
        for (kind, value), bidders in holding.items():
            if len(bidders) > 1:
                who = sorted(bidders)
                yield Fact(kind, tuple(who), value, tuple((bidder, None, 0, "noted") for bidder in who))

    def _alike(self) -> Iterator[Fact]:
        for one, other in combinations(sorted(self._theirs), 2):
            found = likeness.compare(self._theirs[one], self._theirs[other])
            if found is not None:
                yield Fact(LIKENESS, (one, other), None, (), found)


def regular(definition: Definition) -> list[Fact]:
    """What the prices show by themselves, in their order: those of the opening, before any correction. Nothing under a
    pack whose prices nobody read out before the committee met."""
    bounds = definition.pack.regular
    if bounds is None or definition.asked is None:
        return []
    ceiling, budget = definition.asked.ceiling, definition.asked.budget
    own = ("ceiling", ceiling) if ceiling is not None else ("budget", budget) if budget is not None else None
    quotes = {bidder.id: bidder.quote for bidder in definition.bidders if bidder.quote is not None}
    prices = {each.id: each.price if each.quote is None else each.quote.opening for each in definition.bidders}
    found = [
        *regularity.totals(prices, own, bounds),
        *regularity.lists({bidder: quote.lines for bidder, quote in quotes.items() if quote.lines}, bounds),
    ]
    return sorted((_about(series) for series in found), key=_place)


def _about(series: Series) -> Fact:
    source = "opening" if series.terms else "lines"
    places = tuple((bidder, None, 0, source) for bidder in series.bidders)
    return Fact(series.kind, series.bidders, series.value, places, series=series)


def _place(fact: Fact) -> tuple[int, tuple[str, ...], str]:
    return list(ITEMS).index(fact.kind), fact.bidders, fact.value or ""


def order(definition: Definition) -> list[Document]:
    """The documents to add, the tender's own before the bids."""
    return sorted(definition.documents, key=lambda document: document.bidder is not None)


def write_notes(notes: Object, salt: bytes) -> bytes:
    """The notes' canonical bytes, as they were handed in; the definition names their hash."""
    return encode({"v": 1, "salt": b64u(salt), "bidders": notes})


def read_notes(data: bytes, bidders: Collection[str]) -> Notes:
    """Strictly, and of these bidders; Malformed otherwise."""
    value = members(decode_object(data, limit=MAX_SIZE), {"v": int, "salt": str, "bidders": dict})
    unb64u(value["salt"], SALT_BYTES)
    if value["v"] != 1 or not value["bidders"].keys() <= set(bidders):
        raise Malformed("notes are of bidders of the tender, in version 1")
    return {
        bidder: {kind: _texts(texts) for kind, texts in members(held, {}, dict.fromkeys(NOTED, list)).items()}
        for bidder, held in value["bidders"].items()
    }


def read(data: bytes) -> Object:
    """The advice as data; Malformed where it is no advice."""
    shape = {"v": int, "salt": str, "engine": str, "examined": list, "facts": list, "more": int}
    value = members(decode_object(data, limit=MAX_SIZE), shape)
    if value["v"] not in (1, 2) or len(value["facts"]) > MAX_FACTS:
        raise Malformed("unknown version of the advice, or too many facts")
    return value


def _texts(value: JSON) -> tuple[str, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_NOTES:
        raise Malformed(f"1 to {MAX_NOTES} texts are noted")
    for text in value:
        if not isinstance(text, str) or not 1 <= len(text.strip()) <= len(text) <= MAX_NOTE or not text.isprintable():
            raise Malformed(f"a note has 1 to {MAX_NOTE} printable characters")
    return tuple(str(text) for text in value)


def _kind(source: str, value: str) -> str | None:
    """What kind of fact this member of a file makes where bidders share it; None where it says nothing."""
    if source == "Author":
        return None if _same(value) in _NOBODY else AUTHOR
    if source == "CreationDate":
        return CREATED
    if source == "ID" or source.startswith("xmpMM:"):
        return ORIGIN
    return LICENCE if source not in _STANDARD and _SERIAL.search(value) else None


def _same(value: str) -> str:
    """Values that differ in case, width or spaces only are one."""
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())
