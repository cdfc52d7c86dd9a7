"""A city node as a witness (C2SP tlog-witness) that admits proceedings by itself (`add-log`, gate G0)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from evidence.core import entry as entries
from evidence.core.continues import of_opening
from evidence.core.note import Note, NoteSigner, with_lines
from evidence.core.witness import AddCheckpoint, AddLog, Answer, WitnessState, admit, decide
from evidence.errors import Untrusted
from sessions.node_errors import NodeStateBroken
from sessions.node_ports import NodeStore
from sessions.trust import Pins


@dataclass(frozen=True, slots=True)
class Cosignature:
    """What add-checkpoint answers of the log `origin`: `line` where it cosigned, `size` where the sizes differ."""

    answer: Answer
    origin: str
    line: str = ""
    size: int = 0


class CityWitness:
    """Cosigns the main centre's log and the proceedings that this log opened. Blocking: call it from a thread."""

    def __init__(self, *, pins: Pins, store: NodeStore, signer: NoteSigner, clock: Callable[[], float]) -> None:
        self._pins = pins
        self._store = store
        self._signer = signer
        self._clock = clock
        pinned = pins.policy.log
        if store.admit(pinned.name, WitnessState(pinned), b"").log_key != pinned:
            raise NodeStateBroken("this witness knows the centre log under another key than the policy pins")

    def add_log(self, body: bytes) -> None:
        """Gate G0, the recipe of `evidence.core.witness.admit`; the same log again is the same answer. What is left of
        a log that it continues was looked at before (`sessions.node_continuing`)."""
        trust = self._pins.trust
        request = AddLog.parse(body)
        state = admit(request, self._pins.policy, trust.identities[trust.main])
        left = of_opening(entries.parse(request.entry))
        name = state.log_key.name
        stored = (
            self._store.admit(name, state, body)
            if left is None
            else self._store.succeed(left.origin, name, state, body)
        )
        if stored.log_key != state.log_key:
            raise Untrusted("the log is known under another key")
        if left is not None and of_opening(entries.parse(AddLog.parse(self._store.opening(name) or b"").entry)) != left:
            raise Untrusted("the log was admitted with something else left")

    def cosigned(self, state: WitnessState) -> bytes:
        """The note that was cosigned last, with this witness's line, which is the same as it was then."""
        note = Note.parse(state.note)
        return with_lines(state.note, [self._signer.line(note.text, time=state.time)])

    def add_checkpoint(self, body: bytes) -> Cosignature:
        """The recipe of `evidence.core.witness.decide`; what is cosigned is on disk before it is answered."""
        request = AddCheckpoint.parse(body)
        origin = request.checkpoint.origin
        decision = self._store.cosign(origin, lambda state: decide(state, request, int(self._clock())))
        if decision.answer is not Answer.COSIGNED or decision.state is None:
            return Cosignature(decision.answer, origin, size=decision.size)
        return Cosignature(Answer.COSIGNED, origin, line=self._signer.line(decision.text, time=decision.state.time))
