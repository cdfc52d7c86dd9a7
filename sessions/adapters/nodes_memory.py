"""City nodes inside this process, with real keys and envelopes: for tests and rehearsals.

They believe the log that `read` shows them; a real node replays it under its own pins (`sessions.node`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.core import act as acts
from evidence.core import entry as entry_form
from evidence.core.act import NO_ACT, Act, SoftwareSigner
from evidence.core.canonical import Object, b64u, unb64u
from evidence.core.entry import Entry
from evidence.core.envelope import Context, Envelope
from evidence.core.merkle import Tree
from evidence.core.note import COSIGNATURE_V1, NoteSigner, VerifierKey
from evidence.core.policy import Policy
from evidence.core.witness import AddCheckpoint, AddLog, Answer, WitnessState, admit, decide
from evidence.errors import EvidenceError, UnknownLog, WitnessConflict, WitnessRefused
from evidence.ports import Envelopes
from sessions.service_errors import NodeRefused

ReadLog = Callable[[str], Awaitable[Sequence[bytes]]]


class MemoryWitness:
    """An `evidence.ports.Witness` that decides by the real recipes. `pin` tells it whom to trust."""

    def __init__(self, *, domain: str, clock: Callable[[], float]) -> None:
        self._signer = NoteSigner(domain, COSIGNATURE_V1, Ed25519PrivateKey.generate())
        self._clock = clock
        self._policy: Policy | None = None
        self._identity: Object = {}
        self._states: dict[str, WitnessState] = {}

    @property
    def vkey(self) -> VerifierKey:
        return self._signer.vkey

    def pin(self, policy: Policy, identity: Object) -> None:
        """The agreement's policy and the main centre's identity key."""
        self._policy, self._identity = policy, identity
        self._states[policy.log.name] = WitnessState(policy.log)

    async def add_checkpoint(self, request: AddCheckpoint) -> list[str]:
        decision = decide(self._states.get(request.checkpoint.origin), request, int(self._clock()))
        if decision.answer is Answer.UNKNOWN_ORIGIN:
            raise UnknownLog(request.checkpoint.origin)
        if decision.answer is Answer.CONFLICT:
            raise WitnessConflict(decision.size)
        if decision.answer is not Answer.COSIGNED or decision.state is None:
            raise WitnessRefused(decision.answer.value)
        self._states[request.checkpoint.origin] = decision.state
        return [self._signer.line(decision.text, time=decision.state.time)]

    async def add_log(self, request: AddLog) -> None:
        if self._policy is None:
            raise WitnessRefused("nothing is pinned yet")
        state = admit(request, self._policy, self._identity)
        self._states.setdefault(state.log_key.name, state)


class MemoryHolder:
    """A `sessions.ports.HolderNode` of the centre `domain`."""

    def __init__(
        self,
        *,
        domain: str,
        read: ReadLog,
        envelopes: Envelopes,
        entropy: Callable[[int], bytes],
        now: Callable[[], int],
    ) -> None:
        self.domain = domain
        self.signer = SoftwareSigner(ec.generate_private_key(ec.SECP256R1()))
        self._read = read
        self._envelopes = envelopes
        self._entropy = entropy
        self._now = now
        self._keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self._acts: dict[str, list[Act]] = {}
        self._logs: dict[str, list[Entry]] = {}
        self._answers: dict[tuple[str, str, bytes], str] = {}

    async def offer(self, origin: str) -> str:
        key = self._keys.setdefault(origin, ec.generate_private_key(ec.SECP256R1()))
        return await self._answer(origin, "holder.offer", b"", {"pk": b64u(_public(key))})

    async def vouch(self, origin: str, seat: str, thumbprint: str) -> str:
        """`seat.vouch`, as the city's own operator asks for it."""
        body = {"cose": None, "seat": seat, "thumbprint": thumbprint}
        return await self._answer(origin, "seat.vouch", seat.encode(), body)

    async def ack(self, origin: str, act: bytes) -> str:
        log = await self._log(origin)
        sealed = next((e for e in log if e.act is not None and e.act.id == act), None)
        if sealed is None:
            raise NodeRefused("not-yet")
        index, share = self._share(log, sealed)
        if isinstance(share, str):
            return await self._answer(origin, "share.reject", act, {"act": b64u(act), "code": share, "index": index})
        return await self._answer(origin, "share.ack", act, {"act": b64u(act), "index": index})

    async def release(self, origin: str, freeze: bytes) -> str:
        log = await self._log(origin)
        frozen = next((e for e in log if e.leaf == freeze), None)
        if frozen is None:
            raise NodeRefused("not-yet")
        shares = []
        for _, listed in frozen.body["sheets"]:
            sealed = next(e for e in log if e.act is not None and e.act.id == unb64u(listed, 32))
            _, share = self._share(log, sealed)
            if isinstance(share, str):
                raise NodeRefused("freeze-incomplete")
            shares.append([listed, b64u(share)])
        return await self._answer(origin, "share.release", freeze, {"freeze": b64u(freeze), "shares": shares})

    def _share(self, log: Sequence[Entry], sealed: Entry) -> tuple[int, bytes | str]:
        """This holder's index and its share, or the code to reject the dealing with."""
        founded, frozen = log[0].act, [e for e in log if e.type == "HoldersFrozen"][-1]
        if founded is None or sealed.act is None:
            raise NodeRefused("not-yet")
        domains = founded.body["holders"]
        index = domains.index(self.domain) + 1
        offers = {e.leaf: e.act for e in log if e.type == "HolderOffered" and e.act is not None}
        body = sealed.act.body
        try:
            envelope = Envelope.parse(body["envelope"])
            context = Context(
                purpose=envelope.purpose,
                origin=sealed.origin,
                author=sealed.act.sub,
                round=body["round"],
                subject=envelope.c or b"",
                k=frozen.body["k"],
                holders=tuple(unb64u(offers[unb64u(leaf)].body["pk"], 65) for leaf in frozen.body["offers"]),
            )
            return index, self._envelopes.open_share(envelope, context, index, self._keys[sealed.origin])
        except EvidenceError as error:
            return index, error.code

    async def _answer(self, origin: str, name: str, subject: bytes, body: Object) -> str:
        """The act on this subject; made once."""
        log = await self._log(origin)
        key = (origin, name, subject)
        if key in self._answers:
            return self._answers[key]
        tree = Tree([entry.leaf for entry in log])
        mine = self._acts.setdefault(origin, [])
        made = acts.make(
            self.signer,
            act=name,
            aud=origin,
            sub=self.domain,
            body=body,
            ctr=len(mine) + 1,
            iat=self._now(),
            prev=mine[-1].id if mine else NO_ACT,
            seen=(len(tree), tree.root()),
        )
        mine.append(made)
        return self._answers.setdefault(key, made.jws)

    async def _log(self, origin: str) -> list[Entry]:
        data = await self._read(origin)
        known = self._logs.setdefault(origin, [])
        known += [entry_form.parse(octets) for octets in data[len(known) :]]
        return known


def _public(key: ec.EllipticCurvePrivateKey) -> bytes:
    numbers = key.public_key().public_numbers()
    return b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
