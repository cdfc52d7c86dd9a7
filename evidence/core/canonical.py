"""Canonical JSON, strict readers and tagged hashes (protocols.md section 1.1).

Bytes that are hashed or signed are kept as their writer made them: `encode` is for writers, `decode` for readers,
and nobody re-serialises to verify.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from evidence.errors import Malformed

JSON: TypeAlias = Any
Object: TypeAlias = dict[str, Any]

# RFC 8785 keeps integers exact only as IEEE doubles: +-(2^53 - 1) (protocols.md 1.1).
MAX_INTEGER = 2**53 - 1
# A tile entry must be smaller than 64 KiB (C2SP tlog-tiles); protocols.md 1.1 rounds down.
MAX_BYTES = 60_000
# Deeper nesting serves nobody and could exhaust a reader's stack (protocols.md 1.1).
MAX_DEPTH = 16

_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,18})\Z")
_B64U = re.compile(r"[A-Za-z0-9_-]*\Z")


def sha256(data: bytes) -> bytes:
    """H of protocols.md 1.1."""
    return hashlib.sha256(data).digest()


def tagged(tag: str, message: bytes) -> bytes:
    """T(tag, m) = H("tongping/<tag>/v1" || 0x00 || m): one tag, one purpose (protocols.md 1.1)."""
    return sha256(b"tongping/" + tag.encode("ascii") + b"/v1\x00" + message)


def z(text: str) -> bytes:
    """ASCII of `text` ended by 0x00."""
    return ascii_bytes(text) + b"\x00"


def ascii_bytes(text: str) -> bytes:
    """ASCII without control characters, or Malformed."""
    if not text.isascii() or any(ord(c) < 0x20 for c in text):
        raise Malformed("text must be printable ASCII")
    return text.encode("ascii")


def decimal(text: str) -> int:
    """A size or index as C2SP texts write it: ASCII digits, no leading zero. Sizes stay below 2^63 (tlog-tiles), which
    also fits a database's integers."""
    if not _DECIMAL.match(text) or int(text) >= 1 << 63:
        raise Malformed("not a plain decimal")
    return int(text)


def b64u(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64u(text: object, length: int | None = None) -> bytes:
    """Decode base64url strictly: alphabet, no padding, zero trailing bits; `length` in bytes if given."""
    if not isinstance(text, str) or not _B64U.match(text) or len(text) % 4 == 1:
        raise Malformed("not base64url without padding")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if b64u(data) != text:
        raise Malformed("non-canonical base64url")
    if length is not None and len(data) != length:
        raise Malformed(f"{len(data)} bytes instead of {length}")
    return data


def b64(data: bytes) -> str:
    """Standard base64 with padding (only inside C2SP texts, CSC, and the root in `seen`)."""
    return base64.b64encode(data).decode("ascii")


def unb64(text: object, length: int | None = None) -> bytes:
    """Decode standard base64 strictly."""
    if not isinstance(text, str) or not text.isascii():
        raise Malformed("not base64")
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Malformed("not base64") from error
    if b64(data) != text:
        raise Malformed("non-canonical base64")
    if length is not None and len(data) != length:
        raise Malformed(f"{len(data)} bytes instead of {length}")
    return data


def encode(value: JSON) -> bytes:
    """RFC 8785 on our subset; refuses what the subset excludes, so that a writer cannot emit what readers refuse."""
    _check(value, 1)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Malformed("lone surrogate") from error
    return data


def decode(data: bytes, *, limit: int = MAX_BYTES) -> JSON:
    """Parse JSON strictly: UTF-8, no BOM, no duplicate keys, no fractions or exponents, bounded size and depth."""
    if len(data) > limit:
        raise Malformed(f"{len(data)} bytes, {limit} allowed")
    if data.startswith(b"\xef\xbb\xbf"):
        raise Malformed("byte order mark")
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
            parse_int=_integer,
        )
    except Malformed:
        raise
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    _check(value, 1)
    return value


def decode_object(data: bytes, *, limit: int = MAX_BYTES) -> Object:
    """`decode`, and the top must be an object."""
    value = decode(data, limit=limit)
    if not isinstance(value, dict):
        raise Malformed("not a JSON object")
    return value


def members(value: object, required: Mapping[str, type], optional: Mapping[str, type] | None = None) -> Object:
    """The object `value` with exactly these members and types (bool is not int), or Malformed naming the member."""
    if not isinstance(value, dict):
        raise Malformed("not an object")
    known = {**required, **(optional or {})}
    for name in value:
        if name not in known:
            raise Malformed(f"unknown member {name!r}")
    for name, kind in known.items():
        if name not in value:
            if name in required:
                raise Malformed(f"member {name!r} is missing")
            continue
        if type(value[name]) is not kind and kind is not object:
            raise Malformed(f"member {name!r} must be {kind.__name__}")
    return value


def _object(pairs: list[tuple[str, JSON]]) -> Object:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Malformed("duplicate key")
    return result


def _refuse_number(text: str) -> JSON:
    raise Malformed(f"number {text[:20]!r} is not an integer")


def _integer(text: str) -> int:
    if len(text) > 17 or text == "-0":
        raise Malformed("integer outside +-(2^53-1)")
    return int(text)


def _check(value: JSON, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Malformed(f"deeper than {MAX_DEPTH}")
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise Malformed("integer outside +-(2^53-1)")
    elif isinstance(value, str):
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            raise Malformed("lone surrogate")
    elif isinstance(value, list | tuple):
        for item in value:
            # Most values are ASCII texts, which need no closer look.
            if type(item) is not str or depth == MAX_DEPTH or not item.isascii():
                _check(item, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise Malformed("keys must be ASCII")
            if type(item) is not str or depth == MAX_DEPTH or not item.isascii():
                _check(item, depth + 1)
    else:
        raise Malformed(f"{type(value).__name__} has no canonical JSON")
