"""A finished proceeding and everything that a thief could steal of it: for tests that alter and forge."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evaluation.adapters import addendum_html, report_workbook
from evidence.adapters import envelope_p256
from evidence.core import act as acts
from evidence.core import container
from evidence.core import entry as entry_form
from evidence.core.canonical import Object, b64u, decode_object, encode, sha256
from evidence.core.entry import Entry
from evidence.core.merkle import Tree, leaf_hash
from evidence.core.note import Checkpoint, NoteSigner, sign, with_lines
from evidence.core.proof import Proof
from sessions.adapters.keyring_memory import MemoryKeyring
from sessions.adapters.nodes_memory import MemoryWitness
from sessions.adapters.pdf_reading import PdfReading
from sessions.core import contents, duties
from sessions.core.state import CLOSED
from sessions.ports import DocumentReader
from sessions.verdict import Verdict
from sessions.verify import ReportValidator, verify
from signing.adapters.pades_validation import validate_report
from tests.sessions import drive
from tests.sessions.service_people import People
from tests.sessions.service_world import World, tender, until


class RememberingKeyring(MemoryKeyring):
    """A keyring whose thief copied the proceeding's log key before it was destroyed."""

    def __init__(self) -> None:
        super().__init__(domain=drive.MAIN)
        self.stolen: dict[str, NoteSigner] = {}

    def create(self, origin: str) -> NoteSigner:
        self.stolen[origin] = super().create(origin)
        return self.stolen[origin]


@dataclass(frozen=True, slots=True)
class Finished:
    """An evidence file's members, the policy folder, and the keys behind them."""

    files: Mapping[str, bytes]
    policy: Path
    origin: str
    log: NoteSigner
    centre: NoteSigner
    witnesses: tuple[NoteSigner, ...]
    keyring: RememberingKeyring = field(repr=False)

    @property
    def entries(self) -> list[Entry]:
        """The entries in their order."""
        names = sorted(name for name in self.files if name.startswith(contents.ENTRIES))
        return [entry_form.parse(self.files[name]) for name in names]

    def cosigned(self, checkpoint: Checkpoint, log: NoteSigner, *, at: int = 1_800_000_000) -> bytes:
        """A checkpoint that the log and every witness signed: what a conspiracy of all of them can make."""
        note = sign(checkpoint, log)
        return with_lines(note, [w.line(checkpoint.text, time=at) for w in self.witnesses])

    def forged(self, entries: Iterable[bytes]) -> dict[str, bytes]:
        """The whole file around other entries, signed by the log, the centre and every witness.

        Entries that would state roots of the true history keep doing so: a thief of these keys cannot make acts.
        """
        octets = list(entries)
        tree = Tree([leaf_hash(data) for data in octets])
        files = {n: d for n, d in self.files.items() if not n.startswith(contents.ENTRIES)}
        files |= {contents.entry_name(n): data for n, data in enumerate(octets)}
        files[contents.CHECKPOINT] = self.cosigned(Checkpoint(self.origin, len(tree), tree.root()), self.log)
        final = decode_object(self.files[contents.FINAL])
        act = entry_form.parse(self.files[contents.FINAL]).act
        assert act is not None
        body = {"origin": self.origin, "size": len(tree), "root": b64u(tree.root())}
        recorded = acts.make(
            self.keyring.identity,
            act="root.record",
            aud=act.aud,
            sub=act.sub,
            body=body,
            ctr=act.ctr,
            iat=act.iat,
            prev=act.prev,
            seen=act.seen,
        )
        files[contents.FINAL] = encode({**final, "act": recorded.jws})
        files[contents.FINAL_PROOF] = self.proof(files[contents.FINAL])
        return files

    def proof(self, data: bytes) -> bytes:
        """The centre's entry in a centre log of the thief's own making."""
        n = entry_form.parse(data).n
        tree = Tree([sha256(bytes([i])) for i in range(n)] + [leaf_hash(data)])
        note = self.cosigned(Checkpoint(self.centre.name, n + 1, tree.root()), self.centre)
        return bytes(Proof(n, tuple(tree.inclusion(n, n + 1)), note))


def pack(files: Mapping[str, bytes]) -> bytes:
    """The members as a container in its one form."""

    def of(data: bytes) -> Callable[[], Iterable[bytes]]:
        return lambda: (data,)

    return b"".join(container.pack((n, len(d), of(d)) for n, d in sorted(files.items())))


def judged(
    data: bytes, policy: Path, *, validate: ReportValidator = validate_report, reader: DocumentReader | None = None
) -> Verdict:
    """The verdict on a file's bytes."""
    return verify(
        io.BytesIO(data),
        policy,
        validate=validate,
        envelopes=envelope_p256,
        workbook=report_workbook.same,
        addenda=addendum_html.render,
        reader=PdfReading() if reader is None else reader,
    )


def finish(
    folder: Path,
    *,
    keyring: RememberingKeyring | None = None,
    people: type[People] = People,
    case: Object | None = None,
) -> Finished:
    """Play one whole proceeding; the main server may bring its keys, the witnesses are always new."""
    return asyncio.run(_finish(folder, keyring or RememberingKeyring(), people, case or tender()))


async def _finish(folder: Path, keyring: RememberingKeyring, kind: type[People], case: Object) -> Finished:
    world = world_with(folder, keyring)
    async with world.running() as proceedings:
        name = await proceedings.create(case)
        keeper = proceedings.get(name)
        people = kind(world, name)
        people.connect(keeper)
        await until(lambda: duties.CompareDocuments() not in duties.duties(keeper.state), 60)
        await people.play(keeper, lambda state: state.gate == CLOSED)
        await until(lambda: keyring.log_key(keeper.state.origin) is None, 30)
        origin, path = keeper.state.origin, keeper.evidence_path()
    return collect(world, keyring, origin, path)


def collect(world: World, keyring: RememberingKeyring, origin: str, path: Path | None) -> Finished:
    """The evidence file of a proceeding whose newest log is `origin`, and what a thief could have."""
    assert path is not None
    with path.open("rb") as file:
        files = {m.name: b"".join(container.pieces(file, m)) for m in container.unpack(file)}
    policy = world.folder / "policy"
    policy.mkdir()
    (policy / "tlog-policy").write_text(world.pins.policy_text)
    (policy / "trust.json").write_text(world.pins.trust_text)
    witnesses = tuple(_key_of(witness) for witness in world.witnesses)
    return Finished(files, policy, origin, keyring.stolen[origin], keyring.centre_log, witnesses, keyring)


def world_with(folder: Path, keyring: RememberingKeyring) -> World:
    """A world whose main server has these keys."""

    class Mine(World):
        @property
        def keyring(self) -> RememberingKeyring:
            return keyring

    return Mine(folder)


def _key_of(witness: MemoryWitness) -> NoteSigner:
    return witness._signer
