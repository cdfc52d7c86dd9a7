"""The evidence file: one proceeding, whole, in one file that is verified without a server."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from evaluation.core import addendum
from evidence.core import container
from evidence.core import entry as entry_form
from evidence.core.canonical import Object, decode, encode, unb64u
from evidence.core.container import Member
from evidence.core.entry import Entry
from evidence.errors import Malformed, Untrusted
from sessions import people
from sessions.core import contents

# Disclosures of one proceeding: names and comments; 16 MiB leaves room for comments on every item of large tenders.
MAX_DISCLOSURES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into the file beside the cited objects; `opened` are the openings of the proceeding's logs with their
    proofs, the first one first."""

    opened: Sequence[tuple[bytes, bytes]]
    final: bytes
    final_proof: bytes
    checkpoint: bytes
    entries: Sequence[bytes]
    disclosures: Sequence[str]


def write(path: Path, whole: Contents, load: Callable[[bytes], bytes], addenda: Callable[[Object], bytes]) -> None:
    """Write the evidence file durably; `load` gives an object by its SHA-256, `addenda` an addendum's page. The same
    log gives the same bytes."""
    small = {
        **{
            name: data
            for number, opening in enumerate(whole.opened, 1)
            for name, data in zip(contents.opened_names(number), opening, strict=True)
        },
        contents.FINAL: whole.final,
        contents.FINAL_PROOF: whole.final_proof,
        contents.CHECKPOINT: whole.checkpoint,
        contents.DISCLOSURES: encode(sorted(whole.disclosures)),
        **{contents.entry_name(n): data for n, data in enumerate(whole.entries)},
    }
    entries = [entry_form.parse(data) for data in whole.entries]
    cited = contents.objects(entries)
    if addendum.called_for(entries):
        told = people.addendum(load(_definition(entries)), entries, whole.disclosures)
        small[contents.ADDENDUM] = addenda(told)

    def files() -> Iterator[tuple[str, int, Callable[[], Iterable[bytes]]]]:
        for name in sorted(small.keys() | cited.keys()):
            data = small[name] if name in small else load(cited[name])
            yield name, len(data), lambda data=data: (data,)  # type: ignore[misc]

    part = path.with_suffix(".part")
    with part.open("wb") as file:
        for piece in container.pack(files()):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _definition(entries: Sequence[Entry]) -> bytes:
    """The hash of the definition in force."""
    fixed = next(entry.act for entry in entries if entry.type == "DefinitionFixed" and entry.act is not None)
    return unb64u(fixed.body["sha256"], 32)


class EvidenceFile:
    """An evidence file opened for reading; `check_form` must pass before anything in it is believed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._members = container.unpack(file)
        self._by_name: dict[str, Member] = {member.name: member for member in self._members}

    def check_form(self) -> None:
        """The file is the one byte sequence for its contents."""
        if not container.same(self._file, self._members):
            raise Untrusted("the file is not in its one form")

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return name in self._by_name

    def read(self, name: str, *, limit: int = 64 * 1024 * 1024) -> bytes:
        """One file's bytes."""
        member = self._by_name.get(name)
        if member is None:
            raise Untrusted(f"{name} is missing")
        if member.size > limit:
            raise Malformed(f"{name} has {member.size} bytes")
        return b"".join(container.pieces(self._file, member))

    def sha256(self, name: str) -> bytes:
        """The hash of one file of any size."""
        if name not in self._by_name:
            raise Untrusted(f"{name} is missing")
        found = hashlib.sha256()
        for piece in container.pieces(self._file, self._by_name[name]):
            found.update(piece)
        return found.digest()

    def entries(self) -> list[bytes]:
        """The entries in their order."""
        count = sum(1 for name in self._by_name if name.startswith(contents.ENTRIES + "/"))
        return [self.read(contents.entry_name(n)) for n in range(count)]

    def disclosures(self) -> list[str]:
        """The disclosures that the file carries."""
        data = self.read(contents.DISCLOSURES)
        texts = decode(data, limit=MAX_DISCLOSURES)
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts) or encode(texts) != data:
            raise Malformed("disclosures are a canonical list of texts")
        return texts

    def check_names(self, expected: Iterable[str]) -> None:
        """Exactly the files that the log calls for."""
        wanted, found = set(expected), set(self._by_name)
        if wanted != found:
            odd = sorted(wanted ^ found)
            raise Untrusted(f"{len(odd)} files missing or not called for, such as {odd[0]}")
