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


class DocumentTold(Body):
    name: str


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


class Alike(Body):
    """What the texts of two bids have in common: [document, page, document, page, how many shingles]."""

    shared: int
    permille: int
    pages: list[tuple[str, int, str, int, int]]


class PriceSeries(Body):
    """The rule that prices of several bids follow: a common base as [name, amount]; [bidder, total, place] of totals;
    of priced lists the first lines that follow it, how many do, and of how many."""

    base: tuple[str, str] | None
    terms: list[tuple[str, str, int]]
    lines: list[int]
    matched: int
    compared: int


class CollusionFact(Body):
    """`item` of the article, and where the fact comes from: [bidder, document, page (0: none), source]."""

    kind: str
    item: int
    bidders: list[str]
    value: str | None
    places: list[tuple[str, str | None, int, str]]
    alike: Alike | None
    series: PriceSeries | None = None


class Advice(Body):
    """Facts by which bids might be deemed collusive. For reference only; they decide nothing by themselves."""

    n: int
    sha256: str
    examined: list[tuple[str, str]]
    facts: list[CollusionFact]
    more: int


class SignatureToMake(Body):
    credential: str
    hashes: list[str]
    document: str
    revision: str
