"""RFC 6962 trees: published vectors, and agreement with an independent library over random trees."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from evidence.core.canonical import unb64
from evidence.core.merkle import EMPTY_ROOT, Tree, leaf_hash, node_hash, verify_consistency, verify_inclusion
from evidence.errors import Malformed, Untrusted

# Published by transparency-dev/merkle (Apache-2.0); read where the folder lies beside the project, never copied.
VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors" / "merkle" / "transparency-dev.json"
# RFC 6962 section 2.1.3 gives no hashes; these leaves and roots are the reference data of Certificate Transparency.
LEAVES = [bytes.fromhex(t) for t in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
LEAVES.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def published(kind: str) -> dict[str, Any]:
    """The published cases; where the folder is missing, a case of our own for each outcome keeps the reader tested."""
    if VECTORS.is_file():
        found: dict[str, Any] = json.loads(VECTORS.read_text("utf-8"))[kind]
        return found
    tree = Tree([leaf_hash(leaf) for leaf in LEAVES])
    text = {size: tree.root(size) for size in ROOTS}
    if kind == "inclusion":
        proof = tree.inclusion(3, 8)
        good = {"leafIdx": 3, "treeSize": 8, "root": text[8], "leafHash": tree.leaf(3), "proof": proof}
        return {"happy": good | {"wantErr": False}, "wrong": good | {"leafIdx": 4, "wantErr": True}}
    good = {"size1": 3, "size2": 7, "root1": text[3], "root2": text[7], "proof": tree.consistency(3, 7)}
    return {"happy": good | {"wantErr": False}, "wrong": good | {"root1": text[4], "wantErr": True}}


def octets(value: Any) -> bytes:
    return value if isinstance(value, bytes) else unb64(value)


@pytest.mark.parametrize(("name", "case"), published("inclusion").items())
def test_published_inclusion_proofs(name: str, case: dict[str, Any]) -> None:
    proof = [octets(h) for h in case["proof"] or []]
    arguments = (octets(case["leafHash"]), case["leafIdx"], case["treeSize"], proof, octets(case["root"]))
    if case["wantErr"]:
        with pytest.raises(Untrusted):
            verify_inclusion(*arguments)
    else:
        verify_inclusion(*arguments)


@pytest.mark.parametrize(("name", "case"), published("consistency").items())
def test_published_consistency_proofs(name: str, case: dict[str, Any]) -> None:
    proof = [octets(h) for h in case["proof"] or []]
    arguments = (case["size1"], case["size2"], proof, octets(case["root1"]), octets(case["root2"]))
    if case["wantErr"]:
        with pytest.raises(Untrusted):
            verify_consistency(*arguments)
    else:
        verify_consistency(*arguments)


def test_reference_roots_of_certificate_transparency() -> None:
    tree = Tree()
    assert tree.root() == EMPTY_ROOT == hashlib.sha256(b"").digest()
    for size, leaf in enumerate(LEAVES, 1):
        tree.append(leaf_hash(leaf))
        assert tree.root().hex() == ROOTS[size]
    assert [tree.root(size).hex() for size in ROOTS] == list(ROOTS.values())


def rfc_6962_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, over leaf hashes."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + rfc_6962_root(leaves[:k]) + rfc_6962_root(leaves[k:])).digest()


def rfc_6962_proof(m: int, leaves: list[bytes], complete: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962 section 2.1.2, word for word."""
    if m == len(leaves):
        return [] if complete else [rfc_6962_root(leaves)]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m <= k:
        return [*rfc_6962_proof(m, leaves[:k], complete), rfc_6962_root(leaves[k:])]
    return [*rfc_6962_proof(m - k, leaves[k:], False), rfc_6962_root(leaves[:k])]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=130), st.data())
def test_agreement_with_an_independent_library(entries: list[bytes], data: st.DataObject) -> None:
    tree, other = Tree(), InmemoryTree(algorithm="sha256")
    for entry in entries:
        tree.append(leaf_hash(entry))
        other.append_entry(entry)
        assert tree.root() == other.get_root()
    size = data.draw(st.integers(1, len(entries)))
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    assert tree.root(size) == other.get_root(size)
    theirs = list(other.prove_inclusion(index + 1, size).path)
    theirs.remove(tree.leaf(index))
    path = tree.inclusion(index, size)
    assert sorted(path) == sorted(theirs)
    verify_inclusion(tree.leaf(index), index, size, path, tree.root(size))
    consistency = tree.consistency(old, size)
    # Their proof has another layout; it must hold between our roots, and ours must be the RFC's definition.
    other.prove_consistency(old, size).verify(tree.root(old), tree.root(size))
    assert consistency == rfc_6962_proof(old, [tree.leaf(i) for i in range(size)], True)
    verify_consistency(old, size, consistency, tree.root(old), tree.root(size))


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 70), st.data())
def test_no_changed_proof_is_accepted(size: int, data: st.DataObject) -> None:
    tree = Tree([leaf_hash(bytes([i])) for i in range(size)])
    index = data.draw(st.integers(0, size - 1))
    path = tree.inclusion(index, size)
    changes: list[list[bytes]] = [[*path, bytes(32)], [bytes(32), *path], path[:-1], path[1:]]
    for place in range(len(path)):
        changes.append([*path[:place], leaf_hash(path[place]), *path[place + 1 :]])
    for change in changes:
        with pytest.raises(Untrusted):
            verify_inclusion(tree.leaf(index), index, size, change, tree.root())
    for other in set(range(size)) - {index}:
        with pytest.raises(Untrusted):
            verify_inclusion(tree.leaf(index), other, size, path, tree.root())
    old = data.draw(st.integers(1, size - 1))
    proof = tree.consistency(old, size)
    for change in ([*proof, bytes(32)], [bytes(32), *proof], proof[:-1], proof[1:], []):
        with pytest.raises(Untrusted):
            verify_consistency(old, size, change, tree.root(old), tree.root())
    with pytest.raises(Untrusted):
        verify_consistency(old, size, proof, leaf_hash(b"fork"), tree.root())


def test_a_node_is_no_leaf() -> None:
    """RFC 6962 2.1: the two prefixes keep an inner node from passing for an entry."""
    left, right = leaf_hash(b"l"), leaf_hash(b"r")
    assert node_hash(left, right) != leaf_hash(left + right)


def test_out_of_range_questions_are_refused() -> None:
    tree = Tree([leaf_hash(b"")] * 3)
    for ask in (
        lambda: tree.root(4),
        lambda: tree.root(-1),
        lambda: tree.inclusion(3, 3),
        lambda: tree.inclusion(-1, 3),
        lambda: tree.inclusion(0, 4),
        lambda: tree.consistency(4, 3),
        lambda: tree.consistency(-1, 3),
        lambda: tree.subtree(0, 3),
        lambda: tree.subtree(1, 1),
        lambda: tree.subtree(5, 0),
        lambda: tree.subtree(0, -1),
        lambda: tree.append(b"short"),
    ):
        with pytest.raises(Malformed):
            ask()
    assert tree.consistency(0, 3) == tree.consistency(3, 3) == []
    assert tree.subtree(1, 0) == tree.root(2)


def test_hashes_of_another_length_and_endless_proofs_are_refused() -> None:
    leaf = leaf_hash(b"x")
    for arguments in (
        (leaf[:31], 0, 1, [], leaf[:31]),
        (leaf, 0, 1, [], leaf + b"\x00"),
        (leaf, 0, 2, [b"x"], leaf),
        (leaf, 0, 1 << 70, [leaf] * 70, leaf),
        (leaf, -1, 1, [], leaf),
    ):
        with pytest.raises(Untrusted):
            verify_inclusion(*arguments)
    for sizes in ((0, 1), (2, 1), (-1, 1), (0, 0)):
        with pytest.raises(Untrusted):
            verify_consistency(*sizes, [], leaf, leaf)
