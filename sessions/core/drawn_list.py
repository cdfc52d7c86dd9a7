"""A draw's result as entries of its log alone: what a custodian's program reads before it says who was drawn.

`{"v":1,"entries":[…]}` holds, as base64url, the exact octets of `PoolFrozen`, `DrawOpened`, `DrawFrozen` and
`DrawResolved`. They name one another by their leaf hashes, and the order follows from the secrets, so nothing is
believed: neither the list of whoever handed the file over, nor the digests in it. What the entries cannot show is that
they stand in the log, and that the secrets are the committed ones: the file comes from the custodian's own node, which
has replayed the log and holds the secrets against their commitments (`CityNode.drawn`).
"""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.core.draw import EXPERT, Stratum, digest, kind, outcome, seed
from evaluation.draw_errors import DrawRefused
from evidence.core import entry as entries
from evidence.core.canonical import JSON, MAX_BYTES, Object, b64u, decode_object, members, unb64u
from evidence.core.entry import Entry
from evidence.errors import Malformed
from sessions.core.drawing import read_strata

TYPES = ("PoolFrozen", "DrawOpened", "DrawFrozen", "DrawResolved")
# Four entries in base64url, and the braces.
MAX_FILE = len(TYPES) * (MAX_BYTES * 4 // 3 + 8) + 200


_READ: dict[str, dict[str, type]] = {
    "PoolFrozen": {"count": int, "root": str},
    "DrawOpened": {"draw": str, "attempt": int, "strata": list, "pool": str},
    "DrawFrozen": {"opened": str},
}


@dataclass(frozen=True, slots=True)
class DrawnList:
    """A resolved draw from a pool. `opened` is the leaf hash of its opening, `ranked` the order of each stratum."""

    origin: str
    name: str
    attempt: int
    opened: bytes
    custodian: str
    count: int
    root: bytes
    """Of the pool, as its custodian froze it."""
    strata: tuple[Stratum, ...]
    ranked: tuple[tuple[bytes, ...], ...]


def read(data: bytes) -> DrawnList:
    """Strictly: Malformed for another form, DrawRefused for entries that do not belong together.

    (1) Four entries of one log, in their order.
    (2) Each names the one before it.
    (3) The seed follows from freeze and secrets, the orders from the seed.
    """
    value = members(decode_object(data, limit=MAX_FILE), {"v": int, "entries": list})
    if value["v"] != 1:
        raise Malformed("unknown version of the list")
    # (1)
    found = [entries.parse(unb64u(each)) for each in value["entries"]]
    if tuple(each.type for each in found) != TYPES:
        raise Malformed(f"the entries are {', '.join(TYPES)}")
    pool, opened, frozen, resolved = found
    if len({each.origin for each in found}) != 1 or not pool.n < opened.n < frozen.n < resolved.n:
        raise DrawRefused("the entries are not those of one log in their order")
    # (2)
    stated, asked = _told(pool), _told(opened)
    said = members(resolved.body, {"freeze": str, "seed": str, "strata": list, "secrets": list})
    if asked["pool"] != b64u(pool.leaf) or pool.act is None:
        raise DrawRefused("the draw is from another pool")
    if _told(frozen)["opened"] != b64u(opened.leaf) or said["freeze"] != b64u(frozen.leaf):
        raise DrawRefused("the result is another draw's")
    # (3)
    strata = tuple(each for each, _ in read_strata(asked["strata"]))
    if any(kind(each.label) != EXPERT for each in strata):
        raise DrawRefused("who is drawn from no pool is named in the log")
    made = seed(frozen.leaf, [unb64u(secret, 32) for secret in said["secrets"]])
    ranked = outcome(made, strata)
    follows: list[JSON] = [
        {"label": each.label, "digest": b64u(digest(order)), "order": None}
        for each, order in zip(strata, ranked, strict=True)
    ]
    if b64u(made) != said["seed"] or said["strata"] != follows:
        raise DrawRefused("the result does not follow from its freeze and secrets")
    return DrawnList(
        origin=opened.origin,
        name=asked["draw"],
        attempt=asked["attempt"],
        opened=opened.leaf,
        custodian=pool.act.sub,
        count=stated["count"],
        root=unb64u(stated["root"], 32),
        strata=strata,
        ranked=ranked,
    )


def _told(entry: Entry) -> Object:
    """What act and server say together; the fields that are read here, or Malformed."""
    told = {**(entry.act.body if entry.act else {}), **entry.body}
    needed = _READ[entry.type]
    return members({name: told.get(name) for name in needed}, needed)
