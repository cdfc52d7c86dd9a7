"""Signing the report: one seat after the other, each over bytes that were fixed before it saw their hash.

(1) `prepare`: a member whose turn it is gets the next revision of the report, made and stored before its hash is shown.
(2) The seat signs `report.sign` over that hash; `revision_of` finds the stored bytes; `SignatureAuthorised` is durable.
(3) `finish`, a duty: the signing service signs, the new revision goes into the vault, `ReportSigned` into the log.
A process that dies between (1), (2) and (3) finds everything again; the signing service answers the same act with the
same signature.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from evaluation.core import tender
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, sha256, unb64u
from evidence.ports import Vault
from sessions.core import commands, confirming, signing_off
from sessions.docket import Docket
from sessions.errors import SigningTurn
from sessions.people import People
from sessions.ports import Clock, Preparations, ReportSigner
from sessions.service_errors import NothingToSign, StaleRevision
from signing.core.authorisation import check_time
from signing.core.credential import Holder
from signing.core.prepared import Prepared
from signing.ports import CloudSigner, Issued


@dataclass(frozen=True, slots=True)
class _Turn:
    """Who prepared last, over which revision, and until when nobody else may."""

    seat: str
    base: bytes
    revision: bytes
    prepared: Prepared
    ends: float


class SigningDesk:
    """One proceeding's desk. `now` is a monotonic clock in seconds."""

    def __init__(
        self,
        *,
        docket: Docket,
        vault: Vault,
        cloud: CloudSigner,
        reports: ReportSigner,
        preparations: Preparations,
        people: People,
        clock: Clock,
        now: Callable[[], float],
        turn: float,
    ) -> None:
        self._docket = docket
        self._vault = vault
        self._cloud = cloud
        self._reports = reports
        self._preparations = preparations
        self._people = people
        self._clock = clock
        self._now = now
        self._turn_s = turn
        self._turn: _Turn | None = None
        self._preparing = asyncio.Lock()

    async def prepare(self, seat: str) -> Object:
        """What the seat has to sign over; the same again while its turn lasts."""
        async with self._preparing:
            state = self._docket.state
            if state.report is None or not signing_off.may_sign(state, seat):
                raise NothingToSign(f"{seat} has nothing to sign")
            confirming.check(state, seat)
            if state.report.pending is not None:
                raise SigningTurn(f"the signature of {state.report.pending.seat} is under way")
            base, turn = state.report.revision, self._turn
            if turn is None or turn.base != base or turn.seat != seat:
                if turn is not None and turn.base == base and turn.ends > self._now():
                    raise SigningTurn(f"{turn.seat} is signing")
                turn = await self._prepare(seat, base)
            self._turn = turn
            return {
                "credential": state.credentials[seat].credential,
                "hashes": [b64u(turn.prepared.dtbs)],
                "document": b64u(turn.prepared.document),
                "revision": b64u(turn.revision),
            }

    async def revision_of(self, act: Act) -> bytes:
        """The stored revision that this `report.sign` is over; StaleRevision unless it follows the newest one, and
        ActFromTheFuture where the signing service would not sign for it yet."""
        check_time(act, self._clock())
        hashes = act.body.get("hashes")
        if not isinstance(hashes, list) or len(hashes) != 1:
            raise StaleRevision("one hash is signed over")
        revision = self._preparations.find(self._docket.id, unb64u(hashes[0], 32))
        if revision is None:
            raise StaleRevision("this hash was not prepared here")
        prepared = await self._load(revision)
        report = self._docket.state.report
        if report is None or prepared.seat != act.sub:
            raise StaleRevision("prepared for another seat")
        newest = await self._vault.get(report.revision.hex())
        if not prepared.revision.startswith(newest):
            raise StaleRevision("another seat signed meanwhile")
        return revision

    async def finish(self, seat: str, act_id: bytes) -> None:
        """Duty FinishSignature."""
        entry = self._docket.entry_of(act_id)
        if entry.act is None:
            raise StaleRevision("no act at that index")
        prepared = await self._load(unb64u(entry.body["revision"], 32))
        signed = await self._cloud.finish(prepared, act_jws=entry.act.jws)
        await self._vault.put(signed)
        await self._docket.execute(
            commands.RecordSignature(seat=seat, act=act_id, document=sha256(signed), size=len(signed))
        )

    async def register(self, seat: str) -> Issued:
        """The seat's credential; the same again and again."""
        state = self._docket.state
        if state.definition is None:
            raise NothingToSign("there is no definition yet")
        definition = tender.parse(await self._vault.get(state.definition.sha256.hex()))
        known = {person.seat: (person.name, person.organisation) for person in definition.members}
        name, organisation = (known | await self._people.names(state))[seat]
        jwk = state.keys[state.seat_key[seat]].jwk
        return await self._cloud.register(
            Holder(origin=state.origin, seat=seat, name=name, organisation=organisation, jwk=jwk)
        )

    async def _prepare(self, seat: str, base: bytes) -> _Turn:
        issued = await self.register(seat)
        report = await self._vault.get(base.hex())
        prepared = await asyncio.to_thread(
            self._reports.prepare,
            report,
            seat=seat,
            certificates=issued.certificates,
            reason=None,
            at=self._clock(),
        )
        data = prepared.to_json()
        revision = bytes.fromhex(await self._vault.put(data))
        await asyncio.to_thread(self._preparations.keep, self._docket.id, prepared.dtbs, revision)
        return _Turn(seat, base, revision, prepared, self._now() + self._turn_s)

    async def _load(self, revision: bytes) -> Prepared:
        return Prepared.from_json(await self._vault.get(revision.hex()))
