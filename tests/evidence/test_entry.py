"""Entries and disclosures (protocols.md 1.2 and 1.4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from evidence.core import act as acts
from evidence.core import disclosure
from evidence.core.act import SoftwareSigner
from evidence.core.canonical import b64u, encode
from evidence.core.entry import Draft, check_row, parse, timestamp, write
from evidence.core.merkle import leaf_hash
from evidence.errors import Malformed

# Two digests in their order; the last character of 32 octets has two unused bits.
A, B = "A" * 43, "B" * 42 + "A"
SIGNER = SoftwareSigner(ec.derive_private_key(5, ec.SECP256R1()))
ACT = acts.make(SIGNER, act="page.ack", aud="o", sub="seat-1", body={}, ctr=1, iat=0)
AT = "2026-11-21T08:00:00.123Z"
SALT = bytes(range(16))


def value_of(data: bytes) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(data)
    return value


def test_the_layout_is_that_of_the_specification() -> None:
    draft = Draft("SheetSealed", {"x": 1}, act=ACT, assertion={"id": "a"}, sd=(B, A))
    entry = write(draft, n=17, origin="o", at=AT, salt=SALT)
    expected = (
        f'{{"_sd":["{A}","{B}"],"act":"{ACT.jws}","assertion":{{"id":"a"}},"at":"{AT}",'
        f'"body":{{"x":1}},"n":17,"origin":"o","salt":"{b64u(SALT)}","type":"SheetSealed","v":1}}'
    )
    assert entry.data == expected.encode()
    assert entry.leaf == leaf_hash(expected.encode())
    assert parse(entry.data) == entry
    assert entry.act == ACT
    plain = write(Draft("SheetsOpened", {}), n=0, origin="o", at=AT, salt=SALT)
    assert set(value_of(plain.data)) == {"at", "body", "n", "origin", "salt", "type", "v"}


def test_a_fresh_salt_hides_even_the_type() -> None:
    one = write(Draft("PageShown", {}), n=0, origin="o", at=AT, salt=SALT)
    two = write(Draft("PageShown", {}), n=0, origin="o", at=AT, salt=bytes(16))
    assert one.leaf != two.leaf


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(n=-1),
        lambda v: v.update(n="0"),
        lambda v: v.update(n=True),
        lambda v: v.update(v=0),
        lambda v: v.update(salt=b64u(bytes(15))),
        lambda v: v.update(salt=v["salt"] + "=="),
        lambda v: v.update(at="2026-11-21T08:00:00Z"),
        lambda v: v.update(at="2026-11-21T08:00:00.123+00:00"),
        lambda v: v.update(at="2026-11-21T08:00:00.123Z\n"),
        lambda v: v.update(type="sheet"),
        lambda v: v.update(type="Xy"),
        lambda v: v.update(type="Sheet Sealed"),
        lambda v: v.update(type="X" * 65),
        lambda v: v.update(body=[]),
        lambda v: v.update(act="x.y.z"),
        lambda v: v.update(act=None),
        lambda v: v.update(assertion="x"),
        lambda v: v.update(_sd=[]),
        lambda v: v.update(_sd=[B, A]),
        lambda v: v.update(_sd=[A, A]),
        lambda v: v.update(_sd=["short"]),
        lambda v: v.update(_sd=[7, 8]),
        lambda v: v.update(_sd=[A, 7]),
        lambda v: v.update(extra=1),
        lambda v: v.pop("salt"),
        lambda v: v.pop("origin"),
    ],
)
def test_an_entry_out_of_form_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    value = value_of(write(Draft("SheetSealed", {}), n=0, origin="o", at=AT, salt=SALT).data)
    change(value)
    with pytest.raises(Malformed):
        parse(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())


def test_one_spelling_only() -> None:
    data = write(Draft("SheetSealed", {"a": 1, "b": "é"}), n=0, origin="o", at=AT, salt=SALT).data
    value = value_of(data)
    for other in (
        data + b" ",
        b" " + data,
        json.dumps(value, sort_keys=True).encode(),
        json.dumps(dict(reversed(value.items())), separators=(",", ":"), ensure_ascii=False).encode(),
        json.dumps(value, sort_keys=True, separators=(",", ":")).encode(),
    ):
        with pytest.raises(Malformed):
            parse(other)


def test_an_entry_must_fit_into_a_tile() -> None:
    with pytest.raises(Malformed):
        write(Draft("SheetSealed", {"x": "a" * 60_000}), n=0, origin="o", at=AT, salt=SALT)


def test_timestamps_are_utc_with_milliseconds() -> None:
    assert timestamp(1_795_248_000_123) == AT
    assert timestamp(0) == "1970-01-01T00:00:00.000Z"
    assert timestamp(1_795_248_000_007).endswith("00.007Z")


def test_a_row_stands_in_one_log_without_gap_or_repetition() -> None:
    row = [write(Draft("PageShown", {}), n=n, origin="o", at=AT, salt=SALT) for n in (3, 4)]
    check_row(row, "o", 3)
    acted = [write(Draft("PageShown", {}, act=ACT), n=n, origin="o", at=AT, salt=SALT) for n in (3, 4)]
    for entries, origin, start in ((row, "p", 3), (row, "o", 2), (row[::-1], "o", 3), ([], "o", 0), (acted, "o", 3)):
        with pytest.raises(Malformed):
            check_row(entries, origin, start)


def test_rfc_9901_section_4_2_3() -> None:
    """The RFC's example digest; its disclosure has spaces, which a digest over ASCII octets must not care about."""
    text = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    assert disclosure.digest(text) == "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
    read = disclosure.parse(text)
    assert (read.name, read.value) == ("family_name", "Möbius")


def test_disclosures_are_salted_and_read_back() -> None:
    made = disclosure.make("comment", {"text": "好"}, SALT)
    assert disclosure.parse(made.text) == made
    assert made.digest == disclosure.digest(made.text)
    assert disclosure.make("comment", {"text": "好"}, bytes(16)).digest != made.digest
    with pytest.raises(Malformed):
        disclosure.make("comment", 1, bytes(15))


@pytest.mark.parametrize(
    "value", [[], ["A" * 22, "n"], ["A" * 22, "n", 1, 2], ["A" * 22, 7, 1], [7, "n", 1], {"a": 1}, "x"]
)
def test_what_is_no_disclosure(value: Any) -> None:
    with pytest.raises(Malformed):
        disclosure.parse(b64u(encode(value)))


@pytest.mark.parametrize("text", ["", "!", "AA==", "A" * 100_000, b64u(b'["A","n",1.5]'), b64u(b'["A="," n",1]')])
def test_what_is_no_disclosure_at_all(text: str) -> None:
    with pytest.raises(Malformed):
        disclosure.parse(text)
