"""The arithmetic of the draw against known answers, a second implementation, and chance (protocols.md 4 and 10)."""

from __future__ import annotations

import ast
import hashlib
import json
from collections import Counter
from itertools import permutations
from math import factorial
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evaluation.core import draw
from evaluation.draw_errors import AnswerRefused, DrawRefused
from evidence.core.envelope import ORDER
from evidence.core.merkle import leaf_hash
from tests.evaluation import plain_draw

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "protocols.json").read_text())["draw"]
SEEDS = st.binary(min_size=32, max_size=32)
SECRETS = st.lists(st.integers(1, ORDER - 1).map(lambda s: s.to_bytes(32, "big")), min_size=1, max_size=9)
LABELS = st.sampled_from(["venue", "seat", "coefficient", "expert/law", "expert/a", "package/1", "lot/chair"])


def test_the_known_answers() -> None:
    """protocols.md section 10, computed by two independent programs."""
    secrets = [bytes.fromhex(secret) for secret in VECTORS["secrets"]]
    seed = draw.seed(bytes.fromhex(VECTORS["freeze_leaf_hash"]), secrets)
    assert seed.hex() == VECTORS["seed"]
    assert list(draw.order(seed, VECTORS["label"], VECTORS["m"])) == VECTORS["order"]
    assert plain_draw.order(seed, VECTORS["label"], VECTORS["m"]) == VECTORS["order"]


def test_the_second_implementation_shares_no_code() -> None:
    source = ast.parse(Path(plain_draw.__file__).read_text())
    imported = {node.module for node in ast.walk(source) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(source) if isinstance(node, ast.Import) for alias in node.names}
    assert imported == {"__future__", "hashlib", "struct"}


@settings(max_examples=150, deadline=None)
@given(freeze=SEEDS, secrets=SECRETS, label=LABELS, m=st.integers(1, 120))
def test_both_implementations_agree(freeze: bytes, secrets: list[bytes], label: str, m: int) -> None:
    seed = draw.seed(freeze, secrets)
    assert seed == plain_draw.seed(freeze, secrets)
    order = draw.order(seed, label, m)
    assert list(order) == plain_draw.order(seed, label, m)
    assert sorted(order) == list(range(m))


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, pools=st.lists(st.sets(st.integers(0, 40), min_size=3, max_size=25), min_size=1, max_size=4))
def test_strata_skip_whoever_was_taken_before(seed: bytes, pools: list[set[int]]) -> None:
    """Nobody is drawn twice, nobody disappears from the reserves without being drawn elsewhere."""
    strata = [
        draw.stratum(f"expert/{i}", 2, sorted(draw.public_leaf(str(ref)) for ref in refs))
        for i, refs in enumerate(pools)
    ]
    ranked = draw.outcome(seed, strata)
    assert [list(each) for each in ranked] == plain_draw.drawn(
        seed, [(s.label, s.quota, list(s.leaves)) for s in strata]
    )
    first = [leaf for each, order in zip(strata, ranked, strict=True) for leaf in order[: each.quota]]
    assert len(set(first)) == len(first)
    for each, order in zip(strata, ranked, strict=True):
        assert set(each.leaves) - set(order) <= set(first)
        assert each.root == plain_draw.merkle(list(each.leaves))


@settings(max_examples=60, deadline=None)
@given(freeze=SEEDS, secrets=SECRETS.filter(lambda s: len(s) > 1), flipped=st.integers(0, 255), which=st.integers(0, 8))
def test_every_contribution_counts(freeze: bytes, secrets: list[bytes], flipped: int, which: int) -> None:
    """One other bit in one secret, another order of them, another freeze: another seed."""
    which %= len(secrets)
    value = int.from_bytes(secrets[which], "big") ^ (1 << flipped)
    other = [value.to_bytes(32, "big") if i == which else each for i, each in enumerate(secrets)]
    assert draw.seed(freeze, other) != draw.seed(freeze, secrets)
    assert draw.seed(bytes([freeze[0] ^ 1]) + freeze[1:], secrets) != draw.seed(freeze, secrets)
    assume(secrets[0] != secrets[1])
    assert draw.seed(freeze, [secrets[1], secrets[0], *secrets[2:]]) != draw.seed(freeze, secrets)


def test_orders_are_uniform_over_seeds() -> None:
    """Chi-square over all 24 orders of four, from 4 800 fixed seeds: 23 degrees of freedom, 0.1 % bound 49.7."""
    seen = Counter(draw.order(hashlib.sha256(b"seed %d" % i).digest(), "seat", 4) for i in range(4_800))
    assert set(seen) == set(permutations(range(4)))
    expected = 4_800 / factorial(4)
    assert sum((n - expected) ** 2 / expected for n in seen.values()) < 49.7


def test_a_draw_without_rejection_would_be_biased() -> None:
    """What rejection is for: reduced modulo three, three of four two-bit words would not be uniform."""
    stream = iter([2**64 - 1, 2**64 - 2, 7])
    assert 2**64 % 3 == 1
    assert draw.below(stream, 3) == (2**64 - 2) % 3
    assert next(stream) == 7
    biased = Counter(x % 3 for x in range(4))
    assert len(set(biased.values())) > 1


def test_a_pool_is_bound_by_its_root() -> None:
    leaves = [draw.pool_leaf("00", f"expert-{i}", {"unit": "x"}) for i in range(7)]
    assert draw.pool_leaf("00", "a", {"n": 1}) == leaf_hash(b'["00","a",{"n":1}]')
    assert draw.pool_root(leaves) != draw.pool_root(leaves[::-1])
    for other in ("expert-7", "expert-0 "):
        assert draw.pool_leaf("00", other, {"unit": "x"}) not in leaves


@pytest.mark.parametrize(
    ("holders", "k", "acks"), [(3, 2, 3), (4, 2, 3), (5, 2, 3), (6, 2, 3), (7, 3, 5), (8, 3, 5), (9, 3, 5)]
)
def test_thresholds(holders: int, k: int, acks: int) -> None:
    """protocols.md 4: f = max(1, (n-1)/3), k = f+1, a = 2f+1."""
    assert draw.thresholds(holders) == (k, acks)


@pytest.mark.parametrize("holders", [0, 1, 2])
def test_too_few_holders_are_no_draw(holders: int) -> None:
    with pytest.raises(DrawRefused):
        draw.thresholds(holders)


@pytest.mark.parametrize(
    "label",
    ["", "chair", "lot", "lot/", "lot/A", "lot/-a", "venue/1", "expert/a/b", "lot/" + "a" * 41, "seat\n", "ѕeat"],
)
def test_labels_out_of_form(label: str) -> None:
    with pytest.raises(DrawRefused):
        draw.kind(label)


LEAVES = sorted(draw.public_leaf(str(i)) for i in range(5))


@pytest.mark.parametrize(
    ("quota", "leaves"),
    [
        (0, LEAVES),
        (6, LEAVES),
        (1, []),
        (1, LEAVES[::-1]),
        (1, [LEAVES[0], LEAVES[0]]),
        (1, [b"x"]),
        (1, [bytes([i // 256, i % 256]) + bytes(30) for i in range(801)]),
    ],
)
def test_strata_out_of_form(quota: int, leaves: list[bytes]) -> None:
    with pytest.raises(DrawRefused):
        draw.stratum("seat", quota, leaves)


@pytest.mark.parametrize("secrets", [[], [bytes(31)], [bytes(32)] * 256])
def test_seeds_out_of_form(secrets: list[bytes]) -> None:
    with pytest.raises(DrawRefused):
        draw.seed(bytes(32), secrets)


ANSWER = st.tuples(st.integers(0, 1), st.integers(0, 4), st.sampled_from(sorted(draw.ANSWERS)))


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, asked=st.lists(ANSWER, max_size=40))
def test_no_answers_skip_anybody_or_seat_anybody_twice(seed: bytes, asked: list[tuple[int, int, str]]) -> None:
    """protocols.md 4(8): whatever is tried, what is taken keeps the order and the number of places."""
    strata = [draw.stratum("expert/a", 2, LEAVES), draw.stratum("expert/b", 1, LEAVES)]
    ranked = draw.outcome(seed, strata)
    answers: tuple[draw.Answers, ...] = ((), ())
    for new in asked:
        try:
            answers = draw.answer(strata, ranked, answers, new)
        except AnswerRefused:
            continue
    coming = [ranked[i][p] for i, given_ in enumerate(answers) for p in draw.accepted(given_)]
    assert len(set(coming)) == len(coming)
    for each, given_ in zip(strata, answers, strict=True):
        first = list(dict.fromkeys(position for position, _ in given_))
        assert first == list(range(len(first)))
        assert len(draw.accepted(given_)) <= each.quota
