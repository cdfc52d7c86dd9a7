"""What a log's continuation under another origin says (docs/protocol.md 11.2): its forms, and what they prove.

Acknowledged entries of a log are gone everywhere. The new log's tree begins with the leaves of what is left, so there
is one row of entries, one tree and one fold; only `origin` changes where the new log's own first entry stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from evidence.core import act as acts
from evidence.core import entry as entries
from evidence.core.canonical import JSON, Object, b64u, decode_object, encode, members, sha256, unb64u
from evidence.core.continues import Remains
from evidence.core.entry import Entry
from evidence.core.note import VerifierKey
from evidence.core.policy import Policy
from evidence.core.proof import Proof
from evidence.errors import Malformed, Untrusted
from sessions.continuing_errors import ContinuationRefused, TooLate

CONTINUED, CONFIRMED, KNOWN = "LogContinued", "ContinuationConfirmed", "LeavesKnown"
STATE = "copy.state"
"""The statement of a node; it stands inside `log.continue` and never by itself."""
MAX_KNOWN = 200
"""An act has 60 000 octets, and a row of a known leaf some 200 with its base64."""
MAX_LEAF = 200_000
"""An entry of 60 000 octets in base64url with its receipt."""
TOO_LATE = frozenset({"OpeningApproved", "SharesReleased", "SheetsOpened", "ProceedingClosed"})
"""Where one of these is known to be gone, shares may have left, or the end was witnessed: a log without it would be a
second result."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """An entry of the missing range of which somebody held the receipt: its place, its hash, the act in it (id and
    signer), and the object that holds entry and receipt."""

    n: int
    leaf: bytes
    act: bytes | None
    sub: str | None
    kept: bytes

    @property
    def json(self) -> list[JSON]:
        act = None if self.act is None else b64u(self.act)
        return [self.n, b64u(self.leaf), act, self.sub, b64u(self.kept)]

    @staticmethod
    def parse(value: object) -> Leaf:
        """Read the row strictly."""
        match value:
            case [int(n), str(leaf), None, None, str(found)] if type(n) is int:
                return Leaf(n, unb64u(leaf, 32), None, None, unb64u(found, 32))
            case [int(n), str(leaf), str(act), str(sub), str(found)] if type(n) is int:
                return Leaf(n, unb64u(leaf, 32), unb64u(act, 32), sub, unb64u(found, 32))
        raise Malformed("a known leaf is [n, leaf, act, signer, object]")


@dataclass(frozen=True, slots=True)
class Statement:
    """`copy.state` of the node of `domain`: its copy leads to what is left, and how far its own record goes."""

    domain: str
    size: int
    root: bytes
    witnessed: tuple[int, bytes]
    released: tuple[bytes, ...]

    @staticmethod
    def parse(jws: object, identities: Mapping[str, Object], log: str) -> Statement:
        """Read it strictly; it is signed by the identity key of its centre, for this log."""
        act = acts.parse(jws if isinstance(jws, str) else "")
        if (act.act, act.aud) != (STATE, log) or act.sub not in identities:
            raise Untrusted("a statement by nobody of the agreement, or about another log")
        acts.verify(act, identities[act.sub])
        body = members(act.body, {"size": int, "root": str, "witnessed": dict, "released": list})
        record = members(body["witnessed"], {"size": int, "root": str})
        return Statement(
            act.sub,
            body["size"],
            unb64u(body["root"], 32),
            (record["size"], unb64u(record["root"], 32)),
            tuple(unb64u(each, 32) for each in body["released"]),
        )


@dataclass(frozen=True, slots=True)
class Continuation:
    """The log `log` goes on with entry `n` where `left` ends. `leaf` is that entry's hash, `root` the one at the
    witnessed size; `confirmed` is the centre that confirmed it."""

    n: int
    log: str
    left: Remains
    leaf: bytes
    root: bytes
    reason: str
    known: Mapping[int, Leaf] = field(default_factory=dict)
    confirmed: str = ""

    def place(self, act: bytes) -> int | None:
        """Where an act stood in the missing range, as far as that is known."""
        return next((leaf.n for leaf in self.known.values() if leaf.act == act), None)

    def adding(self, leaves: Sequence[Leaf]) -> Continuation:
        """With these leaves known, too."""
        return replace(self, known={**self.known, **{leaf.n: leaf for leaf in leaves}})


@dataclass(frozen=True, slots=True)
class Continuing:
    """The body of `log.continue`."""

    left: Remains
    checkpoint: bytes
    root: bytes
    note: bytes
    known: tuple[Leaf, ...]
    held: tuple[str, ...]
    absent: tuple[str, ...]
    opening: Object
    reason: str

    @property
    def json(self) -> Object:
        return {
            "continues": self.left.json,
            "checkpoint": b64u(self.checkpoint),
            "witnessed": {"size": self.left.witnessed, "root": b64u(self.root), "note": b64u(self.note)},
            "missing": [self.left.size, self.left.witnessed],
            "known": [leaf.json for leaf in self.known],
            "held": list(self.held),
            "absent": list(self.absent),
            "opening": self.opening,
            "reason": self.reason,
        }

    @staticmethod
    def parse(value: Object) -> Continuing:
        """Read the body strictly."""
        form = {"continues": dict, "checkpoint": str, "witnessed": dict, "missing": list, "known": list, "held": list}
        body = members(value, {**form, "absent": list, "opening": dict, "reason": str})
        seen = members(body["witnessed"], {"size": int, "root": str, "note": str})
        left = Remains.parse(body["continues"])
        if body["missing"] != [left.size, left.witnessed] or seen["size"] != left.witnessed:
            raise Malformed("what is missing lies between what is left and what was witnessed")
        return Continuing(
            left=left,
            checkpoint=unb64u(body["checkpoint"], 32),
            root=unb64u(seen["root"], 32),
            note=unb64u(seen["note"], 32),
            known=rows(body["known"], left),
            held=tuple(body["held"]),
            absent=tuple(body["absent"]),
            opening=members(body["opening"], {"origin": str, "index": int, "leaf": str}),
            reason=body["reason"],
        )


@dataclass(frozen=True, slots=True)
class Gone:
    """How many entries are missing, how many of them are known by their hash, and how many acts came again."""

    log: str
    missing: int
    known: int
    again: int

    @property
    def as_json(self) -> Object:
        return {"log": self.log, "missing": self.missing, "known": self.known, "again": self.again}


def rows(value: object, left: Remains) -> tuple[Leaf, ...]:
    """Known leaves of the missing range, ascending, each once."""
    found = tuple(Leaf.parse(each) for each in value) if isinstance(value, list) else ()
    places = [leaf.n for leaf in found]
    inside = all(left.size <= n < left.witnessed for n in places)
    if not isinstance(value, list) or len(found) > MAX_KNOWN or places != sorted(set(places)) or not inside:
        raise Malformed(f"known are at most {MAX_KNOWN} leaves of what is missing, ascending, each once")
    return found


def proven(data: bytes, proof: bytes, policy: Policy, key: VerifierKey, log: str) -> tuple[Leaf, Entry]:
    """An entry of the log `log` whose receipt the quorum gave; with it the object that keeps both.

    (1) The entry parses, is of this log, and stands where its receipt says.
    (2) The receipt leads to a checkpoint with the log's signature and the quorum.
    """
    # (1)
    entry, receipt = entries.parse(data), Proof.parse(proof)
    if entry.origin != log or entry.n != receipt.index:
        raise Untrusted("the receipt is not of this entry of this log")
    # (2)
    if receipt.check(entry.leaf, policy, key).origin != log:
        raise Untrusted("the receipt is another log's")
    act = entry.act
    kept = sha256(packed(data, proof))
    return Leaf(entry.n, entry.leaf, act.id if act else None, act.sub if act else None, kept), entry


def packed(data: bytes, proof: bytes) -> bytes:
    """The object that keeps an entry of the missing range, and its receipt."""
    return encode({"entry": b64u(data), "proof": proof.decode("utf-8")})


def unpacked(data: bytes) -> tuple[bytes, bytes]:
    """Read what `packed` wrote."""
    value = members(decode_object(data, limit=MAX_LEAF), {"entry": str, "proof": str})
    return unb64u(value["entry"]), value["proof"].encode("utf-8")


def demand_early(known: Sequence[Entry]) -> None:
    """TooLate where something is known to be gone that decided the result."""
    for entry in known:
        if entry.type in TOO_LATE:
            raise TooLate(f"{entry.type} of entry {entry.n} was witnessed, and is gone")


def demand_held(found: Sequence[Statement], absent: Sequence[str], left: Remains, cities: frozenset[str]) -> None:
    """What the nodes stated fits what is said to be left and missing.

    (1) Every city's node has stated once, or is named as absent; and not all are absent.
    (2) Each copy leads to what is left, and is no longer; no record goes beyond what was witnessed, and one that far.
    """
    # (1)
    domains = [each.domain for each in found]
    if domains != sorted(set(domains)) or list(absent) != sorted(set(absent)) or not domains:
        raise ContinuationRefused("each city's node states once, sorted, and at least one does")
    if set(domains) & set(absent) or {*domains, *absent} != cities:
        raise ContinuationRefused("every city's node states how far its copy goes, or is absent")
    # (2)
    if any((each.size, each.root) != (left.size, left.root) for each in found):
        raise ContinuationRefused("a node's copy does not lead to what is left")
    if max(each.witnessed[0] for each in found) != left.witnessed:
        raise ContinuationRefused("no node's record goes as far as is said, or one goes further")
