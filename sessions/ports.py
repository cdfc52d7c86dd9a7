"""What the meeting needs from outside, in MUST / MUST NOT. (Ledger, Vault, Witness: `evidence.ports`; MediaEngine:
`media.ports`; CloudSigner: `signing.ports`.)"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from evidence.core.act import Signer
from evidence.core.canonical import Object
from evidence.core.note import NoteSigner
from evidence.core.tiles import Tile
from media.core.plan import RoomPlan
from media.ports import MediaEngine
from signing.core.prepared import Prepared


class HolderNode(Protocol):
    """A city node as the main server asks it (docs/protocol.md section 8). Every answer is the JWS of an act of that
    node. The same question MUST get the same answer. NodeUnavailable where it did not answer; NodeRefused, with the
    node's code, where it answered no: `not-yet` means that the log it was shown does not hold what it is asked for.
    """

    async def offer(self, origin: str) -> str:
        """`holder.offer` for this proceeding."""

    async def ack(self, origin: str, act: bytes) -> str:
        """`share.ack` or `share.reject` of the sealed act of this id."""

    async def release(self, origin: str, freeze: bytes) -> str:
        """`share.release` for the freeze of this leaf hash; R1-R5 are the node's own. For a draw: the
        shares of those who are stated missing."""

    async def contribute(self, origin: str, opened: bytes) -> str:
        """`draw.contribute` to the draw that this leaf hash opened."""

    async def reveal(self, origin: str, freeze: bytes) -> str:
        """`draw.reveal` for the draw that this leaf hash froze."""

    async def state(self, origin: str, size: int, root: bytes) -> tuple[str, bytes]:
        """`copy.state` about what is left of a log, and the note that was cosigned last (docs/protocol.md 11.2)."""

    async def vouch_upon(self, origin: str, check: int) -> str:
        """`seat.vouch` for the seat of its own centre that its own operator checked in entry `check`."""


class LogMirror(Protocol):
    """A city's copy of the main centre's logs, as its node shows it. Nothing that it returns is trusted. Every method
    MUST raise Unavailable where no answer came, and MUST NOT return more than the answer's legal size."""

    async def checkpoint(self, origin: str) -> bytes | None:
        """The checkpoint of exactly what the copy holds; None where it holds nothing."""

    async def bundle(self, origin: str, tile: Tile) -> bytes:
        """A bundle of entries (C2SP tlog-tiles)."""

    async def object(self, sha256_: bytes) -> bytes | None:
        """A ciphertext that the city keeps as a holder, or None."""


class Keyring(Protocol):
    """The main server's keys. Log keys MUST lie sealed, MUST be durable before `create` returns and MUST be gone for
    good after `destroy`: a closed log cannot grow."""

    @property
    def identity(self) -> Signer:
        """The centre's identity key, ES256."""

    @property
    def centre_log(self) -> NoteSigner:
        """The key of the centre log; its name is the log's origin."""

    def create(self, origin: str) -> NoteSigner:
        """The key of a proceeding's log; the one that stands there, if there is one."""

    def log_key(self, origin: str) -> NoteSigner | None:
        """The key, or None where it was never made or was destroyed."""

    def destroy(self, origin: str) -> None:
        """The key no longer exists; no error where it did not."""


class Preparations(Protocol):
    """Which prepared revision a hash to be signed belongs to, by proceeding. MUST be durable before `keep` returns."""

    def keep(self, proceeding: str, dtbs: bytes, revision: bytes) -> None:
        """`revision` is the SHA-256 of the prepared bytes in the vault."""

    def find(self, proceeding: str, dtbs: bytes) -> bytes | None:
        """The revision, or None."""


class ReportSigner(Protocol):
    """The report as a PDF that takes signatures; `signing.adapters.pades`, as a module, is one."""

    def lock_report(self, pdf: bytes, seats: Sequence[str]) -> bytes:
        """One empty signature field per seat. MUST give the same bytes for the same input."""

    def prepare(
        self, pdf: bytes, *, seat: str, certificates: Sequence[bytes], reason: str | None, at: datetime
    ) -> Prepared:
        """The next revision with a hole for the signature of `seat`."""


class ReportRenderer(Protocol):
    """The report's content as a PDF or a workbook, or its addendum as a page: the same bytes for the same content."""

    def __call__(self, content: Object, /) -> bytes: ...


class DocumentReader(Protocol):
    """Reads PDFs that bidders made. MUST end in bounded time and memory whatever the document is, and MUST NOT run
    anything in it. The same engine MUST read the same document alike."""

    @property
    def engine(self) -> str:
        """Which programs read, with their versions."""

    async def read(self, document: bytes, /) -> tuple[list[list[str]] | None, list[str]] | str:
        """[source, value] of its metadata (None: unreadable) and the text of each page; or why it was not examined."""


class MediaEngines(Protocol):
    """Where each proceeding's media worker is."""

    async def connect(self, plan: RoomPlan) -> MediaEngine:
        """A connection to the proceeding's worker, not yet opened; MediaUnavailable. Whoever gets it closes it."""


class Clock(Protocol):
    """The time of day."""

    def __call__(self) -> datetime:
        """Now, with its time zone."""


class Entropy(Protocol):
    """A cryptographic source of randomness."""

    def __call__(self, n: int, /) -> bytes:
        """`n` unpredictable bytes."""
