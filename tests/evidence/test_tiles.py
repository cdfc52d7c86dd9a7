"""C2SP tlog-tiles: paths and octets."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.core.merkle import Tree, leaf_hash
from evidence.core.tiles import WIDTH, Tile, bundles, read_bundle, read_hashes, write_bundle
from evidence.errors import Malformed

TREE = Tree([leaf_hash(i.to_bytes(4, "big")) for i in range(70_000)])


def test_the_example_of_the_specification() -> None:
    """tlog-tiles: index 1234067 is x001/x234/067."""
    assert Tile(0, 1_234_067).path == "0/x001/x234/067"
    assert Tile(None, 273, 112).path == "entries/273.p/112"
    assert Tile.parse("1/000.p/17") == Tile(1, 0, 17)


@given(st.none() | st.integers(0, 63), st.integers(0, 10**18), st.integers(1, WIDTH))
def test_every_tile_has_one_path(level: int | None, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert Tile.parse(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0",
        "0/",
        "0/0",
        "0/00",
        "0/0000",
        "0/x000/000",
        "0/001/000",
        "0/x001",
        "00/000",
        "64/000",
        "-1/000",
        "0/000.p/0",
        "0/000.p/256",
        "0/000.p/01",
        "0/000.p/",
        "0/000/",
        "0/000\n",
        "0/٠٠٠",
        "data/000",
        "../0/000",
        "entries/000/../001",
        "0/" + "x001/" * 7 + "000",
    ],
)
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(Malformed):
        Tile.parse(path)


def test_a_tree_of_70_000_has_the_tiles_that_the_specification_counts() -> None:
    """273 full and one of width 112 at level 0; one full and one of width 17 at level 1; one of width 1 at level 2."""
    for tile in (Tile(0, 272), Tile(0, 273, 112), Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)):
        assert len(tile.hashes(TREE)) == tile.width * 32
        assert tile.span[1] <= 70_000
    for tile in (Tile(0, 273, 113), Tile(1, 1, 18), Tile(2, 0, 2), Tile(3, 0, 1), Tile(63, 0, 1)):
        assert tile.span[1] > 70_000
        with pytest.raises(Malformed):
            tile.hashes(TREE)
    with pytest.raises(Malformed):
        Tile(None, 0).hashes(TREE)


def test_hashes_above_are_roots_of_full_tiles_below() -> None:
    first, second = read_hashes(Tile(1, 0, 2).hashes(TREE), 2)
    for root, index in ((first, 0), (second, 1)):
        assert Tree(read_hashes(Tile(0, index).hashes(TREE), WIDTH)).root() == root


@pytest.mark.parametrize(
    ("start", "size"), [(0, 0), (5, 5), (0, 1), (0, 256), (0, 257), (256, 257), (255, 600), (700, 701)]
)
def test_bundles_cover_what_is_asked_for(start: int, size: int) -> None:
    tiles = bundles(start, size)
    if start >= size:
        assert tiles == []
        return
    assert tiles[0].span[0] <= start
    assert tiles[-1].span[1] == size
    assert all(a.span[1] == b.span[0] for a, b in itertools.pairwise(tiles))
    assert all(tile.width == WIDTH for tile in tiles[:-1])


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=20))
def test_bundles_are_read_back(entries: list[bytes]) -> None:
    data = write_bundle(entries)
    assert read_bundle(data, len(entries)) == entries
    for bad, width in ((data + b"\x00", len(entries)), (data[:-1], len(entries)), (data, len(entries) + 1)):
        with pytest.raises(Malformed):
            read_bundle(bad, width)


def test_limits_of_bundles() -> None:
    longest = bytes(60_000)
    assert read_bundle(write_bundle([longest, b""]), 2) == [longest, b""]
    with pytest.raises(Malformed):
        write_bundle([bytes(60_001)])
    for data, width in ((b"", 1), (b"\x00", 1), (b"\x00\x02a", 1), (b"\x00\x00\x00\x00", 1)):
        with pytest.raises(Malformed):
            read_bundle(data, width)
    for data in (b"", bytes(31), bytes(33), bytes(64)):
        with pytest.raises(Malformed):
            read_hashes(data, 1)
