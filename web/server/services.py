"""Everything the doors stand in front of, handed in by `wiring`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evidence.core.canonical import Object
from sessions.centre import Centre
from sessions.feeds import Feeds
from sessions.keeper import ProceedingKeeper
from sessions.partner_ports import PartnerAccounts
from sessions.service import Proceedings
from sessions.tender import Staged
from sessions.trust import Pins
from sessions.webhooks import Webhooks
from web.server.cursors import Cursors
from web.server.identity import Identity
from web.server.limits import Buckets
from web.server.oauth import PartnerDoor
from web.server.ports import Pages, Uploads
from web.server.tickets import Tickets
from web.server.verifying import Verifications


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Frozen: what a route needs, it finds here."""

    origin: str
    """The one public origin, like `https://pb.example`; also the audience of nodes' tokens."""
    administrator: bytes
    """SHA-256 of the installation's administrator token."""
    pins: Pins
    """The agreement as this centre pinned it."""
    proceedings: Proceedings
    identity: Identity
    tickets: Tickets
    pages: Pages
    uploads: Uploads
    verifications: Verifications
    session_buckets: Buckets
    sign_in_buckets: Buckets
    sdp_buckets: Buckets
    object_buckets: Buckets
    partners: PartnerDoor
    partner_accounts: PartnerAccounts
    partner_buckets: Buckets
    token_buckets: Buckets
    cursors: Cursors
    feeds: Feeds
    webhooks: Webhooks
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    client: Path
    """The folder of the built client (`web/client/dist`)."""
    nodes: Mapping[str, str]
    """Where each city's node answers, by its domain."""
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process is told to stop: sockets close at once, and their seats come back to the next process."""

    @property
    def cookie(self) -> str:
        """The session cookie's name. Chromium 109 refuses the `__Host-` prefix (RFC 6265bis 4.1.3.2) over plain HTTP
        even on loopback, the one place where settings allow it; it takes `Secure` there."""
        return "__Host-sid" if self.origin.startswith("https:") else "sid"

    @property
    def identities(self) -> Mapping[str, Object]:
        """Identity keys of the agreement's centres, by domain."""
        return self.pins.trust.identities

    @property
    def ready(self) -> bool:
        return self.proceedings.ready and not self.closing.is_set()

    @property
    def centre(self) -> Centre:
        return self.proceedings.centre

    def staged(self, sha256: bytes) -> Staged | None:
        """A document that was handed in before its tender."""
        found = self.uploads.find(sha256)
        return None if found is None else Staged(found[0], found[1].pages)

    def keeper(self, proceeding: str) -> ProceedingKeeper:
        """The owner of a proceeding; UnknownProceeding where there is none."""
        return self.proceedings.get(proceeding)
