"""What the offline verifier asks of a proceeding whose log goes on under another origin (docs/protocol.md 11.2).

(1) The openings of its logs follow one another in the centre log, each by the main centre; each later one says what is
    left of the one before, and the entries lead to that root at that size.
(2) Where the log goes on it says the same, and cites the checkpoint that the former log's key signed over what is left.
(3) The note that shows how many entries were witnessed is signed by the former log's key and by witnesses of the
    policy; fewer than the quorum are named (`lost-below-quorum`).
(4) Every leaf of the missing range that is said to be known is proven by its receipt, with the quorum, and is not one
    that makes a continuation too late.
That each node's statement holds, that another centre confirmed, and that each act that came again got one verdict, is
shown by deciding again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evidence.core import verify as log_checks
from evidence.core.act import verify as verify_act
from evidence.core.canonical import unb64u
from evidence.core.continues import Remains, of_opening
from evidence.core.entry import Entry
from evidence.core.merkle import Tree
from evidence.core.note import VerifierKey, read_checkpoint
from evidence.errors import NoQuorum, Untrusted
from sessions.core import contents
from sessions.core.continued import CONFIRMED, CONTINUED, KNOWN, Continuing, Gone, Leaf, demand_early, proven, unpacked
from sessions.evidence_file import EvidenceFile
from sessions.trust import Pins

Load = Callable[[bytes], bytes]
BELOW = "lost-below-quorum"


@dataclass(frozen=True, slots=True)
class Logs:
    """The proceeding's logs in their order: the opening of each, its key, and what is left of the one before."""

    openings: tuple[Entry, ...]
    keys: tuple[VerifierKey, ...]
    left: tuple[Remains, ...]

    @property
    def origin(self) -> str:
        """The proceeding's own, that of its founding."""
        return self.keys[0].name

    def key_of(self, origin: str) -> VerifierKey:
        """The key of one of its logs."""
        found = next((key for key in self.keys if key.name == origin), None)
        if found is None:
            raise Untrusted(f"{origin} is no log of this proceeding")
        return found

    @property
    def former(self) -> tuple[tuple[str, int], ...]:
        """Up to which size entries are of which earlier log."""
        return tuple((left.origin, left.size) for left in self.left)


def read_logs(evidence: EvidenceFile, pins: Pins) -> Logs:
    """(1), but for the entries."""
    openings: list[Entry] = []
    keys: list[VerifierKey] = []
    left: list[Remains] = []
    while not openings or evidence.has(contents.opened_names(len(openings) + 1)[0]):
        name, proof = contents.opened_names(len(openings) + 1)
        found = log_checks.opening(evidence.read(name), evidence.read(proof), pins.policy)
        act = found.entry.act
        if act is None or (act.act, act.sub, act.aud) != ("proceeding.open", pins.trust.main, pins.policy.log.name):
            raise Untrusted("the centre's act proceeding.open is missing")
        verify_act(act, pins.trust.identities[pins.trust.main])
        if not found.origin.startswith(pins.trust.main + "/proceedings/"):
            raise Untrusted("the proceeding is not of this centre")
        remains = of_opening(found.entry)
        if remains is not None:
            left.append(remains)
        if len(left) != len(openings) or (remains is not None and remains.origin != keys[-1].name):
            raise Untrusted("an opening does not continue the log before it")
        openings.append(found.entry)
        keys.append(VerifierKey(found.origin, found.vkey.type, found.vkey.public))
        if str(keys[-1]) != str(found.vkey):
            raise Untrusted("the key of an opening carries another name than its log")
    return Logs(tuple(openings), tuple(keys), tuple(left))


def check(entries: Sequence[Entry], tree: Tree, logs: Logs, pins: Pins, load: Load) -> tuple[list[Gone], list[str]]:
    """(1) for the entries, (2) to (4): what is gone of each log, and flags."""
    gone: list[Gone] = []
    flags: list[str] = []
    for opening, left in zip(logs.openings[1:], logs.left, strict=True):
        # (1)
        if left.size >= len(entries) or tree.root(left.size) != left.root:
            raise Untrusted(f"what is left of {left.origin} is not what its successor's opening says")
        # (2)
        entry = entries[left.size]
        if entry.type != CONTINUED or entry.act is None:
            raise Untrusted("the log goes on without saying so")
        said = Continuing.parse(entry.act.body)
        cited = (said.opening["origin"], said.opening["index"], unb64u(said.opening["leaf"], 32))
        if said.left != left or cited != (opening.origin, opening.n, opening.leaf):
            raise Untrusted("the log goes on otherwise than its opening says")
        key = logs.key_of(left.origin)
        signed, _ = read_checkpoint(load(said.checkpoint), key)
        if (signed.origin, signed.size, signed.root) != (left.origin, left.size, left.root):
            raise Untrusted("the former log's key signed something else than what is left")
        # (3)
        flags += [] if _witnessed(said, load(said.note), key, pins) else [BELOW]
        # (4)
        rows = [*said.known, *_later(entries, entry.origin)]
        known = [_known(row, load(row.kept), key, left, pins) for row in rows]
        demand_early(known[: len(said.known)])
        again = sum(each.act is not None and each.act.aud == left.origin for each in entries[left.size :])
        gone.append(Gone(entry.origin, left.witnessed - left.size, len(rows), again))
    if any(entry.type == CONTINUED for entry in entries) and not gone:
        raise Untrusted("the log goes on under an origin that was never opened")
    return gone, list(dict.fromkeys([*(["continued"] if gone else []), *flags, *_same(entries, pins)]))


def _witnessed(said: Continuing, note: bytes, key: VerifierKey, pins: Pins) -> bool:
    """Whether the quorum cosigned what is said to have been witnessed; Untrusted where no witness did."""
    checkpoint, parsed = read_checkpoint(note, key)
    if (checkpoint.origin, checkpoint.size, checkpoint.root) != (said.left.origin, said.left.witnessed, said.root):
        raise Untrusted("the note shows another tree than is said to have been witnessed")
    if all(parsed.verify(witness) is None for witness in pins.policy.witnesses):
        raise Untrusted("no witness of the policy cosigned what is said to have been witnessed")
    try:
        pins.policy.check(note, key)
    except NoQuorum:
        return False
    return True


def _later(entries: Sequence[Entry], log: str) -> list[Leaf]:
    """Leaves that were proven after this log had gone on, and before the next one did."""
    own = (entry for entry in entries if entry.type == KNOWN and entry.origin == log)
    return [Leaf.parse(row) for entry in own for row in entry.body["known"]]


def _known(row: Leaf, data: bytes, key: VerifierKey, left: Remains, pins: Pins) -> Entry:
    found, entry = proven(*unpacked(data), pins.policy, key, left.origin)
    if found != row:
        raise Untrusted(f"entry {row.n} of what is missing is known as another one")
    return entry


def _same(entries: Sequence[Entry], pins: Pins) -> list[str]:
    """Whether the main centre's own operator runs a centre that confirmed."""
    centres = pins.trust.centres
    by = [entry.act.sub for entry in entries if entry.type == CONFIRMED and entry.act is not None]
    same = any(centres[domain].operator == centres[pins.trust.main].operator for domain in by if domain in centres)
    return ["one-operator"] if same else []
