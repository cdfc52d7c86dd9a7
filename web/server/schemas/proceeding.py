"""Bodies of acts, objects, vouching and the report's signature."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from web.server.schemas.form import Body, Hash


class Created(Body):
    id: str
    origin: str


class ActRequest(Body):
    """`disclosures` name the person of a `member.seat`; no other act has any."""

    act: str = Field(max_length=60_000)
    disclosures: list[Annotated[str, Field(max_length=8_000)]] = Field(default=[], max_length=1)


class Names(Body):
    """[name, organisation] of the members' seats that the caller is told of now."""

    names: dict[str, tuple[str, str]]


class Performed(Body):
    index: int
    id: str
    leaf: str


class Stored(Body):
    sha256: str
    size: int


class VouchRequest(Body):
    thumbprint: Hash


class PublicKey(Body):
    """A public key on P-256, as WebCrypto exports it."""

    crv: str = Field(max_length=16)
    kty: str = Field(max_length=8)
    x: str = Field(max_length=64)
    y: str = Field(max_length=64)


class BidderKey(Body):
    jwk: PublicKey


class DeviceKey(Body):
    jwk: PublicKey


class Announced(Body):
    """A device that waits to be looked at; `code` is what two people compare."""

    seat: str
    thumbprint: str
    code: str


class AnnouncedKeys(Body):
    origin: str
    keys: list[Announced]


class Vouched(Body):
    index: int


class SignatureToMake(Body):
    credential: str
    hashes: list[str]
    document: str
    revision: str
