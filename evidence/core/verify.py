"""The log's part of the offline verification recipe (protocols.md section 8); knows no rule of evaluation.

(V1) The policy comes from outside the file. (V2) The centre log holds the proceeding's opening, which names the
log's key, and its final root. (V3) The entries parse, are numbered 0, 1, 2… and lead to the final checkpoint, of
which every other checkpoint is a prefix. (V10) Disclosures match digests in the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evidence.core import disclosure as disclosures
from evidence.core import entry as entries
from evidence.core.canonical import JSON, unb64u
from evidence.core.entry import Entry
from evidence.core.merkle import Tree
from evidence.core.note import Checkpoint, VerifierKey
from evidence.core.policy import Policy
from evidence.core.proof import Proof
from evidence.errors import Malformed, Untrusted


@dataclass(frozen=True, slots=True)
class Opening:
    """What the centre log says of a proceeding: where it began."""

    entry: Entry
    origin: str
    vkey: VerifierKey


def opening(data: bytes, proof: bytes, policy: Policy) -> Opening:
    """(V2) `ProceedingOpened`, in a centre log checkpoint with quorum; its act is the caller's to check."""
    entry = centre_entry(data, proof, policy, "ProceedingOpened")
    body = entry.act.body if entry.act else {}
    if not isinstance(body.get("origin"), str) or not isinstance(body.get("vkey"), str):
        raise Malformed("the opening names no origin or key")
    return Opening(entry, body["origin"], VerifierKey.parse(body["vkey"]))


def final_root(data: bytes, proof: bytes, policy: Policy) -> tuple[Entry, Checkpoint]:
    """(V2) `FinalRootRecorded`, in a centre log checkpoint with quorum."""
    entry = centre_entry(data, proof, policy, "FinalRootRecorded")
    body = entry.act.body if entry.act else {}
    if not isinstance(body.get("origin"), str) or type(body.get("size")) is not int:
        raise Malformed("the final root names no log or size")
    return entry, Checkpoint(body["origin"], body["size"], unb64u(body.get("root"), 32))


def log(
    data: Sequence[bytes], note: bytes, key: VerifierKey, policy: Policy, *, former: Sequence[tuple[str, int]] = ()
) -> tuple[list[Entry], Tree]:
    """(V3) The entries of one log, whole, under a checkpoint with the log's signature and the quorum. Where it
    continues others, `former` says up to which size the entries are which log's."""
    checkpoint = policy.check_exactly(note, key)
    tree, found = Tree(), []
    for n, octets in enumerate(data):
        entry = entries.parse(octets)
        origin = next((name for name, size in former if n < size), checkpoint.origin)
        if entry.n != n or entry.origin != origin:
            raise Untrusted(f"entry {n} says it is {entry.n} of {entry.origin}")
        tree.append(entry.leaf)
        found.append(entry)
    if checkpoint.size != len(tree) or checkpoint.root != tree.root():
        raise Untrusted(f"the entries do not lead to the checkpoint's root at {checkpoint.size}")
    if len({e.act.id for e in found if e.act}) != sum(1 for e in found if e.act):
        raise Untrusted("an act stands twice in the log")
    return found, tree


def prefix(note: bytes, key: VerifierKey, policy: Policy, tree: Tree) -> Checkpoint:
    """(V3) Another checkpoint of the same log with its quorum: it must be a prefix of `tree`."""
    checkpoint = policy.check_exactly(note, key)
    if checkpoint.size > len(tree) or tree.root(checkpoint.size) != checkpoint.root:
        raise Untrusted(f"the checkpoint at {checkpoint.size} is of another history")
    return checkpoint


def disclosed(texts: Sequence[str], found: Iterable[Entry]) -> tuple[dict[str, JSON], int]:
    """(V10) Disclosures by name, and how many digests stay undisclosed; one that fits no digest is Untrusted."""
    wanted = {digest for e in found for digest in (*e.sd, *(e.act.sd if e.act else ()))}
    if list(texts) != sorted(set(texts)):
        raise Untrusted("disclosures must be sorted and distinct")
    values: dict[str, JSON] = {}
    for text in texts:
        item = disclosures.parse(text)
        if item.digest not in wanted:
            raise Untrusted("a disclosure fits no digest of the log")
        wanted.discard(item.digest)
        values[item.name] = item.value
    return values, len(wanted)


def centre_entry(data: bytes, proof: bytes, policy: Policy, kind: str) -> Entry:
    """An entry of this type with its receipt, under a checkpoint of the centre log with the quorum."""
    entry = entries.parse(data)
    parsed = Proof.parse(proof)
    if bytes(parsed) != proof:
        raise Untrusted("the proof is not in its one form")
    checkpoint = parsed.check(entry.leaf, policy, policy.log)
    if entry.type != kind or entry.n != parsed.index or len({entry.origin, checkpoint.origin, policy.log.name}) != 1:
        raise Untrusted(f"not the centre log's {kind}")
    return entry
