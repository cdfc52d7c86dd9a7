"""The verifiable draw: from secrets that nobody could choose to an order that everybody can recompute (protocols.md 4).

(1) A pool is a list of leaves `["<salt>","<ref>",{attributes}]`; its root is frozen before anything is drawn from it.
(2) Each stratum is the ascending list of eligible leaf hashes; the partition says of every pool index whether it is in,
    or out and on which ground.
(3) seed = T(draw-seed, leaf hash of the freeze, count, the secrets in frozen order).
(4) Each stratum has its own stream, which yields unbiased numbers by rejection; Fisher-Yates orders the stratum.
(5) Whoever was taken in an earlier stratum is skipped; the first `quota` are drawn, all others are reserves in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, pairwise

from evaluation.draw_errors import AnswerRefused, DrawRefused
from evidence.core.canonical import JSON, encode, sha256, tagged
from evidence.core.envelope import SCALAR_BYTES
from evidence.core.merkle import Tree, leaf_hash

# protocols.md 4(6). Every legal lot has one of these labels, and nothing else is drawn.
_LABEL = re.compile(r"venue|seat|coefficient|(?:expert|package|lot)/[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)
VENUE, SEAT = "venue", "seat"
EXPERT = "expert"
"""The one kind whose candidates are persons of a pool, and who are asked whether they come."""
MAX_STRATA = 16
MAX_LEAVES = 800
"""All leaf hashes of a draw stand in its opening act, and a log entry has at most 60 000 bytes (protocols.md 1.1)."""
_WORD = 1 << 64

ACCEPTED, DECLINED, NO_ANSWER, RECUSED, INELIGIBLE = "accepted", "declined", "no-answer", "recused", "ineligible"
ANSWERS = frozenset({ACCEPTED, DECLINED, NO_ANSWER, RECUSED, INELIGIBLE})


@dataclass(frozen=True, slots=True)
class Stratum:
    """What is drawn under one label: eligible leaf hashes in ascending order, and how many of them."""

    label: str
    quota: int
    leaves: tuple[bytes, ...]

    @property
    def root(self) -> bytes:
        """RFC 6962 over the leaf hashes as data: it binds the stratum before anything is drawn."""
        return root(self.leaves)


def thresholds(holders: int) -> tuple[int, int]:
    """(k, a): shares that restore a secret, and acknowledgements that make a contribution safe; k = f+1, a = 2f+1."""
    faulty = max(1, (holders - 1) // 3)
    if 2 * faulty + 1 > holders:
        raise DrawRefused("a draw needs at least three holders")
    return faulty + 1, 2 * faulty + 1


def kind(label: str) -> str:
    """venue, expert, seat, package, coefficient or lot; DrawRefused for any other label."""
    if not _LABEL.fullmatch(label):
        raise DrawRefused("no such label is drawn")
    return label.partition("/")[0]


def pool_leaf(salt: str, ref: str, attributes: Mapping[str, JSON]) -> bytes:
    """The leaf hash of one candidate. The custodian's salts are 16 random bytes; a public candidate has none."""
    return leaf_hash(encode([salt, ref, dict(attributes)]))


def public_leaf(ref: str) -> bytes:
    """The leaf hash of a candidate whom everybody knows: a seat, a venue, a bidder, a number."""
    return pool_leaf("", ref, {})


def root(items: Sequence[bytes]) -> bytes:
    """The RFC 6962 root over these leaf data."""
    return Tree([leaf_hash(item) for item in items]).root()


def pool_root(leaves: Sequence[bytes]) -> bytes:
    """The root of a pool: its leaf hashes are the leaves of the tree."""
    return Tree(list(leaves)).root()


def stratum(label: str, quota: int, leaves: Sequence[bytes]) -> Stratum:
    """The stratum, or DrawRefused: ascending, each leaf once, no fewer than are drawn."""
    kind(label)
    if not 1 <= quota <= len(leaves) <= MAX_LEAVES:
        raise DrawRefused(f"{label}: {quota} of {len(leaves)} cannot be drawn")
    if any(len(leaf) != 32 for leaf in leaves) or any(a >= b for a, b in pairwise(leaves)):
        raise DrawRefused(f"{label}: leaf hashes ascend, each once")
    return Stratum(label, quota, tuple(leaves))


def public_stratum(label: str, quota: int, refs: Sequence[str]) -> tuple[Stratum, tuple[str, ...]]:
    """A stratum of public candidates, and their references in the order of its leaves."""
    named = sorted((public_leaf(ref), ref) for ref in refs)
    return stratum(label, quota, [leaf for leaf, _ in named]), tuple(ref for _, ref in named)


def partition_leaf(salt: str, index: int, taken: bool, ground: str, evidence: str) -> bytes:
    """Leaf data of the partition: why this pool index is in or out."""
    return encode([salt, index, "in" if taken else "out", ground, evidence])


def check_partition(
    rows: Sequence[tuple[str, int, bool, str, str]],
    *,
    partition: bytes,
    pool: Sequence[bytes],
    pool_digest: bytes,
    strata: Sequence[Stratum],
) -> None:
    """A disclosed partition against what was frozen: rows (salt, index, in, ground, evidence digest).

    (1) The rows are those of the frozen root, the pool is that of the frozen root.
    (2) Every pool index stands once, in its order.
    (3) Each exclusion has a ground.
    (4) Who is in stands in a stratum, and who stands in a stratum is in.
    """
    # (1)
    if root([partition_leaf(*row) for row in rows]) != partition:
        raise DrawRefused("another partition than the one that was frozen")
    if pool_root(pool) != pool_digest:
        raise DrawRefused("another pool than the one that was frozen")
    # (2)
    if [index for _, index, _, _, _ in rows] != list(range(len(pool))):
        raise DrawRefused("the partition does not name every index of the pool once")
    # (3)
    if any(not taken and not ground for _, _, taken, ground, _ in rows):
        raise DrawRefused("somebody is left out without a ground")
    # (4)
    inside = {pool[index] for _, index, taken, _, _ in rows if taken}
    if inside != {leaf for each in strata for leaf in each.leaves}:
        raise DrawRefused("the strata are not those who are in")


def seed(freeze: bytes, secrets: Sequence[bytes]) -> bytes:
    """T(draw-seed, leaf hash of `DrawFrozen`, u8 count, s_1, …) in frozen order."""
    if len(freeze) != 32 or not 1 <= len(secrets) <= 255 or any(len(each) != SCALAR_BYTES for each in secrets):
        raise DrawRefused("a seed is made of a leaf hash and secrets of 32 bytes")
    return tagged("draw-seed", freeze + bytes([len(secrets)]) + b"".join(secrets))


def words(seed_: bytes, label: str) -> Iterator[int]:
    """The label's stream: four u64 of each block H(sub, u64 j)."""
    sub = tagged("draw-stream", seed_ + label.encode("ascii"))
    for j in count():
        block = sha256(sub + j.to_bytes(8, "big"))
        yield from (int.from_bytes(block[i : i + 8], "big") for i in range(0, 32, 8))


def below(stream: Iterator[int], n: int) -> int:
    """Uniform in 0 … n-1: what lies beyond the last whole multiple of n is thrown away."""
    bound = _WORD - _WORD % n
    return next(x for x in stream if x < bound) % n


def order(seed_: bytes, label: str, m: int) -> tuple[int, ...]:
    """The permutation of 0 … m-1 under this label: Fisher-Yates from above."""
    stream = words(seed_, label)
    places = list(range(m))
    for i in range(m - 1, 0, -1):
        r = below(stream, i + 1)
        places[i], places[r] = places[r], places[i]
    return tuple(places)


def outcome(seed_: bytes, strata: Sequence[Stratum]) -> tuple[tuple[bytes, ...], ...]:
    """Per stratum its leaf hashes in drawn order: the first `quota` are drawn, the others the reserves."""
    taken: set[bytes] = set()
    drawn: list[tuple[bytes, ...]] = []
    for each in strata:
        places = order(seed_, each.label, len(each.leaves))
        ranked = tuple(each.leaves[i] for i in places if each.leaves[i] not in taken)
        taken |= set(ranked[: each.quota])
        drawn.append(ranked)
    return tuple(drawn)


def digest(ranked: Sequence[bytes]) -> bytes:
    """H of the ordered leaf hashes, concatenated."""
    return sha256(b"".join(ranked))


Answers = tuple[tuple[int, str], ...]
"""(position, answer) of one stratum, in the order in which they were given."""


def standing(answers: Answers) -> dict[int, str]:
    """The last answer at each position."""
    return dict(answers)


def accepted(answers: Answers) -> tuple[int, ...]:
    """The positions of those who come."""
    return tuple(position for position, answer in standing(answers).items() if answer == ACCEPTED)


def answer(
    strata: Sequence[Stratum],
    ranked: Sequence[tuple[bytes, ...]],
    answers: Sequence[Answers],
    new: tuple[int, int, str],
) -> tuple[Answers, ...]:
    """The answers with one more (stratum, position, answer); AnswerRefused where it is out of order.

    (1) The position is the next one of its stratum, while a place is free: none is skipped, and nobody is asked for
        whom there is no place.
    (2) Or it takes back an acceptance: who recuses later makes room for the next position.
    (3) Who comes for one stratum is no candidate of another.
    """
    which, position, said = new
    if not 0 <= which < len(strata) or said not in ANSWERS:
        raise AnswerRefused("no such stratum or answer")
    given, stand = answers[which], standing(answers[which])
    if position in stand:
        # (2)
        if stand[position] != ACCEPTED or said in (ACCEPTED, NO_ANSWER):
            raise AnswerRefused("the position was answered")
    else:
        # (1)
        if position != len(stand) or position >= len(ranked[which]):
            raise AnswerRefused("positions are answered in order, none skipped")
        if len(accepted(given)) >= strata[which].quota:
            raise AnswerRefused("every place of this stratum is taken")
    # (3)
    coming = {ranked[i][p] for i, each in enumerate(answers) if i != which for p in accepted(each)}
    if said == ACCEPTED and ranked[which][position] in coming:
        raise AnswerRefused("the candidate comes for another stratum")
    return tuple((*each, (position, said)) if i == which else each for i, each in enumerate(answers))


def settled(strata: Sequence[Stratum], answers: Sequence[Answers]) -> bool:
    """Every place of every stratum is taken."""
    return all(len(accepted(given)) == each.quota for each, given in zip(strata, answers, strict=True))
