"""Facts by which bids may be deemed collusive (实施条例 40, 87号令 37; domain checklist 13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.core import collusion, likeness, tender
from evaluation.core.collusion import Comparison, Read
from evaluation.core.tender import Definition, Document
from evidence.core.canonical import encode, sha256
from evidence.errors import Malformed
from tests.pdfs import prose
from tests.sessions.example import CODES, definition

SALT = bytes(16)
BIDDERS = ("bidder-1", "bidder-2", "bidder-3")
OURS = Document(sha256(b"ours"), "tender.pdf", None, 3)
ONE = Document(sha256(b"one"), "bid.pdf", "bidder-1", 3)
TWO = Document(sha256(b"two"), "bid.pdf", "bidder-2", 3)
THREE = Document(sha256(b"three"), "bid.pdf", "bidder-3", 3)


def defined() -> Definition:
    return replace(tender.parse(encode(definition())), documents=(ONE, OURS, TWO, THREE))


def compared(reads: Mapping[Document, Read | str], notes: collusion.Notes | None = None) -> Comparison:
    found = Comparison(defined(), notes or {})
    for document in collusion.order(found.definition):
        if document in reads:
            found.add(document, reads[document])
    return found


def read(*pages: str, **marks: str) -> Read:
    return Read(tuple(marks.items()), pages)


def kinds(comparison: Comparison) -> list[tuple[str, tuple[str, ...], str | None]]:
    return [(fact.kind, fact.bidders, fact.value) for fact in comparison.facts()]


# --- metadata


@pytest.mark.parametrize(
    ("source", "one", "two", "kind"),
    [
        ("Author", "Zhang San", "ZHANG  SAN", collusion.AUTHOR),
        ("ID", "9f86d081", "9f86d081", collusion.ORIGIN),
        ("xmpMM:DocumentID", "uuid:1", "uuid:1", collusion.ORIGIN),
        ("CreationDate", "D:20260101080000", "D:20260101080000", collusion.CREATED),
        ("LockNumber", "GLD-2203-778812", "GLD-2203-778812", collusion.LICENCE),
        ("Producer", "Costing 9, dongle 00A1B2C3D4E5", "Costing 9, dongle 00A1B2C3D4E5", collusion.LICENCE),
    ],
)
def test_what_two_bidders_files_share_is_told_with_where_it_stands(source: str, one: str, two: str, kind: str) -> None:
    found = compared({ONE: read(**{source: one}), TWO: read(**{source: two}), THREE: read(**{source: "another"})})
    (fact,) = found.facts()
    assert (fact.kind, fact.bidders) == (kind, ("bidder-1", "bidder-2"))
    assert fact.places == (("bidder-1", ONE.sha256, 0, source), ("bidder-2", TWO.sha256, 0, source))


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("Author", "Administrator"),
        ("Author", " "),
        ("Producer", "Microsoft Word 2021"),
        ("Producer", "LibreOffice 7.4.7.2"),
        ("Producer", "macOS Version 14.2.1 (Build 23C71) Quartz PDFContext"),
        ("KSOProductBuildVer", "2052-12.1.0.15374"),
        ("Title", "Bid 202601011200"),
    ],
)
def test_what_everybodys_program_writes_is_no_fact(source: str, value: str) -> None:
    assert compared({ONE: read(**{source: value}), TWO: read(**{source: value})}).facts() == []


def test_what_the_tenders_own_files_carry_says_nothing_of_those_who_filled_them_in() -> None:
    same = {"Author": "the buyer's form", "ID": "aa11"}
    assert compared({ONE: read(**same), OURS: read(**same), TWO: read(**same)}).facts() == []


# --- likeness


def test_text_that_two_bids_share_is_shown_by_pages() -> None:
    found = compared(
        {
            ONE: read(prose(1), prose(2), prose(3)),
            TWO: read(prose(4), prose(3, 700) + prose(5)),
            THREE: read(prose(6), prose(7)),
        }
    )
    (fact,) = found.facts()
    assert (fact.kind, fact.bidders, fact.json["item"]) == ("likeness", ("bidder-1", "bidder-2"), 4)
    assert fact.alike is not None
    assert [(a[1], b[1]) for a, b, _ in fact.alike.pages] == [(3, 2)]
    assert fact.alike.shared == sum(number for _, _, number in fact.alike.pages)


def test_layout_spaces_and_punctuation_hide_no_copy() -> None:
    spaced = " ,\n".join(prose(3)[i : i + 7].upper() for i in range(0, 1_500, 7))
    assert [kind for kind, _, _ in kinds(compared({ONE: read(prose(3)), TWO: read(spaced)}))] == ["likeness"]


def test_what_stands_in_the_tender_documents_is_taken_away_first() -> None:
    """Every bid repeats the tender's text: that alone makes nobody alike."""
    ours = prose(9, 6_000)
    whole = {ONE: read(ours + prose(1)), TWO: read(ours + prose(2))}
    assert compared({OURS: read(ours), **whole}).facts() == []
    assert len(compared({**whole}).facts()) == 1


def test_a_quotation_is_no_likeness() -> None:
    """Below a third of a page, and below a twentieth of the shorter bid."""
    quoted = prose(9, 150)
    assert compared({ONE: read(prose(1) + quoted), TWO: read(prose(2) + quoted)}).facts() == []
    one, two = (read(prose(n, 20_000) + prose(9, 800)) for n in (1, 2))
    assert compared({ONE: one, TWO: two}).facts() == []


@given(st.integers(0, 60), st.integers(0, 40))
def test_a_shingle_is_kept_by_its_content_alone(before: int, after: int) -> None:
    """So a copied run is found wherever it stands: no place and no order decides what is compared."""
    text = prose(3, 400)
    shifted = prose(5, before) + text + prose(6, after)
    assert likeness.shingles([text]).keys() <= likeness.shingles([shifted]).keys()


def test_a_page_break_inside_a_copy_costs_only_the_shingles_across_it() -> None:
    text = prose(3, 2_000)
    whole, broken = likeness.shingles([text]), likeness.shingles([text[:1_000], text[1_000:]])
    assert broken.keys() <= whole.keys()
    assert len(whole) - len(broken) <= likeness.WIDTH


# --- mixed up, and what the buyer's side noted


def test_another_bidders_code_in_a_bid_is_told_with_its_page() -> None:
    found = compared({ONE: read(prose(1), prose(2) + CODES[1] + prose(3)), TWO: read(prose(4))})
    (fact,) = found.facts()
    assert (fact.kind, fact.bidders) == ("mixed", ("bidder-1", "bidder-2"))
    assert fact.places == (("bidder-1", ONE.sha256, 2, "text"),)


def test_a_name_that_the_tender_itself_tells_is_nothing_mixed_up() -> None:
    told = {OURS: read(CODES[1]), ONE: read(prose(1) + CODES[1])}
    assert compared(told).facts() == []
    assert compared({ONE: read(prose(1) + CODES[0])}).facts() == []


@pytest.mark.parametrize("kind", collusion.NOTED)
def test_what_the_buyers_side_noted_alike_is_a_fact(kind: str) -> None:
    texts = {"bidder-1": ("X 1", "other"), "bidder-3": ("ｘ 1",), "bidder-2": ("Y",)}
    notes = {bidder: {kind: noted} for bidder, noted in texts.items()}
    (fact,) = compared({}, notes).facts()
    assert (fact.kind, fact.bidders, fact.value) == (kind, ("bidder-1", "bidder-3"), "x 1")
    assert {place[3] for place in fact.places} == {"noted"}


def test_notes_are_read_strictly() -> None:
    written = collusion.write_notes({"bidder-1": {"account": ["…1234"]}}, SALT)
    assert collusion.read_notes(written, BIDDERS) == {"bidder-1": {"account": ("…1234",)}}
    wrong: list[object] = [{"bidder-9": {}}, {"bidder-1": {"colour": ["x"]}}, {"bidder-1": {"account": []}}]
    wrong += [{"bidder-1": {"account": [value]}} for value in ("", " ", "x" * 121, "a\nb", 7, None)]
    wrong += [{"bidder-1": {"account": ["x"] * 21}}, {"bidder-1": []}, []]
    for held in wrong:
        with pytest.raises(Malformed):
            collusion.read_notes(encode({"v": 1, "salt": "A" * 22, "bidders": held}), BIDDERS)


# --- the advice as a document


def test_the_advice_says_what_was_not_examined_and_why() -> None:
    found = compared({ONE: "encrypted", OURS: read(prose(1)), TWO: Read(None, (prose(2),)), THREE: read()})
    told = collusion.read(found.document(engine="e", salt=SALT))
    assert [how for _, how in told["examined"]] == ["whole", "encrypted", "text", "no-text"]


def test_the_same_documents_give_the_same_bytes_and_the_salt_hides_them() -> None:
    reads: dict[Document, Read | str] = {ONE: read(prose(1), Author="x y z"), TWO: read(prose(1), Author="x y z")}
    assert compared(reads).document(engine="e", salt=SALT) == compared(reads).document(engine="e", salt=SALT)
    assert compared(reads).document(engine="e", salt=SALT) != compared(reads).document(engine="e", salt=b"\x01" * 16)


def test_more_facts_than_anybody_reads_are_counted() -> None:
    many: collusion.Notes = {
        f"bidder-{n}": {kind: tuple(f"v{i}" for i in range(100)) for kind in collusion.NOTED} for n in (1, 2)
    }
    told = collusion.read(compared({}, many).document(engine="e", salt=SALT))
    assert (len(told["facts"]), told["more"]) == (collusion.MAX_FACTS, 300)


def test_text_beyond_what_can_be_compared_at_once_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collusion, "MAX_CHARACTERS", 2_000)
    found = compared({ONE: read(prose(1)), TWO: read(prose(1))})
    assert [how for _, how in found.examined] == ["whole", "too-much"]
    assert found.facts() == []


def test_what_is_no_advice_is_refused() -> None:
    for data in (b"", b"{}", b"[]", encode({"v": 3, "salt": "", "engine": "", "examined": [], "facts": [], "more": 0})):
        with pytest.raises(Malformed):
            collusion.read(data)
