"""Salted disclosures: a private field enters the leaf as a digest only (protocols.md 1.4, RFC 9901)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evidence.core.canonical import JSON, b64u, decode, encode, sha256, unb64u
from evidence.errors import Malformed

SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Disclosure:
    """`text` is what is handed out; `digest` is what stands in `_sd`."""

    text: str
    digest: str
    name: str
    value: JSON


def make(name: str, value: JSON, salt: bytes) -> Disclosure:
    """b64u of ["<salt>","<name>",<value>] and its digest b64u(H(ASCII of the disclosure))."""
    if len(salt) != SALT_BYTES:
        raise Malformed("a disclosure takes 16 bytes of salt")
    text = b64u(encode([b64u(salt), name, value]))
    return Disclosure(text, digest(text), name, value)


def digest(text: str) -> str:
    """The digest that stands in `_sd` for this disclosure."""
    return b64u(sha256(text.encode("ascii")))


def digests(value: Sequence[object]) -> tuple[str, ...]:
    """The digests of an `_sd` that is there: at least one, each once, sorted."""
    found = tuple(text for text in value if isinstance(text, str) and unb64u(text, 32))
    if not found or len(found) != len(value) or list(found) != sorted(set(found)):
        raise Malformed("_sd is a sorted list of digests")
    return found


def parse(text: str) -> Disclosure:
    """Read a disclosure strictly."""
    value = decode(unb64u(text))
    if not isinstance(value, list) or len(value) != 3 or not isinstance(value[1], str):
        raise Malformed("a disclosure is [salt, name, value]")
    unb64u(value[0])
    return Disclosure(text, digest(text), value[1], value[2])
