"""The evidence file's outer form: a stored ZIP that has exactly one byte sequence for given contents.

The format is owned here and not left to a library's writer, because a verifier in fifteen years must rebuild the file
and compare it byte for byte. Names are sorted, nothing is compressed, every date is 1980-01-01 (the ZIP epoch,
PKWARE APPNOTE 4.4.6), there are no comments and no extra fields but ZIP64's where a size or offset needs it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from evidence.errors import Malformed

# PKWARE APPNOTE 4.3: signatures of the four records that are used.
_LOCAL, _CENTRAL, _END, _END64, _LOCATOR64 = 0x04034B50, 0x02014B50, 0x06054B50, 0x06064B50, 0x07064B50
# 1980-01-01 in MS-DOS form, the earliest date that ZIP can hold.
_DATE = 0x0021
# APPNOTE 4.4.3.2: 1.0 is enough for stored files, 4.5 for ZIP64.
_V10, _V45 = 10, 45
# A Unix regular file that everybody may read; 3 is Unix (APPNOTE 4.4.2.2).
_MADE_BY, _ATTRIBUTES = 3 << 8 | _V45, 0o100444 << 16
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
# Reading and writing in pieces keeps a file of recordings of many gigabytes out of memory.
PIECE = 1 << 20
# One proceeding of a day has some 10 000 segments; a file that declares far more is not ours.
MAX_MEMBERS = 1_000_000
MAX_NAME = 255


@dataclass(frozen=True, slots=True)
class Member:
    """One stored file: its name, where its bytes begin in the container, its size and CRC-32."""

    name: str
    start: int
    size: int
    crc: int


def checked_name(name: str) -> str:
    """A relative ASCII path without empty, `.` or `..` parts."""
    parts = name.split("/")
    if not name.isascii() or not name.isprintable() or "\\" in name or len(name) > MAX_NAME:
        raise Malformed(f"file name {name[:40]!r}")
    if any(part in ("", ".", "..") for part in parts):
        raise Malformed(f"file name {name[:40]!r}")
    return name


def pack(files: Iterable[tuple[str, int, Callable[[], Iterable[bytes]]]]) -> Iterator[bytes]:
    """The container's octets; `files` = (name, size in bytes, function that yields the contents).

    The contents are read twice: once for the CRC-32, once for the output.
    """
    central: list[bytes] = []
    offset, last = 0, ""
    for name, size, contents in files:
        if checked_name(name) <= last:
            raise Malformed("names must be sorted and distinct")
        crc, length = 0, 0
        for piece in contents():
            crc, length = zlib.crc32(piece, crc), length + len(piece)
        if length != size:
            raise Malformed(f"{name} has {length} bytes instead of {size}")
        header = _local(name, size, crc)
        yield header
        yield from contents()
        central.append(_central(name, size, crc, offset))
        offset, last = offset + len(header) + size, name
    directory = b"".join(central)
    yield directory
    yield _end(len(central), len(directory), offset)


def unpack(file: BinaryIO) -> Sequence[Member]:
    """The members in their order; whoever trusts the file packs them again and compares (`same`)."""
    members: list[Member] = []
    names: set[str] = set()
    file.seek(0, 2)
    total, offset = file.tell(), 0
    while True:
        file.seek(offset)
        head = file.read(30)
        if len(head) < 4 or struct.unpack_from("<I", head)[0] != _LOCAL:
            break
        if len(head) < 30:
            raise Malformed("the container ends in a header")
        *_, crc, size, _packed, name_length, extra_length = struct.unpack("<IHHHHHIIIHH", head)
        raw, extra = file.read(name_length), file.read(extra_length)
        if size == _MAX32 and len(extra) == 20:
            size = struct.unpack_from("<Q", extra, 4)[0]
        try:
            name = checked_name(raw.decode("ascii"))
        except UnicodeDecodeError as error:
            raise Malformed("file names are ASCII") from error
        start = offset + 30 + name_length + extra_length
        if name in names or start + size > total or len(members) >= MAX_MEMBERS:
            raise Malformed("the container is torn or repeats a name")
        names.add(name)
        members.append(Member(name, start, size, crc))
        offset = start + size
    if not members:
        raise Malformed("not a container")
    return members


def pieces(file: BinaryIO, member: Member) -> Iterator[bytes]:
    """The member's contents in pieces."""
    position, end = member.start, member.start + member.size
    while position < end:
        file.seek(position)
        piece = file.read(min(PIECE, end - position))
        if not piece:
            raise Malformed("the container is torn")
        position += len(piece)
        yield piece


def same(file: BinaryIO, members: Sequence[Member]) -> bool:
    """Whether packing the members again gives this very file, with nothing before, between or behind."""

    def contents(member: Member) -> Callable[[], Iterable[bytes]]:
        return lambda: pieces(file, member)

    position = 0
    for piece in pack((m.name, m.size, contents(m)) for m in members):
        file.seek(position)
        if file.read(len(piece)) != piece:
            return False
        position += len(piece)
    file.seek(0, 2)
    return file.tell() == position


def _local(name: str, size: int, crc: int) -> bytes:
    raw = name.encode("ascii")
    big = size >= _MAX32
    extra = struct.pack("<HHQQ", 1, 16, size, size) if big else b""
    short = _MAX32 if big else size
    version = _V45 if big else _V10
    head = struct.pack("<IHHHHHIIIHH", _LOCAL, version, 0, 0, 0, _DATE, crc, short, short, len(raw), len(extra))
    return head + raw + extra


def _central(name: str, size: int, crc: int, offset: int) -> bytes:
    raw = name.encode("ascii")
    wide = b""
    if size >= _MAX32:
        wide += struct.pack("<QQ", size, size)
    if offset >= _MAX32:
        wide += struct.pack("<Q", offset)
    extra = struct.pack("<HH", 1, len(wide)) + wide if wide else b""
    version = _V45 if wide else _V10
    short = min(size, _MAX32)
    head = struct.pack(
        "<IHHHHHHIIIHHHHHII",
        _CENTRAL,
        _MADE_BY,
        version,
        0,
        0,
        0,
        _DATE,
        crc,
        short,
        short,
        len(raw),
        len(extra),
        0,
        0,
        0,
        _ATTRIBUTES,
        min(offset, _MAX32),
    )
    return head + raw + extra


def _end(count: int, size: int, offset: int) -> bytes:
    big = count >= _MAX16 or size >= _MAX32 or offset >= _MAX32
    records = b""
    if big:
        records += struct.pack("<IQHHIIQQQQ", _END64, 44, _V45, _V45, 0, 0, count, count, size, offset)
        records += struct.pack("<IIQI", _LOCATOR64, 0, offset + size, 1)
    short = min(count, _MAX16)
    return records + struct.pack("<IHHHHIIH", _END, 0, 0, short, short, min(size, _MAX32), min(offset, _MAX32), 0)
