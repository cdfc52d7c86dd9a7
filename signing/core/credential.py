"""A credential: one cloud key and certificate per expert and proceeding, bound to one seat key."""

from __future__ import annotations

import re
from dataclasses import dataclass

from evidence.core.act import public_key
from evidence.core.canonical import Object, ascii_bytes
from signing.errors import InvalidRequest

# X.520 upper bounds of commonName, organizationName and serialNumber (RFC 5280 appendix A.1) are 64 characters.
MAX_NAME = 64
# A dot would split a PDF field name (ISO 32000-1, 12.7.3.2), and serialNumber is a PrintableString (RFC 5280 A.1).
SEAT = re.compile(r"[A-Za-z0-9-]{1,64}\Z")
# DNS names have at most 253 characters (RFC 1035 2.3.4); "/proceedings/<id>" follows.
MAX_ORIGIN = 320


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a credential is made for, and `jwk`, the only seat key whose acts may use it."""

    origin: str
    seat: str
    name: str
    organisation: str
    jwk: Object

    def __post_init__(self) -> None:
        ascii_bytes(self.origin)
        if not 1 <= len(self.origin) <= MAX_ORIGIN or " " in self.origin:
            raise InvalidRequest("origin is out of form")
        if not SEAT.match(self.seat):
            raise InvalidRequest("a seat id is letters, digits and hyphens")
        for label, text in (("name", self.name), ("organisation", self.organisation)):
            if not 1 <= len(text) <= MAX_NAME or not text.isprintable() or text != text.strip():
                raise InvalidRequest(f"{label} must have 1 to {MAX_NAME} printable characters")
        public_key(self.jwk)


@dataclass(frozen=True, slots=True)
class Credential:
    """A holder's key, as the register keeps it. `certificates` is the DER chain, leaf first, root last;
    `sealed` is what the key store needs to use the key, and reveals nothing without it."""

    id: str
    version: int
    holder: Holder
    certificates: tuple[bytes, ...]
    sealed: bytes

    @property
    def leaf(self) -> bytes:
        """The expert's own certificate."""
        return self.certificates[0]
