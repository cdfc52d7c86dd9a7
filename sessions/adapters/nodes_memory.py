"""City nodes inside this process, with real keys and envelopes: for tests and rehearsals.

They believe the log that `read` shows them; a real node replays it under its own pins (`sessions.node`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.core import act as acts
from evidence.core import entry as entry_form
from evidence.core.act import NO_ACT, Act, SoftwareSigner
from evidence.core.canonical import Object, b64u, unb64u
from evidence.core.continues import of_opening
from evidence.core.entry import Entry
from evidence.core.envelope import Context, Envelope
from evidence.core.merkle import Tree
from evidence.core.note import COSIGNATURE_V1, NoteSigner, VerifierKey
from evidence.core.policy import Policy
from evidence.core.witness import AddCheckpoint, AddLog, Answer, WitnessState, admit, decide
from evidence.errors import EvidenceError, UnknownLog, WitnessConflict, WitnessRefused
from evidence.ports import Envelopes, Sealed
from sessions.service_errors import NodeRefused, NodeUnavailable

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
        left = of_opening(entry_form.parse(request.entry))
        if left is not None and left.origin in self._states:
            former = self._states[left.origin]
            self._states[left.origin] = replace(former, successor=state.log_key.name)


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
        self._dealt: dict[tuple[str, bytes], Sealed] = {}

    async def offer(self, origin: str) -> str:
        key = self._keys.setdefault(origin, ec.generate_private_key(ec.SECP256R1()))
        return await self._answer(origin, "holder.offer", b"", {"pk": b64u(_public(key))})

    async def state(self, origin: str, size: int, root: bytes) -> tuple[str, bytes]:
        """It keeps no copy, so it has nothing to say."""
        raise NodeUnavailable("no copy is kept here")

    async def vouch(self, origin: str, seat: str, thumbprint: str) -> str:
        """`seat.vouch`, as the city's own operator asks for it."""
        body = {"cose": None, "seat": seat, "thumbprint": thumbprint}
        return await self._answer(origin, "seat.vouch", seat.encode(), body)

    async def vouch_upon(self, origin: str, check: int) -> str:
        """The same upon an operator's identity check, which is believed here as the log shows it."""
        log = await self._log(origin)
        if check >= len(log):
            raise NodeRefused("not-yet")
        found = log[check].act
        if found is None or found.act != "identity.check":
            raise NodeRefused("foreign-seat")
        return await self.vouch(origin, found.body["seat"], found.body["thumbprint"])

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
        if frozen.type == "DrawFrozen":
            return await self._release_contributions(log, freeze)
        shares = []
        for _, listed in frozen.body["sheets"]:
            sealed = next(e for e in log if e.act is not None and e.act.id == unb64u(listed, 32))
            _, share = self._share(log, sealed)
            if isinstance(share, str):
                raise NodeRefused("freeze-incomplete")
            shares.append([listed, b64u(share)])
        return await self._answer(origin, "share.release", freeze, {"freeze": b64u(freeze), "shares": shares})

    async def contribute(self, origin: str, opened: bytes) -> str:
        log = await self._log(origin)
        found = next((e for e in log if e.leaf == opened), None)
        if found is None:
            raise NodeRefused("not-yet")
        context = self._context(log, "draw", self.domain, _attempt(found), opened, found.body["k"])
        if (origin, opened) not in self._dealt:
            self._dealt[origin, opened] = self._envelopes.seal(context, None, self._entropy)
        body: Object = {"opened": b64u(opened), "envelope": self._dealt[origin, opened].envelope.json}
        return await self._answer(origin, "draw.contribute", opened, body)

    async def reveal(self, origin: str, freeze: bytes) -> str:
        """The secret behind this node's contribution to the draw that this leaf froze."""
        log = await self._log(origin)
        frozen = next((e for e in log if e.leaf == freeze), None)
        if frozen is None:
            raise NodeRefused("not-yet")
        opened = unb64u((frozen.act.body if frozen.act else frozen.body)["opened"], 32)
        body: Object = {"freeze": b64u(freeze), "s": b64u(self._dealt[origin, opened].secret)}
        return await self._answer(origin, "draw.reveal", freeze, body)

    async def _release_contributions(self, log: Sequence[Entry], freeze: bytes) -> str:
        stated = next((e for e in log if e.type == "RevealMissed" and e.body["freeze"] == b64u(freeze)), None)
        if stated is None:
            raise NodeRefused("not-yet")
        shares = []
        for author in stated.body["missed"]:
            made = next(e for e in log if e.type == "DrawContributed" and e.act is not None and e.act.sub == author)
            _, share = self._share(log, made)
            if isinstance(share, str) or made.act is None:
                raise NodeRefused("freeze-incomplete")
            shares.append([b64u(made.act.id), b64u(share)])
        body: Object = {"freeze": b64u(freeze), "shares": shares}
        return await self._answer(log[0].origin, "share.release", freeze, body)

    def _share(self, log: Sequence[Entry], sealed: Entry) -> tuple[int, bytes | str]:
        """This holder's index and its share, or the code to reject the dealing with."""
        founded = log[0].act
        if founded is None or sealed.act is None:
            raise NodeRefused("not-yet")
        index = founded.body["holders"].index(self.domain) + 1
        body = sealed.act.body
        try:
            envelope = Envelope.parse(body["envelope"])
            number, subject, k = body.get("round", 0), envelope.c or b"", None
            if envelope.purpose == "draw":
                subject = unb64u(body["opened"], 32)
                opened = next(e for e in log if e.leaf == subject)
                number, k = _attempt(opened), opened.body["k"]
            context = self._context(log, envelope.purpose, sealed.act.sub, number, subject, k)
            return index, self._envelopes.open_share(envelope, context, index, self._keys[sealed.origin])
        except EvidenceError as error:
            return index, error.code

    def _context(
        self, log: Sequence[Entry], purpose: str, author: str, number: int, subject: bytes, k: int | None
    ) -> Context:
        """What an envelope is bound to; the round's k where none is given."""
        frozen = [e for e in log if e.type == "HoldersFrozen"][-1]
        offers = {e.leaf: e.act for e in log if e.type == "HolderOffered" and e.act is not None}
        return Context(
            purpose=purpose,
            origin=log[0].origin,
            author=author,
            round=number,
            subject=subject,
            k=frozen.body["k"] if k is None else k,
            holders=tuple(unb64u(offers[unb64u(leaf)].body["pk"], 65) for leaf in frozen.body["offers"]),
        )

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


def _attempt(opened: Entry) -> int:
    """By an act, or by the rules: then the body holds it."""
    return int((opened.act.body if opened.act else opened.body)["attempt"])


def _public(key: ec.EllipticCurvePrivateKey) -> bytes:
    numbers = key.public_key().public_numbers()
    return b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
