"""Exact bytes (protocols.md 1.1): the RFC 8785 subset that writers emit, and what readers refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.core.canonical import (
    MAX_BYTES,
    MAX_INTEGER,
    ascii_bytes,
    b64,
    b64u,
    decode,
    decode_object,
    encode,
    members,
    sha256,
    tagged,
    unb64,
    unb64u,
    z,
)
from evidence.errors import Malformed

KEYS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=8)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))


def rfc_8785(value: Any) -> str:
    """A second, independent writer: RFC 8785 sections 3.2.2 and 3.2.3, by hand."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return '"' + "".join(escaped(c) for c in value) + '"'
        case list():
            return "[" + ",".join(rfc_8785(v) for v in value) + "]"
        case _:
            names = sorted(value, key=lambda name: name.encode("utf-16-be"))
            return "{" + ",".join(rfc_8785(n) + ":" + rfc_8785(value[n]) for n in names) + "}"


def escaped(character: str) -> str:
    short = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
    if character in short:
        return short[character]
    return f"\\u{ord(character):04x}" if ord(character) < 0x20 else character


@settings(max_examples=400, deadline=None)
@given(VALUES)
def test_writers_emit_rfc_8785_and_readers_read_it_back(value: Any) -> None:
    data = encode(value)
    assert data.decode("utf-8") == rfc_8785(value)
    assert decode(data) == value
    assert type(decode(data)) is type(value)


def test_rfc_8785_sorts_and_escapes() -> None:
    """The string of RFC 8785 section 3.2.2, and its literals; the RFC's numbers lie outside our subset."""
    value = {"string": '\u20ac$\u000f\nA\'B"\\\\"/', "literals": [None, True, False]}
    expected = '{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    assert encode(value) == expected.encode("utf-8")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xef\xbb\xbf{}",
        b"{} x",
        b"{}{}",
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":2}',
        b"1.0",
        b"1e3",
        b"1E3",
        b"-0",
        b"-0.0",
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"01",
        b"+1",
        b"9007199254740992",
        b"-9007199254740992",
        b"1" * 5000,
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b'"\\udc00\\ud800"',
        b'{"\xc3\xa9":1}',
        b"'a'",
        b"[1,]",
        b"{a:1}",
        b"[" * 17 + b"]" * 17,
        b"[" * 20_000 + b"]" * 20_000,
        b'"\x00"',
        b'"\n"',
        b"\x00",
    ],
)
def test_strict_readers_refuse(text: bytes) -> None:
    with pytest.raises(Malformed):
        decode(text)


def test_what_stands_at_the_limits_is_read() -> None:
    assert decode(b"[" * 16 + b"]" * 16)
    assert decode(str(MAX_INTEGER).encode()) == MAX_INTEGER
    assert decode(b'"\\ud83d\\ude00"') == "😀"
    longest = b'"' + b"a" * (MAX_BYTES - 2) + b'"'
    assert decode(longest)
    with pytest.raises(Malformed):
        decode(longest + b" ")
    assert decode(longest + b" ", limit=MAX_BYTES + 1)


@pytest.mark.parametrize(
    "value",
    [1.5, float("nan"), MAX_INTEGER + 1, -MAX_INTEGER - 1, "\ud800", {"é": 1}, {1: 2}, b"x", {"a": {1, 2}}, object()],
)
def test_writers_cannot_emit_what_readers_refuse(value: Any) -> None:
    with pytest.raises(Malformed):
        encode(value)
    deep: Any = []
    for _ in range(16):
        deep = [deep]
    with pytest.raises(Malformed):
        encode(deep)


def test_only_the_stdlib_reader_would_take_these() -> None:
    """With our strictness switched off each of these reads silently: so it is our check that refuses."""
    for text in (b'{"a":1,"a":2}', b"1.0", b"NaN", b'"\\ud800"', b"9007199254740992"):
        json.loads(text)
        with pytest.raises(Malformed):
            decode(text)


def test_an_object_is_demanded_where_one_is_due() -> None:
    assert decode_object(b'{"a":1}') == {"a": 1}
    for text in (b"[]", b"null", b'"x"', b"1"):
        with pytest.raises(Malformed):
            decode_object(text)


def test_members_are_exact() -> None:
    assert members({"a": 1, "b": None}, {"a": int}, {"b": object, "c": str}) == {"a": 1, "b": None}
    wrong: list[object] = [{}, {"a": True}, {"a": "1"}, {"a": None}, {"a": 1, "x": 1}, {"a": 1, "c": 1}, [], None, "a"]
    for value in wrong:
        with pytest.raises(Malformed):
            members(value, {"a": int}, {"c": str})


@given(st.binary(max_size=70))
def test_base64_both_ways(data: bytes) -> None:
    assert unb64u(b64u(data)) == data
    assert unb64(b64(data)) == data
    assert unb64u(b64u(data), len(data)) == data
    with pytest.raises(Malformed):
        unb64u(b64u(data), len(data) + 1)
    with pytest.raises(Malformed):
        unb64(b64(data), len(data) + 1)


@pytest.mark.parametrize("text", ["A", "AA==", "AB", "A A", "AA\n", "+A", "/A", "AA=", "ＡＡ", "AAAAA", None, 5, b"AA"])
def test_base64url_is_decoded_strictly(text: Any) -> None:
    with pytest.raises(Malformed):
        unb64u(text)


@pytest.mark.parametrize("text", ["A", "AA", "AB==", "A A=", "AA==\n", "-A==", "_A==", "AA=", "ＡＡ==", "=", None, 5])
def test_base64_is_decoded_strictly(text: Any) -> None:
    with pytest.raises(Malformed):
        unb64(text)


def test_tags_separate_purposes() -> None:
    assert tagged("act", b"x") == sha256(b"tongping/act/v1\x00x")
    assert tagged("act", b"x") != tagged("webauthn", b"x")
    assert z("ab") == b"ab\x00"
    for text in ("é", "a\x00", "a\n"):
        with pytest.raises(Malformed):
            ascii_bytes(text)
