"""What partners are told, by whom it is heard, and when it is said again (docs/protocol.md 10.5). Pure.

A notice says that a log grew by an entry of some type, and nothing else: no name, no figure, no body. Whoever may know
more fetches it through the partner API, where permission is asked at that moment. So a notice that goes astray says
what the meeting's clock says.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from evaluation.core.stages import CHECK_IN
from evidence.core.canonical import Object, decode_object, encode, members, sha256
from evidence.core.entry import Draft
from evidence.errors import Malformed
from sessions.core.state import Proceeding

SESSION = {
    "StageAdvanced": "session.stage-advanced",
    "ProceedingPaused": "session.proceeding-paused",
    "ProceedingResumed": "session.proceeding-resumed",
    "VenueLost": "session.venue-lost",
    "VenueRejoined": "session.venue-rejoined",
    "ReportFrozen": "session.report-frozen",
    "ProceedingAborted": "session.proceeding-aborted",
    "ProceedingClosed": "session.proceeding-closed",
}
"""Events of a proceeding's log that change what a partner has to do, by their feed type. Votes, seals and scores are
not among them, so that nobody can read from the rhythm of calls who acts when."""
PARTNERSHIP = frozenset(
    {
        "agreement.offered",
        "agreement.signed",
        "agreement.ended",
        "invitation.offered",
        "invitation.withdrawn",
        "invitation.accepted",
        "invitation.declined",
        "venue.named",
        "venue.convened",
    }
)
"""Feed types of the centre log (docs/protocol.md 10.1)."""
BEFORE = frozenset({"StageAdvanced", "ProceedingAborted"})
OF_A_VENUE = frozenset({"VenueLost", "VenueRejoined"})
TYPES = PARTNERSHIP | frozenset(SESSION.values())
"""All that is ever announced."""
HMAC, ED25519 = "v1", "v1a"
"""Standard Webhooks: the schemes' names in `webhook-signature`."""
SCHEDULE_S = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
"""Standard Webhooks, "Deliverability and reliability": the pauses after the first and each later failed attempt."""
JITTER = 0.2
"""A pause is longer by up to a fifth, so that receivers that failed together are not called together."""
GONE = 410
PENDING, DELIVERED, FAILED = "pending", "delivered", "failed"
DISABLED_GONE = "gone"
ROTATION_S = 24 * 3600
"""Standard Webhooks, "Signature scheme": the old keys sign beside the new ones until receivers have changed."""


@dataclass(frozen=True, slots=True)
class Notice:
    """An entry of a log by its feed type, and the centres that may know that it is there."""

    index: int
    type: str
    audience: tuple[str, ...]

    def encode(self) -> bytes:
        """An outbox message."""
        return encode({"audience": list(self.audience), "index": self.index, "type": self.type})

    @staticmethod
    def parse(data: bytes) -> Notice:
        """The notice of an outbox message."""
        value = members(decode_object(data), {"audience": list, "index": int, "type": str})
        if not all(isinstance(centre, str) for centre in value["audience"]):
            raise Malformed("an audience is made of domains")
        return Notice(value["index"], value["type"], tuple(value["audience"]))


def notices(state: Proceeding, drafts: Sequence[Draft], first: int) -> tuple[bytes, ...]:
    """The outbox messages of an append to a proceeding's log: for every centre with a venue in it.

    `state` is the one before the append. What is announced to whom is what stands in the feed of that centre
    (`sessions.core.tenancy`): before the start only the start itself, or an abort; a venue's loss to its own centre.
    """
    everybody = frozenset(venue.centre for venue in state.venues.values())
    told = BEFORE if state.stage == CHECK_IN else SESSION.keys()
    found = []
    for index, draft in enumerate(drafts, first):
        if draft.type in told:
            audience = everybody
            if draft.type in OF_A_VENUE:
                audience = frozenset({state.venues[str(draft.body["venue"])].centre})
            found.append(Notice(index, SESSION[draft.type], tuple(sorted(audience))).encode())
    return tuple(found) if everybody else ()


@dataclass(frozen=True, slots=True)
class Key:
    """A key that signs for an endpoint; `secret` is the HMAC's or the Ed25519 private key's octets."""

    scheme: str
    secret: bytes
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a centre wants to be called. No `types`: every type. `version` grows with each change."""

    id: str
    centre: str
    url: str
    types: tuple[str, ...]
    keys: tuple[Key, ...]
    created: int
    version: int = 1
    disabled: str | None = None

    def wants(self, notice: Notice) -> bool:
        """Whether this endpoint hears of it."""
        heard = not self.types or notice.type in self.types
        return self.disabled is None and self.centre in notice.audience and heard

    def signing(self, now: float) -> tuple[Key, ...]:
        """The keys that sign now, newest first."""
        return tuple(key for key in self.keys if key.until is None or now < key.until)

    def rotated(self, fresh: Iterable[Key], now: float) -> Endpoint:
        """With fresh keys; those of before go on for a while beside them."""
        until = int(now) + ROTATION_S
        old = tuple(replace(key, until=until if key.until is None else key.until) for key in self.signing(now))
        return replace(self, keys=(*fresh, *old), version=self.version + 1)

    def without(self, reason: str) -> Endpoint:
        """Disabled."""
        return replace(self, disabled=reason, version=self.version + 1)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message on its way to an endpoint; `due` is when the next attempt is made, `status` the last answer's."""

    endpoint: str
    message: str
    body: bytes
    due: float
    state: str = PENDING
    attempts: int = 0
    status: int | None = None
    error: str | None = None

    def after(self, *, status: int | None, error: str | None, at: float, jitter: float) -> Delivery:
        """What follows from an attempt: it was heard, it is said again later, or it is given up. `status` is None
        where there was no answer; `jitter` is from [0, 1)."""
        attempts = self.attempts + 1
        tried = replace(self, attempts=attempts, status=status, error=error)
        if status is not None and 200 <= status < 300:
            return replace(tried, state=DELIVERED)
        if status == GONE or attempts > len(SCHEDULE_S):
            return replace(tried, state=FAILED)
        return replace(tried, due=at + SCHEDULE_S[attempts - 1] * (1 + JITTER * jitter))


def message_id(origin: str, index: int) -> str:
    """The same for every attempt, every endpoint and every replay: receivers know a repetition by it. It has no full
    stop, which separates the parts of what is signed."""
    digest = sha256(f"{origin}\n{index}".encode())
    return "msg_" + base64.b32encode(digest).decode().lower()[:26]


def cloud_event(log: str, notice: Notice) -> bytes:
    """CloudEvents 1.0, JSON format: the body of a call. It has no `time` and no `subject`: whoever may know them reads
    the feed from its cursor."""
    event: Object = {
        "data": {"index": notice.index, "log": log, "type": notice.type},
        "datacontenttype": "application/json",
        "id": f"{log}#{notice.index}",
        "source": log,
        "specversion": "1.0",
        "type": f"tongping.{notice.type}.v1",
    }
    return encode(event)
