"""A city node's records in memory: for tests, and as the shortest statement of what the port promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from evidence.core import act as acts
from evidence.core.act import NO_ACT, Act
from evidence.core.canonical import sha256
from evidence.core.origins import proceeding_of
from evidence.core.witness import Answer, Decision, WitnessState
from sessions.node_errors import NodeStateBroken, OtherFreeze, OtherSuccessor


@dataclass(slots=True)
class MemoryNodeStore:
    """`NodeStore` that forgets when the process ends."""

    _secrets: dict[str, bytes] = field(default_factory=dict)
    _witnessed: dict[str, WitnessState] = field(default_factory=dict)
    _openings: dict[str, bytes] = field(default_factory=dict)
    _entries: dict[str, list[bytes]] = field(default_factory=dict)
    _heads: dict[str, bytes] = field(default_factory=dict)
    _acts: dict[str, dict[tuple[str, bytes], str]] = field(default_factory=dict)
    _released: dict[tuple[str, str, int], bytes] = field(default_factory=dict)
    _objects: dict[bytes, bytes] = field(default_factory=dict)
    _journals: dict[str, list[bytes]] = field(default_factory=dict)

    def secret(self, name: str) -> bytes | None:
        return self._secrets.get(name)

    def put_secret(self, name: str, value: bytes) -> bytes:
        return self._secrets.setdefault(name, value)

    def witnessed(self, origin: str) -> WitnessState | None:
        return self._witnessed.get(origin)

    def opening(self, origin: str) -> bytes | None:
        return self._openings.get(origin)

    def admit(self, origin: str, state: WitnessState, opening: bytes) -> WitnessState:
        self._openings.setdefault(origin, opening)
        return self._witnessed.setdefault(origin, state)

    def succeed(self, former: str, origin: str, state: WitnessState, opening: bytes) -> WitnessState:
        known = self._witnessed.get(former)
        if known is None or known.successor not in ("", origin):
            raise OtherSuccessor(f"{former} is continued by {known.successor if known else 'nothing known'}")
        self._witnessed[former] = replace(known, successor=origin)
        return self.admit(origin, state, opening)

    def cosign(self, origin: str, decide: Callable[[WitnessState | None], Decision]) -> Decision:
        decision = decide(self._witnessed.get(origin))
        if decision.answer is Answer.COSIGNED and decision.state is not None:
            self._witnessed[origin] = decision.state
        return decision

    def entries(self, origin: str, start: int = 0, stop: int | None = None) -> list[bytes]:
        return self._entries.get(origin, [])[start:stop]

    def head(self, origin: str) -> bytes | None:
        return self._heads.get(origin)

    def extend(self, origin: str, start: int, entries: Sequence[bytes], head: bytes) -> None:
        held = self._entries.setdefault(origin, [])
        if len(held) != start:
            raise NodeStateBroken("the mirror was extended by somebody else")
        held += entries
        self._heads[origin] = head

    def released(self, origin: str) -> list[bytes]:
        return [freeze for (name, _, _), freeze in self._released.items() if name == proceeding_of(origin)]

    def act(self, origin: str, kind: str, subject: bytes) -> str | None:
        return self._acts.get(origin, {}).get((kind, subject))

    def sign(
        self,
        origin: str,
        kind: str,
        subject: bytes,
        make: Callable[[int, bytes], Act],
        *,
        once: tuple[str, int, bytes] | None = None,
    ) -> str:
        signed = self._acts.setdefault(origin, {})
        if (kind, subject) in signed:
            return signed[kind, subject]
        name = proceeding_of(origin)
        if once is not None and self._released.get((name, *once[:2]), once[2]) != once[2]:
            raise OtherFreeze(f"shares of {once[0]} round {once[1]} left for another freeze")
        last = acts.parse(list(signed.values())[-1]) if signed else None
        jws = make(last.ctr + 1 if last else 1, last.id if last else NO_ACT).jws
        signed[kind, subject] = jws
        if once is not None:
            self._released[name, once[0], once[1]] = once[2]
        return jws

    def journal(self, origin: str) -> list[bytes]:
        return list(self._journals.get(origin, ()))

    def journals(self) -> list[str]:
        return list(self._journals)

    def note(self, origin: str, start: int, lines: Sequence[bytes]) -> None:
        held = self._journals.setdefault(origin, [])
        if len(held) != start:
            raise NodeStateBroken("the journal was written by somebody else")
        held += lines

    def put_object(self, data: bytes) -> None:
        self._objects[sha256(data)] = data

    def object(self, sha256_: bytes) -> bytes | None:
        return self._objects.get(sha256_)
