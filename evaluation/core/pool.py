"""A custodian's pool of experts: its leaves, a draw from it, and who was drawn (protocols.md 4(1), 4(2) and 4(7)).

What leaves the custodian's machine names nobody:
(1) A leaf's reference is T(`pool-person`, nonce ‖ 0x00 ‖ [number, name, employer]). The nonce stays with the custodian,
    so the reference tells nothing, and yet the custodian cannot put another person behind a leaf that was drawn.
(2) Facts stand blinded in the leaf (`conflicts.blinded`), under a salt of the leaf's own.
(3) Leaves ascend by their hashes, so their order is not the table's.
(4) A draw's partition says of every index whether it is in; facts of interest come before any other ground, and
    whoever is outside of all strata is out with the digest of the draw's conditions as evidence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from evaluation.core import conflicts, draw
from evaluation.core.experts import HELD, Expert
from evaluation.draw_errors import DrawRefused
from evidence.core.canonical import JSON, Object, b64u, decode_object, encode, members, sha256, tagged, unb64u, z
from evidence.errors import Malformed

Entropy = Callable[[int], bytes]
OUTSIDE = "outside-the-strata"
SALT_BYTES = 16
# Of the custodian's own file: the facts of twenty thousand candidates (`conflicts.MAX_BYTES`), and who they are.
MAX_BYTES = 4 * conflicts.MAX_BYTES
_GROUND = re.compile(r"[a-z][a-z0-9-]{1,63}", re.ASCII)
_PERSON = ("number", "name", "employer", "phone")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf, and who it is: this part never leaves the custodian before the person takes a seat."""

    salt: str
    nonce: str
    attributes: Object
    number: str
    name: str
    employer: str
    phone: str

    @property
    def ref(self) -> str:
        return reference(self.nonce, self.number, self.name, self.employer)

    @property
    def candidate(self) -> conflicts.Candidate:
        """The leaf's data, as facts and disclosures have it."""
        return self.salt, self.ref, self.attributes

    @property
    def hash(self) -> bytes:
        return draw.pool_leaf(*self.candidate)


@dataclass(frozen=True, slots=True)
class Pool:
    """Leaves in the ascending order of their hashes."""

    leaves: tuple[Leaf, ...]
    hashes: tuple[bytes, ...]

    @property
    def root(self) -> bytes:
        return draw.pool_root(self.hashes)

    @property
    def public(self) -> Object:
        """What `pool.freeze` states."""
        return {"count": len(self.leaves), "root": b64u(self.root)}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A stratum before anybody is looked at: of which specialities, and, where any are named, of which regions."""

    label: str
    quota: int
    specialities: tuple[str, ...]
    regions: tuple[str, ...]

    def takes(self, attributes: Object) -> bool:
        return attributes["speciality"] in self.specialities and (
            not self.regions or attributes["region"] in self.regions
        )

    @property
    def json(self) -> Object:
        return {
            "label": self.label,
            "quota": self.quota,
            "specialities": list(self.specialities),
            "regions": list(self.regions),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """A draw as its custodian prepares it. `body` is public; `facts` go to the main operator; `conditions` stay."""

    body: Object
    facts: bytes
    conditions: bytes
    counts: Mapping[str, Mapping[str, int]]
    """Per stratum, and for all the others, how many are in (`in`) or out on which ground."""


def reference(nonce: str, number: str, name: str, employer: str) -> str:
    """What binds a leaf to its person, and tells nothing without the nonce."""
    return b64u(tagged("pool-person", z(nonce) + encode([number, name, employer])))


def make(experts: Sequence[Expert], entropy: Entropy) -> Pool:
    """A new pool, with fresh salts."""
    return _pool([_leaf(expert, entropy) for expert in experts])


def _leaf(expert: Expert, entropy: Entropy) -> Leaf:
    salt, nonce = b64u(entropy(SALT_BYTES)), b64u(entropy(SALT_BYTES))
    attributes: Object = {"speciality": expert.speciality, "region": expert.region}
    for name, periods in expert.held.items():
        if periods:
            attributes[name] = [[conflicts.blinded(salt, code), start, end] for code, start, end in periods]
    if expert.kin:
        attributes["kin"] = [conflicts.blinded(salt, code) for code in expert.kin]
    return Leaf(salt, nonce, attributes, expert.number, expert.name, expert.employer, expert.phone)


def write(pool: Pool) -> bytes:
    """The custodian's own file."""
    rows: list[JSON] = [
        {"salt": leaf.salt, "nonce": leaf.nonce, "attributes": leaf.attributes}
        | {name: getattr(leaf, name) for name in _PERSON}
        for leaf in pool.leaves
    ]
    return encode({"v": 1, "experts": rows})


def read(data: bytes) -> Pool:
    """Strictly; Malformed otherwise."""
    value = members(decode_object(data, limit=MAX_BYTES), {"v": int, "experts": list})
    if value["v"] != 1:
        raise Malformed("unknown version of the pool")
    form: dict[str, type] = {"salt": str, "nonce": str, "attributes": dict, **dict.fromkeys(_PERSON, str)}
    leaves: list[Leaf] = []
    for each in value["experts"]:
        row = members(each, form)
        unb64u(row["salt"], SALT_BYTES)
        unb64u(row["nonce"], SALT_BYTES)
        members(row["attributes"], {"speciality": str, "region": str}, dict.fromkeys((*HELD, "kin"), list))
        leaves.append(Leaf(**row))
    return _pool(leaves)


def _pool(leaves: Sequence[Leaf]) -> Pool:
    found = sorted((leaf.hash, i) for i, leaf in enumerate(leaves))
    return Pool(tuple(leaves[i] for _, i in found), tuple(hash_ for hash_, _ in found))


def plan(
    pool: Pool,
    *,
    name: str,
    filter_: bytes,
    wanted: Sequence[Wanted],
    excluded: Mapping[str, tuple[str, str]],
    entropy: Entropy,
) -> Plan:
    """The draw `name` from this pool; DrawRefused where it could not be opened.

    `excluded` maps numbers to (ground, evidence digest): what no leaf can know.
    (1) Each expert's ground: an interest, else what the custodian states, else outside of all strata, else none.
    (2) Strata of those who are in; their hashes ascend as the leaves do.
    (3) What the server and every verifier will check, checked here first.
    """
    _check_excluded(pool, excluded)
    if not 1 <= len(wanted) <= draw.MAX_STRATA or len({each.label for each in wanted}) != len(wanted):
        raise DrawRefused(f"a draw has 1 to {draw.MAX_STRATA} strata, each once")
    asked = conflicts.read(filter_)
    conditions = encode({"v": 1, "salt": b64u(entropy(SALT_BYTES)), "strata": [each.json for each in wanted]})
    evidence = b64u(sha256(conditions))
    # (1)
    counts: dict[str, dict[str, int]] = {each.label: {"in": 0} for each in wanted} | {OUTSIDE: {}}
    rows: list[conflicts.Row] = []
    for index, leaf in enumerate(pool.leaves):
        inside = [each.label for each in wanted if each.takes(leaf.attributes)]
        shown = conflicts.ground(leaf.salt, leaf.attributes, asked)
        if shown:
            ground = (shown, "")
        elif leaf.number in excluded:
            ground = excluded[leaf.number]
        else:
            ground = ("", "") if inside else (OUTSIDE, evidence)
        rows.append((b64u(entropy(SALT_BYTES)), index, not ground[0], *ground))
        for label in inside or [OUTSIDE]:
            said = ground[0] or "in"
            counts[label][said] = counts[label].get(said, 0) + 1
    # (2)
    strata: list[draw.Stratum] = []
    for each in wanted:
        chosen = zip(rows, pool.leaves, pool.hashes, strict=True)
        inside_ = [hash_ for row, leaf, hash_ in chosen if row[2] and each.takes(leaf.attributes)]
        if draw.kind(each.label) != draw.EXPERT:
            raise DrawRefused(f"{each.label}: a stratum of experts is called expert/…")
        strata.append(draw.stratum(each.label, each.quota, inside_))
    candidates = [leaf.candidate for leaf in pool.leaves]
    facts = conflicts.write_facts(filter_, candidates, rows)
    partition = draw.root([draw.partition_leaf(*row) for row in rows])
    # (3)
    if len(facts) > conflicts.MAX_BYTES:
        raise DrawRefused(f"the facts of this pool have more than {conflicts.MAX_BYTES} bytes")
    if sum(len(each.leaves) for each in strata) > draw.MAX_LEAVES:
        raise DrawRefused(f"at most {draw.MAX_LEAVES} candidates stand in one draw: name fewer specialities or regions")
    told = conflicts.read_facts(facts)
    digest = sha256(filter_)
    conflicts.check(
        told.rows,
        told.candidates,
        filter_=told.filter_,
        digest=digest,
        partition=partition,
        pool_digest=pool.root,
        strata=strata,
    )
    stated: list[JSON] = [
        {"label": each.label, "quota": each.quota, "leaves": [b64u(leaf) for leaf in each.leaves]} for each in strata
    ]
    body: Object = {"v": 1, "draw": name, "strata": stated, "pool": pool.public}
    body |= {"partition": b64u(partition), "filter": b64u(digest), "facts": b64u(sha256(facts))}
    return Plan(body, facts, conditions, counts)


def _check_excluded(pool: Pool, excluded: Mapping[str, tuple[str, str]]) -> None:
    known: Collection[str] = {leaf.number for leaf in pool.leaves}
    for number, (ground, evidence) in excluded.items():
        if number not in known:
            raise DrawRefused(f"{number[:40]}: no expert of this pool has this number")
        if not _GROUND.fullmatch(ground) or ground in conflicts.OF_FACTS or ground == OUTSIDE:
            raise DrawRefused(
                f"{ground[:40]}: a ground is a short word in kebab-case, and none that facts have to show"
            )
        unb64u(evidence, 32)


def who(pool: Pool, ranked: Sequence[bytes]) -> tuple[Leaf, ...]:
    """The persons behind these leaf hashes, in their order; DrawRefused where one is not of this pool."""
    known = dict(zip(pool.hashes, pool.leaves, strict=True))
    for leaf in ranked:
        if leaf not in known:
            raise DrawRefused("somebody was drawn who does not stand in this pool")
    return tuple(known[leaf] for leaf in ranked)
