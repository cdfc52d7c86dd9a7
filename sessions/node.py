"""A city node: witness of the main centre's logs, holder of shares, and its city's voice for its own seats.

Everything it says about a proceeding comes from its own replay (`sessions.node_mirror`) under its own pins. Every act
is on disk before it is answered, and the same question gets the same octets for ever.

Draws: `sessions.node_drawing`. Release, for a freeze (protocols.md section 3):
(R1) this node's own replay from entry 0 has this state, and leads to the checkpoint's root;
(R2) gate G2: the approval's entry (ballots: the freeze) has the quorum of this node's own policy, in this very history;
(R3) the freeze lists each required member with its current, acknowledged seal;
(R4) the approval names every seat without `freeze.ok`, and no dispute is open;
(R5) no share of this round left for another freeze: recorded in one write with the act, with fsync, before answering.

The same without the main server: `sessions.node_opening`. What seats leave here while it is away:
`sessions.node_journal`.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from evaluation.core.rounds import Round
from evidence.core import act as acts
from evidence.core.act import Act
from evidence.core.canonical import JSON, Object, b64u, encode, sha256, unb64u
from evidence.core.origins import proceeding_of
from evidence.core.tiles import Tile, write_bundle
from evidence.errors import UnknownLog
from evidence.ports import Envelopes
from evidence.witnessing import read_signed
from sessions import node_drawing
from sessions.core.commands import Perform
from sessions.core.drawing import bound
from sessions.core.identity import comparison_code
from sessions.core.proceeding import decide
from sessions.node_continuing import Continuing
from sessions.node_copy import LogCopy
from sessions.node_errors import (
    AlreadyVouched,
    ForeignSeat,
    NodeStateBroken,
    NotAHolder,
    NotPartnership,
    NotYet,
    OtherCode,
    ReleaseRefused,
)
from sessions.node_holder import Dealt, dealt, find_freeze, find_seal, holder_index, releasable
from sessions.node_identity import checked, same_code, vouch_subject
from sessions.node_journals import Journals
from sessions.node_keys import NodeKeys, holder_key, make_holder_key, public_point
from sessions.node_mirror import Mirror
from sessions.node_opening import Opening
from sessions.node_ports import LogSource, NodeStore
from sessions.node_witness import CityWitness
from sessions.trust import Pins

BY_PARTNER = frozenset({"agreement.sign", "agreement.end", "invitation.accept", "invitation.decline", "venue.name"})
OFFER, ACK, RELEASE, VOUCH = "offer", "ack", "release", "vouch"
CONTRIBUTE, REVEAL, CUSTODY = "contribute", "reveal", "custody"
"""Kinds of questions; with its subject each is answered once."""
# The main server's door at which a node hands in vouchers that nobody asked it for.
VOUCHES = "vouches"


class CityNode:
    """`clock` gives seconds since the epoch. One question at a time per log; logs do not wait for each other."""

    def __init__(
        self,
        *,
        keys: NodeKeys,
        pins: Pins,
        store: NodeStore,
        source: LogSource,
        envelopes: Envelopes,
        clock: Callable[[], float],
    ) -> None:
        self.witness = CityWitness(pins=pins, store=store, signer=keys.witness, clock=clock)
        self._keys = keys
        self._pins = pins
        self._store = store
        self._source = source
        self._envelopes = envelopes
        self._clock = clock
        self.replayed: dict[str, Mirror] = {}  # what this process has read of each log
        self._centre: LogCopy | None = None
        self._copying = asyncio.Lock()
        self._locks: dict[str, asyncio.Lock] = {}
        self.journals = Journals(node=self, store=store, source=source)
        self.continuing = Continuing(node=self, keys=keys, store=store, source=source, clock=clock)
        self.opening = Opening(node=self, store=store, envelopes=envelopes, clock=clock)

    @property
    def domain(self) -> str:
        return self._keys.domain

    @property
    def pins(self) -> Pins:
        """The agreement as this city pinned it."""
        return self._pins

    def now(self) -> float:
        """This node's clock, in seconds since the epoch."""
        return self._clock()

    def trust(self) -> dict[str, Any]:
        """Policy and trust for the city's own seats, as this city pinned them: exact text, whose hashes seats state."""
        return {"policy": self._pins.policy_text, "trust": json.loads(self._pins.trust_text)}

    async def offer(self, origin: str) -> str:
        """`holder.offer`: a fresh key for this proceeding, made once; and once more where this node succeeds one that
        is lost, its own city's earlier one included."""
        async with self.question(origin, OFFER, b"") as (stored, mirror):
            if stored is None:
                await self._show(mirror, lambda: mirror.state.founding is not None)
            if stored is not None or self.domain not in mirror.state.holders or mirror.state.offers.get(self.domain):
                await mirror.catch_up()
            state = mirror.state
            if self.domain in state.successors:
                version = len(state.evaluation.holder_sets) + 1
            elif stored is not None:
                return stored
            else:
                version = 1
                holder_index(state.evaluation, self.domain)
            key = await asyncio.to_thread(make_holder_key, self._store, origin, version)
            subject = b"" if version == 1 else b"%d" % version
            return await self.sign(mirror, OFFER, subject, "holder.offer", {"pk": b64u(public_point(key))})

    async def ack(self, origin: str, act: bytes) -> str:
        """`share.ack` or `share.reject` of the sealed act of this id."""
        async with self.question(origin, ACK, act) as (stored, mirror):
            if stored is not None:
                return stored
            await self._show(mirror, lambda: act in mirror.state.acts)
            if any(made.id == act for drawn in mirror.state.drawing.draws for made in drawn.contributions.values()):
                name, body = node_drawing.answer(self._contributed(mirror, act))
                return await self.sign(mirror, ACK, act, name, body)
            answer = self._dealt(mirror, act)
            if answer.y is not None:
                await self._copy_ciphertext(mirror, answer)
            return await self.sign(mirror, ACK, act, answer.act, answer.body)

    async def release(self, origin: str, freeze: bytes) -> str:
        """`share.release` for the freeze of this leaf hash, by R1 to R5."""
        async with self.question(origin, RELEASE, freeze) as (stored, mirror):
            if stored is not None:
                return stored
            # R1
            await mirror.catch_up()
            if node_drawing.is_draw(mirror.state, freeze):
                return await self._release_contributions(mirror, freeze)
            state = mirror.state.evaluation
            found = find_freeze(state, freeze)
            # R3 and R4
            gate = releasable(state, found)
            # R2
            await mirror.quorum(gate)
            await self.opening.keep(mirror)
            return await self.give(mirror, found, freeze)

    async def give(self, mirror: Mirror, found: Round, freeze: bytes) -> str:
        """`share.release` for a freeze that R1 to R4 hold for; R5. The same for whoever asks, and for ever."""
        shares: list[JSON] = []
        for act in found.listed:
            share = self._dealt(mirror, act)
            if share.y is None:
                raise ReleaseRefused("this holder's share of a listed seal was dealt badly")
            shares.append([b64u(act), b64u(share.y)])
        # R5
        body: Object = {"freeze": b64u(freeze), "shares": shares}
        once = (found.purpose, found.number, freeze)
        return await self.sign(mirror, RELEASE, freeze, "share.release", body, once=once)

    async def contribute(self, origin: str, opened: bytes) -> str:
        """`draw.contribute` to the draw that this leaf opened, by C1 to C3."""
        async with self.question(origin, CONTRIBUTE, opened) as (stored, mirror):
            if stored is not None:
                return stored
            # C1
            await mirror.catch_up()
            found = node_drawing.opened(mirror.state, opened)
            context = bound(mirror.state, found, self.domain)
            key = self._key(mirror)
            if key is None or public_point(key) not in context.holders:
                raise NotAHolder("this node's own key is not among the holders shown")
            # C2
            await mirror.quorum(found.n)
            # C3
            sealed = await asyncio.to_thread(self._envelopes.seal, context, None, os.urandom)
            envelope, _ = await asyncio.to_thread(node_drawing.keep, self._store, origin, found, sealed)
            body: Object = {"opened": b64u(opened), "envelope": envelope.json}
            return await self.sign(mirror, CONTRIBUTE, opened, "draw.contribute", body)

    async def reveal(self, origin: str, freeze: bytes) -> str:
        """`draw.reveal` for the draw that this leaf froze, by V1 to V3."""
        async with self.question(origin, REVEAL, freeze) as (stored, mirror):
            if stored is not None:
                return stored
            await mirror.catch_up()
            found, frozen = node_drawing.frozen(mirror.state, freeze)
            # V1
            secret = node_drawing.own_secret(self._store, origin, found, frozen, self.domain)
            # V2
            await mirror.quorum(frozen.n)
            # V3
            body: Object = {"freeze": b64u(freeze), "s": b64u(secret)}
            once = (f"reveal {found.name}", found.attempt, freeze)
            return await self.sign(mirror, REVEAL, freeze, "draw.reveal", body, once=once)

    async def freeze_pool(self, origin: str, count: int, root: bytes) -> str:
        """`pool.freeze`, as the city's own operator asks for it: this centre keeps the pool."""
        body: Object = {"count": count, "root": b64u(root)}
        return await self._custody(origin, "pool.freeze", body)

    async def drawn(self, origin: str, name: str) -> list[bytes]:
        """The entries that a custodian's program reads before it says who was drawn (`sessions.core.drawn_list`).

        From this node's own replay, and only once the result has the quorum: on the word of the main server alone
        nobody is called.
        """
        async with self.question(origin, CUSTODY, b"") as (_, mirror):
            await mirror.catch_up()
            places = await asyncio.to_thread(node_drawing.result, mirror.state, name, self._envelopes)
            await mirror.quorum(places[-1])
            return [mirror.entries[n].data for n in places]

    async def answer(self, origin: str, opened: bytes, answers: list[JSON]) -> str:
        """`draw.answer`, as the city's own operator asks for it: who was called, and what they said."""
        return await self._custody(origin, "draw.answer", {"opened": b64u(opened), "answers": answers})

    async def seat(self, origin: str, seat: str, replaces: str | None, source: Object, person: str) -> str:
        """`member.seat`, as the city's own operator asks for it: `person` is the digest of the disclosure, which never
        comes here."""
        unb64u(person, 32)
        body: Object = {"seat": seat, "replaces": replaces, "source": source}
        return await self._custody(origin, "member.seat", body, (person,))

    async def _custody(self, origin: str, name: str, body: Object, sd: tuple[str, ...] = ()) -> str:
        subject = sha256(name.encode() + encode([body, *sd] if sd else body))
        async with self.question(origin, CUSTODY, subject) as (stored, mirror):
            if stored is None:
                await mirror.catch_up()
                stored = await self.sign(mirror, CUSTODY, subject, name, body, sd=sd)
            return stored

    async def vouch(self, origin: str, seat: str, thumbprint: str) -> str:
        """`seat.vouch` for a seat of this centre, whose person the city's officers saw."""
        unb64u(thumbprint, 32)
        async with self.question(origin, VOUCH, seat.encode()) as (_, mirror):
            return await self._vouch(mirror, seat, thumbprint)

    async def vouch_upon(self, origin: str, check: int) -> str:
        """`seat.vouch` upon an identity check, by I1 to I3 of `sessions.node_identity`."""
        async with self.question(origin, VOUCH, b"") as (_, mirror):
            await self._show(mirror, lambda: mirror.state.founding is not None and check < len(mirror.entries))
            seat, thumbprint = checked(mirror, check, domain=self.domain, identity=self._keys.identity.jwk)
            return await self._vouch(mirror, seat, thumbprint)

    async def vouch_by_code(self, origin: str, seat: str, code: str) -> str:
        """`seat.vouch` for the key that the seat's device announced, whose comparison code the city's officer read from
        the device itself; handed in at the main server."""
        shown = (await self._source.announced(origin)).get(seat)
        if shown is None:
            raise NotYet(f"no device of {seat[:40]!r} has announced a key")
        if not same_code(comparison_code(proceeding_of(origin), seat, shown), code):
            raise OtherCode("the device that the main server shows has another comparison code")
        act = await self.vouch(origin, seat, shown)
        await self._source.bring(origin, VOUCHES, act)
        return act

    async def _vouch(self, mirror: Mirror, seat: str, thumbprint: str) -> str:
        """The voucher for the seat's present device; another device needs that the log states this one lost."""
        subject = vouch_subject(mirror, seat)
        stored = self._store.act(mirror.origin, VOUCH, subject)
        if stored is None or acts.parse(stored).body["thumbprint"] != thumbprint:
            await mirror.catch_up()
            subject = vouch_subject(mirror, seat)
            stored = self._store.act(mirror.origin, VOUCH, subject)
        if stored is None:
            await self._show(mirror, lambda: mirror.state.founding is not None)
            if seat not in mirror.state.seats or mirror.state.seats[seat].centre != self.domain:
                raise ForeignSeat(f"{seat[:40]!r} is no seat of {self.domain}")
            body: Object = {"seat": seat, "thumbprint": thumbprint, "cose": None}
            stored = await self.sign(mirror, VOUCH, subject, "seat.vouch", body)
        if acts.parse(stored).body["thumbprint"] != thumbprint:
            raise AlreadyVouched(f"{seat} was vouched for with another key")
        return stored

    def partnership(self, act: str, aud: str, body: Object, chain: tuple[int, bytes], sd: tuple[str, ...]) -> str:
        """An act of this centre between proceedings (docs/protocol.md 10.1), at its place `chain` (ctr, prev).

        Only these acts, and only towards the host that this city pinned: what is signed here can stand in no
        proceeding's log and in nobody else's agreement.
        """
        if act not in BY_PARTNER or not aud.startswith(f"{self._pins.trust.main}/agreements/"):
            raise NotPartnership(f"{act[:40]!r} for {aud[:80]!r} is nothing that a partner signs")
        ctr, prev = chain
        made = acts.make(
            self._keys.identity,
            act=act,
            aud=aud,
            sub=self.domain,
            body=body,
            ctr=ctr,
            iat=int(self._clock()),
            prev=prev,
            sd=sd,
        )
        return made.jws

    async def follow(self, origin: str) -> None:
        """Bring the copy of a log, the centre log included, up to what the main server shows."""
        if origin == self._pins.policy.log.name:
            async with self._copying:
                if self._centre is None:
                    make = partial(LogCopy, origin=origin, store=self._store, source=self._source)
                    self._centre = await asyncio.to_thread(make)
                await self._centre.catch_up()
            return
        async with self._replayed(origin) as mirror:
            await mirror.catch_up()
            await self.opening.keep(mirror)

    def head(self, origin: str) -> bytes | None:
        """The checkpoint of exactly what this node's copy of a log holds."""
        return self._store.head(origin)

    def bundle(self, origin: str, tile: Tile) -> bytes | None:
        """A bundle of the entries of that copy, as far as it is whole there."""
        note, (start, stop) = self._store.head(origin), tile.span
        if note is None or tile.level is not None or stop > read_signed(note).size:
            return None
        return write_bundle(self._store.entries(origin, start, stop))

    def kept(self, sha256_: bytes) -> bytes | None:
        """A ciphertext that this node keeps as a holder."""
        return self._store.object(sha256_)

    @asynccontextmanager
    async def question(self, origin: str, kind: str, subject: bytes) -> AsyncIterator[tuple[str | None, Mirror]]:
        """The answer that was given before, if there is one, and the mirror; one question at a time per log."""
        async with self._replayed(origin) as mirror:
            yield self._store.act(origin, kind, subject), mirror

    @asynccontextmanager
    async def _replayed(self, origin: str) -> AsyncIterator[Mirror]:
        """This node's replay of a proceeding's log, for nobody else at the same time."""
        if origin not in self._locks:
            if not self._store.opening(origin):
                raise UnknownLog("no add-log admitted this proceeding")
            self._locks[origin] = asyncio.Lock()
        async with self._locks[origin]:
            mirror = self.replayed.get(origin)
            if mirror is None:
                mirror = await asyncio.to_thread(self._load, origin)
                self.replayed[origin] = mirror
            yield mirror

    def _load(self, origin: str) -> Mirror:
        return Mirror(origin=origin, pins=self._pins, store=self._store, source=self._source)

    async def _show(self, mirror: Mirror, there: Callable[[], bool]) -> None:
        """Catch up until the log shown holds what was asked for, or NotYet."""
        if not there():
            await mirror.catch_up()
        if not there():
            raise NotYet("the log shown does not hold it yet")

    def _key(self, mirror: Mirror, sealed: bytes | None = None) -> ec.EllipticCurvePrivateKey | None:
        """This node's key among the holders in force, or of the set `sealed`: the newest that it made until then."""
        sets = mirror.state.evaluation.holder_sets
        upto = next((n for n, found in enumerate(sets, 1) if found.set == sealed), len(sets))
        made = (holder_key(self._store, mirror.origin, version) for version in range(max(upto, 1), 0, -1))
        return next((key for key in made if key is not None), None)

    def _dealt(self, mirror: Mirror, act: bytes) -> Dealt:
        state = mirror.state.evaluation
        found, seal = find_seal(state, act)
        key = self._key(mirror, seal.envelope.set)
        if key is None:
            raise NotYet("this node made no offer here")
        return dealt(state, found, seal, domain=self.domain, key=key, envelopes=self._envelopes)

    def _contributed(self, mirror: Mirror, act: bytes) -> node_drawing.Share:
        found, made = mirror.state.drawing.contribution(act)
        key = self._key(mirror)
        if key is None:
            raise NotYet("this node made no offer here")
        return node_drawing.dealt(mirror.state, found, made, domain=self.domain, key=key, envelopes=self._envelopes)

    async def _release_contributions(self, mirror: Mirror, freeze: bytes) -> str:
        """`share.release` for a draw, in place of those who did not reveal: D1 to D4."""
        found, frozen = node_drawing.frozen(mirror.state, freeze)
        # D2 to D4
        missing = node_drawing.missing(found, now=int(self._clock()), envelopes=self._envelopes)
        # D1
        await mirror.quorum(frozen.n)
        shares: list[JSON] = []
        for made in missing:
            share = self._contributed(mirror, made.id)
            if share.y is None:
                raise ReleaseRefused("this holder's share of a missing contribution was dealt badly")
            shares.append([b64u(made.id), b64u(share.y)])
        body: Object = {"freeze": b64u(freeze), "shares": shares}
        once = (f"shares {found.name}", found.attempt, freeze)
        return await self.sign(mirror, RELEASE, freeze, "share.release", body, once=once)

    async def _copy_ciphertext(self, mirror: Mirror, answer: Dealt) -> None:
        """The holder keeps what it helps to open: with k copies no server is needed (protocols.md 3)."""
        envelope = answer.seal.envelope
        if envelope.ct_sha256 is None or envelope.ct_size is None:
            return
        if self._store.object(envelope.ct_sha256) is not None:
            return
        data = await self._source.object(mirror.origin, envelope.ct_sha256, envelope.ct_size)
        if data is None or len(data) != envelope.ct_size or sha256(data) != envelope.ct_sha256:
            raise NotYet("the ciphertext that the seal names is not shown")
        await asyncio.to_thread(self._store.put_object, data)

    async def sign(
        self,
        mirror: Mirror,
        kind: str,
        subject: bytes,
        name: str,
        body: Object,
        *,
        once: tuple[str, int, bytes] | None = None,
        sd: tuple[str, ...] = (),
    ) -> str:
        """The stored answer, or this act as the next of the node's chain in this log, on disk.

        An act that the rules would refuse is not signed: the log could never take it, nor any later one of this chain.
        (A release is signed as soon as R1 to R5 hold, whatever the server still has to state.)
        """

        def make(ctr: int, prev: bytes) -> Act:
            own = mirror.state.keys.get(acts.thumbprint(self._keys.identity.jwk))
            if own is not None and ctr == 1 and name == "holder.offer" and self.domain in mirror.state.successors:
                # A node set up anew after the loss of the old one, by the supervisor's order: it goes on where the log
                # shows the chain of its city's key.
                ctr, prev = own.ctr + 1, own.last
            if own is not None and ctr == 1 and mirror.continues_unsigned(self.domain):
                # The first act in a log that continues another one: the chain goes on as far as the log has it.
                ctr, prev = own.ctr + 1, own.last
            if own is not None and own.ctr >= ctr:
                raise NodeStateBroken("the log holds acts of this node that its store does not: an old backup")
            made = acts.make(
                self._keys.identity,
                act=name,
                aud=mirror.origin,
                sub=self.domain,
                body=body,
                ctr=ctr,
                iat=int(self._clock()),
                prev=prev,
                seen=mirror.seen,
                sd=sd,
            )
            if kind != RELEASE:
                decide(mirror.state, Perform(made), at=mirror.entries[-1].at, entropy=b"")
            return made

        return await asyncio.to_thread(lambda: self._store.sign(mirror.origin, kind, subject, make, once=once))
