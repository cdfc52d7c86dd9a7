"""RFC 6962 Merkle trees: roots, inclusion and consistency proofs, and a tree that grows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from evidence.errors import Malformed, Untrusted

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
# A log index fits u64 (C2SP tlog-tiles), so no honest proof has more nodes; verifiers refuse more.
MAX_PROOF = 64


def leaf_hash(data: bytes) -> bytes:
    """H(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """H(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """An append-only tree that keeps every complete subtree's hash: level 0 are the leaves."""

    def __init__(self, leaves: Sequence[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]
        for leaf in leaves:
            self.append(leaf)

    def __len__(self) -> int:
        return len(self._levels[0])

    def leaf(self, index: int) -> bytes:
        """The leaf hash at `index`."""
        return self._levels[0][index]

    def subtree(self, level: int, index: int) -> bytes:
        """The hash of the complete subtree of 2^level leaves that starts at leaf index * 2^level."""
        if level >= len(self._levels) or not 0 <= index < len(self._levels[level]):
            raise Malformed("the tree has no such complete subtree")
        return self._levels[level][index]

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash of 32 bytes."""
        if len(leaf) != HASH_BYTES:
            raise Malformed("a leaf hash has 32 bytes")
        self._levels[0].append(leaf)
        level = 0
        while len(self._levels[level]) % 2 == 0:
            if level + 1 == len(self._levels):
                self._levels.append([])
            below = self._levels[level]
            self._levels[level + 1].append(node_hash(below[-2], below[-1]))
            level += 1

    def root(self, size: int | None = None) -> bytes:
        """The root of the first `size` leaves (all of them by default)."""
        size = len(self) if size is None else self._bounded(size)
        return self._hash(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Audit path of leaf `index` in the tree of `size` (RFC 6962 section 2.1.1)."""
        if not 0 <= index < self._bounded(size):
            raise Malformed("the index is outside the tree")
        path: list[bytes] = []
        start, end = 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._hash(middle, end))
                end = middle
            else:
                path.append(self._hash(start, middle))
                start = middle
        return path[::-1]

    def consistency(self, old: int, size: int) -> list[bytes]:
        """Proof that the tree of `old` leaves is a prefix of that of `size` (RFC 6962 section 2.1.2)."""
        if not 0 <= old <= self._bounded(size):
            raise Malformed("the old size is outside the tree")
        if old in (0, size):
            return []
        path: list[bytes] = []
        start, end, known = 0, size, True
        while True:
            if old == end:
                if not known:
                    path.append(self._hash(start, end))
                return path[::-1]
            middle = start + _split(end - start)
            if old <= middle:
                path.append(self._hash(middle, end))
                end = middle
            else:
                path.append(self._hash(start, middle))
                start, known = middle, False

    def _bounded(self, size: int) -> int:
        if not 0 <= size <= len(self):
            raise Malformed(f"the tree has {len(self)} leaves, not {size}")
        return size

    def _hash(self, start: int, end: int) -> bytes:
        width = end - start
        level = width.bit_length() - 1
        if width == 1 << level and start % width == 0:
            return self._levels[level][start >> level]
        middle = start + _split(width)
        return node_hash(self._hash(start, middle), self._hash(middle, end))


def _split(width: int) -> int:
    """The largest power of two smaller than `width`."""
    return 1 << (width - 1).bit_length() - 1


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check an audit path (RFC 9162 section 2.1.3.2); Untrusted if it does not lead to `root`."""
    _check_hashes(leaf, root, *proof)
    if not 0 <= index < size:
        raise Untrusted("the index is outside the tree")
    node, last, value = index, size - 1, leaf
    for step in proof:
        if last == 0:
            raise Untrusted("the proof is too long")
        if node & 1 or node == last:
            value = node_hash(step, value)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            value = node_hash(value, step)
        node >>= 1
        last >>= 1
    if last != 0 or value != root:
        raise Untrusted("the leaf is not in the tree")


def verify_consistency(old: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes) -> None:
    """Check that the tree (old, old_root) is a prefix of (size, root) (RFC 9162 section 2.1.4.2)."""
    if not 0 < old <= size:
        raise Untrusted("the sizes are out of order")
    if old == size:
        if proof or old_root != root:
            raise Untrusted("two roots at one size")
        return
    _check_hashes(old_root, root, *proof)
    if not proof:
        raise Untrusted("the proof is empty")
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    node, last = old - 1, size - 1
    while node & 1:
        node >>= 1
        last >>= 1
    first = second = path[0]
    for step in path[1:]:
        if last == 0:
            raise Untrusted("the proof is too long")
        if node & 1 or node == last:
            first = node_hash(step, first)
            second = node_hash(step, second)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            second = node_hash(second, step)
        node >>= 1
        last >>= 1
    if last != 0 or first != old_root or second != root:
        raise Untrusted("the trees are not consistent")


def _check_hashes(*values: bytes) -> None:
    if len(values) > MAX_PROOF + 2 or any(len(value) != HASH_BYTES for value in values):
        raise Untrusted("hashes have 32 bytes, proofs at most 64 of them")
