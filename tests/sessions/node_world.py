"""A main centre with its logs in memory, and the pins of an agreement, for tests of nodes and seats.

`Main` is a `LogSource`: what a node would pull over HTTP. It keeps every promise unless a test tells it to lie, or that
it is `away`.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.core import act as acts
from evidence.core import entry as entry_form
from evidence.core.act import NO_ACT, NOTHING_SEEN, Act, SoftwareSigner
from evidence.core.canonical import Object, b64, encode, sha256
from evidence.core.entry import Draft, Entry
from evidence.core.merkle import Tree
from evidence.core.note import COSIGNATURE_V1, ED25519, Checkpoint, NoteSigner, sign, with_lines
from evidence.core.policy import Policy
from evidence.core.proof import Proof
from evidence.core.tiles import Tile, write_bundle
from evidence.core.witness import AddCheckpoint, AddLog
from evidence.errors import Unavailable
from sessions.node_errors import NotYet
from sessions.node_keys import NodeKeys
from sessions.trust import Pins

MAIN = "hohhot.example"
CITIES = ("zhongshan.example", "zhuhai.example", "finance.example")
CALLED = {"zh": "中山", "en": "Zhongshan"}
"""What the agreement calls the first of them; of the others it says nothing."""
PROCEEDING = f"{MAIN}/proceedings/{'a' * 26}"
CENTRE = f"{MAIN}/centre"
AT = "2026-11-21T08:00:00.123Z"
NOW = 1_795_248_000

_salts = itertools.count()


def salt() -> bytes:
    """Sixteen bytes, different each time and the same in each run."""
    return hashlib.sha256(b"salt %d" % next(_salts)).digest()[:16]


def new_signer() -> SoftwareSigner:
    return SoftwareSigner(ec.generate_private_key(ec.SECP256R1()))


def new_log_signer(origin: str) -> NoteSigner:
    return NoteSigner(origin, ED25519, Ed25519PrivateKey.generate())


def new_keys(domain: str) -> NodeKeys:
    """A city node's keys without a store."""
    witness = NoteSigner(f"{domain}/witness", COSIGNATURE_V1, Ed25519PrivateKey.generate())
    return NodeKeys(domain, new_signer(), witness)


@dataclass
class Log:
    """One log; `notes` is the newest checkpoint with the cosignatures it got, by size."""

    origin: str
    signer: NoteSigner
    entries: list[Entry] = field(default_factory=list)
    tree: Tree = field(default_factory=Tree)

    def append(self, drafts: Sequence[Draft]) -> list[Entry]:
        written = []
        for draft in drafts:
            entry = entry_form.write(draft, n=len(self.entries), origin=self.origin, at=AT, salt=salt())
            self.entries.append(entry)
            self.tree.append(entry.leaf)
            written.append(entry)
        return written

    def head(self, size: int | None = None) -> Checkpoint:
        size = len(self.tree) if size is None else size
        return Checkpoint(self.origin, size, self.tree.root(size))

    def note(self, size: int | None = None) -> bytes:
        return sign(self.head(size), self.signer)

    def seen(self) -> tuple[int, bytes]:
        return (len(self.tree), self.tree.root()) if len(self.tree) else NOTHING_SEEN


def request(log: Log, old: int, size: int | None = None) -> bytes:
    """An add-checkpoint body with an honest proof."""
    size = len(log.tree) if size is None else size
    proof = tuple(log.tree.consistency(old, size)) if 0 < old < size else ()
    return bytes(AddCheckpoint(old, proof, log.note(size)))


class Chain:
    """A key's acts in one log."""

    def __init__(self, *, signer: SoftwareSigner, sub: str, log: Log) -> None:
        self.signer, self.sub, self.log = signer, sub, log
        self.ctr, self.prev = 0, NO_ACT

    def act(self, name: str, body: Object, *, seen: tuple[int, bytes] | None = None) -> Act:
        made = acts.make(
            self.signer,
            act=name,
            aud=self.log.origin,
            sub=self.sub,
            body=body,
            ctr=self.ctr + 1,
            iat=NOW,
            prev=self.prev,
            seen=self.log.seen() if seen is None else seen,
        )
        self.ctr, self.prev = made.ctr, made.id
        return made


class Main:
    """The main centre: identity, centre log, one proceeding's log, objects; and the keys of three city nodes."""

    def __init__(self, cities: Sequence[NodeKeys] | None = None) -> None:
        self.identity = new_signer()
        self.cities = tuple(cities) if cities is not None else tuple(new_keys(domain) for domain in CITIES)
        self.centre = Log(CENTRE, new_log_signer(CENTRE))
        self.log = Log(PROCEEDING, new_log_signer(PROCEEDING))
        self.objects: dict[bytes, bytes] = {}
        self.by_centre = Chain(signer=self.identity, sub=MAIN, log=self.centre)
        self.shown: int | None = None
        self.devices: dict[str, str] = {}
        self.brought: list[str] = []
        self.away = False
        policy = Policy(self.centre.signer.vkey, tuple(city.witness.vkey for city in self.cities), len(self.cities))
        centres = [{"domain": MAIN, "operator": "A", "jwk": self.identity.jwk}]
        centres += [{"domain": c.domain, "operator": c.domain[0], "jwk": c.identity.jwk} for c in self.cities]
        centres[1] |= {"name": CALLED}
        trust = {"v": 1, "main": MAIN, "centres": centres, "ca_roots": [b64(b"DER")], "holder_k": 2, "f": 1}
        self.pins = Pins.parse(str(policy), encode(trust).decode())
        found = self.by_centre.act("centre.found", {"jwk": self.identity.jwk})
        self.centre.append([Draft("CentreFounded", {}, found)])
        self.opened = self.open(self.log)

    def open(self, log: Log, **changes: str) -> Entry:
        """`ProceedingOpened` of this log in the centre log; `changes` replace members of the act's body."""
        body = {"origin": log.origin, "vkey": str(log.signer.vkey), "kind": "real"} | changes
        (opened,) = self.centre.append([Draft("ProceedingOpened", {}, self.by_centre.act("proceeding.open", body))])
        return opened

    def quorum(self, log: Log, size: int | None = None, *, witnesses: int | None = None) -> bytes:
        """The log's checkpoint with the cosignatures of all the witnesses, or of so many."""
        note, text = log.note(size), log.head(size).text
        return with_lines(note, [city.witness.line(text, time=NOW) for city in self.cities[:witnesses]])

    def proof(self, log: Log, n: int, *, witnesses: int | None = None) -> bytes:
        size = len(log.tree)
        return bytes(Proof(n, tuple(log.tree.inclusion(n, size)), self.quorum(log, witnesses=witnesses)))

    def add_log(self, opened: Entry | None = None) -> bytes:
        entry = opened or self.opened
        return bytes(AddLog(entry.data, self.proof(self.centre, entry.n)))

    # LogSource

    async def checkpoint(self, origin: str) -> bytes:
        if self.away:
            raise Unavailable("cut off")
        if origin == CENTRE:
            return self.centre.note()
        if not len(self.log.tree):
            raise NotYet("empty")
        return self.log.note(self.shown)

    async def bundle(self, origin: str, tile: Tile) -> bytes:
        start, stop = tile.span
        log = self.centre if origin == CENTRE else self.log
        return write_bundle([entry.data for entry in log.entries[start:stop]])

    async def receipt(self, origin: str, n: int) -> bytes:
        return self.proof(self.log, n)

    async def object(self, origin: str, sha256_: bytes, size: int) -> bytes | None:
        return self.objects.get(sha256_)

    async def announced(self, origin: str) -> Mapping[str, str]:
        return self.devices

    async def bring(self, origin: str, door: str, act: str) -> None:
        self.brought.append(act)

    def put(self, data: bytes) -> bytes:
        self.objects[sha256(data)] = data
        return sha256(data)
