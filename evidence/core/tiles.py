"""C2SP tlog-tiles: the paths and octets under which a log serves its hashes and entries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from evidence.core.canonical import MAX_BYTES
from evidence.core.merkle import HASH_BYTES, Tree
from evidence.errors import Malformed

WIDTH = 256
"""Hashes or entries in a full tile."""
HEIGHT = 8
"""Tree levels that one tile spans: 2^8 = 256."""
# A log index fits u64, so levels end at 63 (C2SP); 1000^6 tiles are far more than 2^63 entries need.
_PATH = re.compile(r"(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?\Z")


@dataclass(frozen=True, slots=True)
class Tile:
    """`level` None is a bundle of entries; `width` 256 is a full tile."""

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """The path after `<prefix>/tile/`."""
        groups = [f"{self.index % 1000:03d}"]
        rest = self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"{'entries' if self.level is None else self.level}/{'/'.join(groups)}{partial}"

    @staticmethod
    def parse(path: str) -> Tile:
        """Read the path after `<prefix>/tile/`; there is one path for each tile."""
        found = _PATH.match(path)
        if found is None:
            raise Malformed("not a tile's path")
        level, index, width = found.groups()
        tile = Tile(
            None if level == "entries" else int(level),
            int(index.replace("x", "").replace("/", "")),
            int(width or WIDTH),
        )
        if tile.path != path:
            raise Malformed("a tile has one path only")
        return tile

    @property
    def span(self) -> tuple[int, int]:
        """The first leaf that the tile covers, and the one after its last."""
        each = 1 << HEIGHT * (self.level or 0)
        start = self.index * WIDTH * each
        return start, start + self.width * each

    def hashes(self, tree: Tree) -> bytes:
        """The octets of a hash tile; Malformed where the tree does not reach that far."""
        if self.level is None:
            raise Malformed("a bundle of entries is no hash tile")
        first = self.index * WIDTH
        return b"".join(tree.subtree(HEIGHT * self.level, first + i) for i in range(self.width))


def bundles(start: int, size: int) -> list[Tile]:
    """The bundles that hold the entries [start, size) of a log of `size` entries."""
    found = []
    for index in range(start // WIDTH, (size + WIDTH - 1) // WIDTH):
        found.append(Tile(None, index, min(WIDTH, size - index * WIDTH)))
    return found if start < size else []


def write_bundle(entries: Sequence[bytes]) -> bytes:
    """Entries, each after its length as big-endian uint16."""
    if any(len(entry) > MAX_BYTES for entry in entries):
        raise Malformed("an entry is too long for a bundle")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def read_bundle(data: bytes, width: int) -> list[bytes]:
    """The `width` entries of a bundle; nothing may be missing or left over."""
    entries: list[bytes] = []
    at = 0
    while at < len(data) and len(entries) < width:
        length = int.from_bytes(data[at : at + 2], "big")
        entry = data[at + 2 : at + 2 + length]
        if len(data) < at + 2 or len(entry) != length:
            raise Malformed("the bundle is cut short")
        entries.append(entry)
        at += 2 + length
    if at != len(data) or len(entries) != width:
        raise Malformed(f"the bundle does not hold exactly {width} entries")
    return entries


def read_hashes(data: bytes, width: int) -> list[bytes]:
    """The `width` hashes of a hash tile."""
    if len(data) != width * HASH_BYTES:
        raise Malformed(f"the tile does not hold exactly {width} hashes")
    return [data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)]
