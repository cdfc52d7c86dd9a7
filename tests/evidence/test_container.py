"""The evidence file's outer form: one byte sequence for given contents (docs/evidence-format.md)."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.core import container
from evidence.errors import Malformed

FILES = {"a/b.txt": b"hello", "c.bin": bytes(range(256)) * 9000, "d": b""}


def packed(files: dict[str, bytes]) -> bytes:
    def contents(data: bytes) -> Callable[[], Iterable[bytes]]:
        return lambda: (data,)

    return b"".join(container.pack((n, len(d), contents(d)) for n, d in sorted(files.items())))


def rebuilt(data: bytes) -> bool:
    file = io.BytesIO(data)
    return container.same(file, container.unpack(file))


def test_any_zip_program_reads_it() -> None:
    with zipfile.ZipFile(io.BytesIO(packed(FILES))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == FILES
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


def test_contents_come_back_and_the_file_is_in_its_one_form() -> None:
    file = io.BytesIO(packed(FILES))
    members = container.unpack(file)
    assert {m.name: b"".join(container.pieces(file, m)) for m in members} == FILES
    assert container.same(file, members)


@given(st.data())
def test_any_changed_bit_is_another_file(data: st.DataObject) -> None:
    octets = bytearray(packed({"a": b"one", "b/c": b"two two"}))
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(Malformed):
        assert not rebuilt(bytes(octets))


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data + b"\x00",
        lambda data: b"\x00" + data,
        lambda data: data[:-1],
        lambda data: data[:-22] + b"PK\x01\x02" + data[-22:],
        lambda data: b"",
        lambda data: data[:40],
    ],
)
def test_bytes_before_between_or_behind_are_refused(change: Callable[[bytes], bytes]) -> None:
    with contextlib.suppress(Malformed):
        assert not rebuilt(change(packed(FILES)))


def test_a_library_writing_the_same_contents_makes_another_file() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(FILES.items()):
            archive.writestr(name, content)
    assert not rebuilt(out.getvalue())


@pytest.mark.parametrize("name", ["", "/a", "a/../b", "./a", "a//b", "a\\b", "é", "a\x00b", "a" * 256])
def test_names_that_climb_or_hide_are_refused(name: str) -> None:
    with pytest.raises(Malformed):
        packed({name: b""})


def test_repeated_or_unsorted_names_are_refused() -> None:
    for names in (["b", "a"], ["a", "a"]):
        with pytest.raises(Malformed):
            b"".join(container.pack((n, 0, lambda: ()) for n in names))


def test_sizes_beyond_32_bits_use_zip64(monkeypatch: pytest.MonkeyPatch) -> None:
    """PKWARE APPNOTE 4.5.3, tried by lowering the limit at which ZIP64 begins."""
    monkeypatch.setattr(container, "_MAX32", 100)
    records = packed({"a": b"x" * 50, "b": b"y" * 60})
    assert b"PK\x06\x06" in records
    assert b"PK\x06\x07" in records
