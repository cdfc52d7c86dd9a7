"""A city node's own copy of a proceeding's log, replayed by itself from entry 0 (R1 of protocols.md section 3).

Beyond what is asked of every copy (`sessions.node_copy`), in its step (4):
(4a) entry 0 founds the proceeding under this node's own policy and trust;
(4b) each act is its signer's, and each append is what `decide` yields: not only what the log says, but what it may say;
(4c) where it goes on under another origin, it says of what is left what the admitted opening said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.errors import EvaluationError
from evidence.core import entry as entry_form
from evidence.core.canonical import Object, b64u, members, sha256, unb64u
from evidence.core.continues import of_opening
from evidence.core.entry import Entry
from evidence.core.merkle import Tree
from evidence.core.note import MAX_NOTE, Checkpoint, Note
from evidence.core.origins import begins
from evidence.core.proof import Proof
from evidence.core.witness import AddLog
from evidence.errors import EvidenceError, Malformed, NoQuorum, Untrusted
from sessions.core import acts, city_names
from sessions.core.continued import CONTINUED, Continuing
from sessions.core.proceeding import decide, evolve
from sessions.core.replay import command
from sessions.core.state import EMPTY, Proceeding
from sessions.errors import SessionError
from sessions.node_copy import LogCopy
from sessions.node_errors import LogForked, LogRefused, NotYet
from sessions.node_ports import LogSource, NodeStore
from sessions.trust import Pins

RULES = (EvidenceError, EvaluationError, SessionError)
"""Everything that a fold may refuse with."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate's entry `n`, witnessed: the `note` has the quorum for `size` entries. `at`: seconds since the epoch; no
    later than that the entry was there, even if f witnesses lied about the time (protocols.md section 2, Time)."""

    n: int
    size: int
    root: bytes
    note: bytes
    at: int

    @property
    def json(self) -> Object:
        """The gate as a result file tells it."""
        note = self.note.decode("utf-8")
        return {"n": self.n, "size": self.size, "root": b64u(self.root), "note": note, "at": self.at}


class Mirror(LogCopy):
    """One proceeding's log. `state` is the fold of `entries`."""

    def __init__(self, *, origin: str, pins: Pins, store: NodeStore, source: LogSource) -> None:
        self.state: Proceeding = EMPTY
        self._pins = pins
        super().__init__(origin=origin, store=store, source=source)

    @property
    def seen(self) -> tuple[int, bytes]:
        """The newest tree that this node verified, for its acts."""
        return len(self.tree), self.tree.root()

    def index(self, leaf: bytes) -> int | None:
        """Where the entry of this leaf hash stands."""
        return next((entry.n for entry in self.entries if entry.leaf == leaf), None)

    async def quorum(self, n: int) -> Checkpoint:
        """A checkpoint that covers entry n, cosigned by the quorum of this node's own policy, of this very history.

        NotYet before there is one; LogForked where the quorum signed another history than the one held here.
        """
        receipt_note = (await self._receipt(n)).note
        checkpoint = self._pins.policy.check(receipt_note, self._log_key)
        if checkpoint.origin != self.origin or checkpoint.size <= n:
            raise Untrusted("the receipt is not of this entry")
        if checkpoint.size > len(self.tree):
            await self.catch_up()
        if checkpoint.size > len(self.tree):
            raise NotYet("the log shown is older than its own receipt")
        if self.tree.root(checkpoint.size) != checkpoint.root:
            raise LogForked("the quorum cosigned another history")
        return checkpoint

    async def gate(self, n: int) -> Gate:
        """Entry n's quorum as the log itself states it (`Witnessed`), by a note that this node keeps from now on: it
        can be shown without the main server. NotYet where no such note is here, or to be had."""
        stated = [
            (entry.body["size"], unb64u(entry.body["note"], 32))
            for entry in self.entries[n + 1 :]
            if entry.type == "Witnessed" and entry.origin == self.origin and entry.body["size"] > n
        ]
        for size, name in stated:
            kept = self._store.object(name)
            if kept is not None and (gate := self._witnessed(n, size, kept)) is not None:
                return gate
        for size, name in stated:
            shown = await self._source.object(self.origin, name, MAX_NOTE)
            if shown is None or sha256(shown) != name or (gate := self._witnessed(n, size, shown)) is None:
                continue
            await asyncio.to_thread(self._store.put_object, shown)
            return gate
        raise NotYet("no quorum on the gate is kept here")

    def _witnessed(self, n: int, size: int, note: bytes) -> Gate | None:
        """The gate, if this note has the quorum of this node's own policy for its own first `size` entries."""
        try:
            checkpoint = self._pins.policy.check(note, self._log_key)
        except NoQuorum:
            return None
        if checkpoint != Checkpoint(self.origin, size, self.tree.root(size)):
            raise LogForked("the quorum cosigned another history")
        times = sorted(self._pins.policy.cosignatures(Note.parse(note)).values())
        at = times[min(self._pins.trust.f, len(times) - 1)]
        return Gate(n, size, checkpoint.root, self._pins.policy.arranged(note, self._log_key), at)

    async def _receipt(self, n: int) -> Proof:
        receipt = Proof.parse(await self._source.receipt(self.origin, n))
        if receipt.index != n:
            raise Untrusted("a receipt of another entry")
        return receipt

    def continues_unsigned(self, centre: str) -> bool:
        """Whether this log continues another one, and holds no act yet that the centre signed for this one."""
        mine = (entry.act for entry in self.entries if entry.origin == self.origin and entry.act is not None)
        return bool(self.state.continuations) and all((act.sub, act.aud) != (centre, self.origin) for act in mine)

    def _check(self, found: Sequence[Entry], tree: Tree) -> None:
        """Fold what is found; all of it, or nothing."""
        state = self.state
        at = 0
        while at < len(found):
            state, taken = self._append(state, found[at:], tree)
            at += taken
        if found and state.log != self.origin:
            raise NotYet("what is left of the log before is shown, and nothing yet of this one")
        self.state = state

    def _append(self, state: Proceeding, rest: Sequence[Entry], tree: Tree) -> tuple[Proceeding, int]:
        """Fold the append at the head of `rest`; the new state, and how many entries it had."""
        first = rest[0]
        try:
            # (4b)
            expected = self._decided(state, rest, tree)
            # (4a), once its form is known to be right
            if first.n == 0:
                check_founding(first, self._pins, self._store.opening(first.origin))
            # (4c)
            if first.type == CONTINUED:
                check_continued(first, self._store.opening(first.origin))
            for n, entry in enumerate(rest[:expected], first.n):
                if entry.n != n or not begins(entry.origin, self.origin):
                    raise Untrusted(f"it says it is {entry.n} of {entry.origin}")
                state = evolve(state, entry)
        except RULES as error:
            raise LogRefused(f"entry {first.n} ({first.type}): {error.code}: {error}") from error
        return state, expected

    def _decided(self, state: Proceeding, rest: Sequence[Entry], tree: Tree) -> int:
        """The append is what the rules yield for its act or fact; returns its length."""
        first = rest[0]
        if first.act is not None:
            acts.check(state, first.act, root_at=lambda size: tree.root(size) if size <= first.n else None)
        if first.type == "Witnessed" and unb64u(first.body.get("root"), 32) != _root(tree, first.body.get("size")):
            raise Untrusted("it names another root than the log has at that size")
        if first.type == "DefinitionFixed":
            # The document holds names, which mirrors never see (protocols.md 5); the seats read it for themselves.
            if first.act is None or first.act.act != "definition.fix":
                raise Untrusted("a definition without its act")
            return 1
        drafts = decide(state, command(rest, _no_document), at=first.at, entropy=b"")
        if not drafts or len(drafts) > len(rest):
            raise Untrusted("the rules yield another append")
        for draft, entry in zip(drafts, rest, strict=False):
            acted = (draft.act.jws if draft.act else None, entry.act.jws if entry.act else None)
            same = (draft.type, draft.v, draft.body, draft.assertion) == (
                entry.type,
                entry.v,
                entry.body,
                entry.assertion,
            )
            if not same or acted[0] != acted[1]:
                raise Untrusted(f"the rules yield another {draft.type} at {entry.n}")
        return len(drafts)


def check_founding(entry: Entry, pins: Pins, opening: bytes | None) -> None:
    """Step (4a): main centre, identities, names, k, policy and trust are this node's own, the opening is the admitted
    one."""
    act = entry.act
    if entry.type != "ProceedingFounded" or act is None or act.aud != entry.origin or not opening:
        raise Untrusted("the log does not begin with its founding")
    trust = pins.trust
    pinned = (trust.main, b64u(pins.policy_hash), b64u(pins.trust_hash))
    if (act.sub, act.body["policy"], act.body["trust"]) != pinned:
        raise Untrusted("founded by another centre, or under another policy or trust than this node pins")
    identities: Object = act.body["identities"]
    if any(trust.identities.get(domain) != jwk for domain, jwk in identities.items()):
        raise Untrusted("the founding names other identity keys than trust.json")
    if not city_names.to_json(trust.names).items() >= act.body.get("names", {}).items():
        raise Untrusted("the founding calls a city otherwise than trust.json")
    if act.body["holder_k"] != trust.holder_k or not pins.are_holders(act.body["holders"]):
        raise Untrusted("the holders are not those of the agreement")
    opened = entry_form.parse(AddLog.parse(opening).entry)
    cited = members(act.body["opening"], {"origin": str, "index": int, "leaf": str})
    if (cited["origin"], cited["index"], unb64u(cited["leaf"], 32)) != (opened.origin, opened.n, opened.leaf):
        raise Untrusted("the founding cites another opening")


def check_continued(entry: Entry, opening: bytes | None) -> None:
    """Step (4c)."""
    if entry.act is None or not opening:
        raise Untrusted("no add-log admitted the log that goes on")
    opened = entry_form.parse(AddLog.parse(opening).entry)
    said = Continuing.parse(entry.act.body)
    cited = (said.opening["origin"], said.opening["index"], unb64u(said.opening["leaf"], 32))
    if said.left != of_opening(opened) or cited != (opened.origin, opened.n, opened.leaf):
        raise Untrusted("the log goes on otherwise than its opening says")


def _root(tree: Tree, size: object) -> bytes | None:
    return tree.root(size) if isinstance(size, int) and 0 < size <= len(tree) else None


def _no_document(_: bytes) -> bytes:
    raise Malformed("a mirror holds no documents")
