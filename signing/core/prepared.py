"""A prepared revision: the exact bytes that one seat is about to sign, kept before anyone sees their hash.

The web process stores it first and shows it then, so that a crash between the person's act and the signature changes
nothing: the same act finishes the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from evidence.core.canonical import Object, b64u, decode_object, encode, members, sha256, unb64u
from evidence.errors import Malformed

# A report with page images of nine bidders stays under 10 MB; base64 adds a third.
MAX_PREPARED = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Prepared:
    """`revision` is the PDF with zeros between `hole`'s offsets ('<' and '>' included); `signed_attributes` is the DER
    SET whose SHA-256 is to be signed; `document` is the SHA-256 of the locked report, the same for all signers."""

    seat: str
    revision: bytes
    hole: tuple[int, int]
    signed_attributes: bytes
    document: bytes
    certificates: tuple[bytes, ...]

    @property
    def dtbs(self) -> bytes:
        """The hash to put in the act and to have signed (DTBS/R)."""
        return sha256(self.signed_attributes)

    def to_json(self) -> bytes:
        """Canonical bytes; the same preparation gives the same bytes."""
        value: Object = {
            "certificates": [b64u(certificate) for certificate in self.certificates],
            "document": b64u(self.document),
            "hole": list(self.hole),
            "revision": b64u(self.revision),
            "seat": self.seat,
            "signed_attributes": b64u(self.signed_attributes),
            "v": 1,
        }
        return encode(value)

    @staticmethod
    def from_json(data: bytes) -> Prepared:
        """Read what `to_json` wrote, strictly."""
        value = members(
            decode_object(data, limit=MAX_PREPARED),
            {
                "certificates": list,
                "document": str,
                "hole": list,
                "revision": str,
                "seat": str,
                "signed_attributes": str,
                "v": int,
            },
        )
        revision = unb64u(value["revision"])
        hole = value["hole"]
        if value["v"] != 1 or len(hole) != 2 or any(type(n) is not int for n in hole) or not value["certificates"]:
            raise Malformed("not a prepared revision")
        if not 0 < hole[0] < hole[1] - 2 < len(revision) or set(revision[hole[0] + 1 : hole[1] - 1]) != {ord("0")}:
            raise Malformed("the hole is not empty")
        return Prepared(
            seat=value["seat"],
            revision=revision,
            hole=(hole[0], hole[1]),
            signed_attributes=unb64u(value["signed_attributes"]),
            document=unb64u(value["document"], 32),
            certificates=tuple(unb64u(certificate) for certificate in value["certificates"]),
        )
