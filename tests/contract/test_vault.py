"""The promises of `evidence.ports.Vault`, on memory, files and an S3 store with Object Lock."""

from __future__ import annotations

import asyncio
import hashlib
import io
import itertools
import os
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from minio import Minio
from minio.commonconfig import GOVERNANCE
from minio.error import S3Error
from minio.retention import Retention

from evidence.adapters.memory import MemoryVault
from evidence.adapters.pieces import PIECE
from evidence.adapters.vault_files import FileVault
from evidence.adapters.vault_s3 import S3Vault
from evidence.errors import NotRetained, ObjectMissing, ObjectRejected, Retained, Unavailable
from evidence.ports import Vault
from tests.seaweed import ACCESS, SECRET, ObjectStore

pytestmark = pytest.mark.asyncio
_BUCKETS = (f"bucket-{i}" for i in itertools.count())
WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with ObjectStore() as store:
        yield store


async def s3_vault(store: ObjectStore, bucket: str) -> S3Vault:
    return await S3Vault.open(
        endpoint=store.endpoint, bucket=bucket, access_key=ACCESS, secret_key=SECRET, secure=False, retention=WEEK
    )


async def open_vault(kind: str, folder: Path, store: ObjectStore) -> Vault:
    if kind == "memory":
        return MemoryVault()
    if kind == "files":
        return FileVault(folder / "vault")
    bucket = next(_BUCKETS)
    store.client.make_bucket(bucket, object_lock=True)
    return await s3_vault(store, bucket)


@pytest.fixture(params=["memory", "files", "s3"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("data", [b"", b"one", bytes(range(256)) * 4096 + b"x"], ids=len)
async def test_what_is_put_is_got(kind: str, tmp_path: Path, store: ObjectStore, data: bytes) -> None:
    vault = await open_vault(kind, tmp_path, store)
    name = hashlib.sha256(data).hexdigest()
    assert not await vault.has(name)
    assert await vault.put(data) == name
    assert await vault.has(name)
    assert await vault.get(name) == data
    assert await vault.size(name) == len(data)


@pytest.mark.parametrize("data", [b"one", bytes(range(256)) * 40_000], ids=len)
async def test_a_file_is_put_like_its_bytes(kind: str, tmp_path: Path, store: ObjectStore, data: bytes) -> None:
    vault = await open_vault(kind, tmp_path, store)
    file = tmp_path / "document"
    file.write_bytes(data)
    name = hashlib.sha256(data).hexdigest()
    assert await vault.put_file(file) == name
    assert await vault.get(name) == data
    assert await vault.put_file(file) == name
    assert await vault.put(data) == name
    assert file.read_bytes() == data


@pytest.mark.parametrize("data", [b"", b"one", bytes(range(256)) * 12_000], ids=len)
async def test_a_large_object_is_read_in_pieces_from_anywhere(
    kind: str, tmp_path: Path, store: ObjectStore, data: bytes
) -> None:
    """A bid document has up to 300 MB, and a broken download is taken up where it broke."""
    vault = await open_vault(kind, tmp_path, store)
    name = await vault.put(data)
    for start in (0, 1, PIECE - 1, PIECE, len(data) - 1, len(data)):
        pieces = [piece async for piece in vault.pieces(name, max(0, start))]
        assert b"".join(pieces) == data[max(0, start) :]
        assert all(len(piece) <= PIECE for piece in pieces)
    with pytest.raises(ObjectMissing):
        await anext(vault.pieces("0" * 64))


async def test_the_last_piece_of_a_rotten_file_is_not_given(tmp_path: Path) -> None:
    """Whoever counts octets sees that the answer is not whole; the control: as it was, all of it came."""
    data = bytes(range(256)) * 12_000
    vault = FileVault(tmp_path)
    name = await vault.put(data)
    path = tmp_path / name[:2] / name
    path.chmod(0o644)
    path.write_bytes(data[:-1] + b"?")
    pieces = vault.pieces(name)
    got = await anext(pieces) + await anext(pieces)
    with pytest.raises(ObjectRejected):
        await anext(pieces)
    assert len(got) < len(data)
    path.write_bytes(data)
    assert b"".join([piece async for piece in vault.pieces(name)]) == data


async def test_putting_again_is_no_error(kind: str, tmp_path: Path, store: ObjectStore) -> None:
    vault = await open_vault(kind, tmp_path, store)
    names = await asyncio.gather(*(vault.put(b"same") for _ in range(5)))
    assert len(set(names)) == 1
    assert await vault.put(b"same") == names[0]
    assert await vault.get(names[0]) == b"same"


async def test_an_object_that_is_not_there_is_missing(kind: str, tmp_path: Path, store: ObjectStore) -> None:
    vault = await open_vault(kind, tmp_path, store)
    await vault.put(b"another")
    absent = ["0" * 64, hashlib.sha256(b"x").hexdigest(), "", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"]
    for name in absent:
        with pytest.raises(ObjectMissing):
            await vault.get(name)
        with pytest.raises(ObjectMissing):
            await vault.size(name)
        assert not await vault.has(name)


async def test_files_are_read_only_and_nothing_half_written_stays(tmp_path: Path) -> None:
    vault = FileVault(tmp_path)
    name = await vault.put(b"object")
    path = tmp_path / name[:2] / name
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert path.stat().st_nlink == 1
    (tmp_path / "incoming" / "left").write_bytes(b"half")
    FileVault(tmp_path)
    assert list((tmp_path / "incoming").iterdir()) == []


async def test_a_rotten_file_is_rejected_and_a_repeated_put_does_not_vouch_for_it(tmp_path: Path) -> None:
    vault = FileVault(tmp_path)
    name = await vault.put(b"object")
    path = tmp_path / name[:2] / name
    path.chmod(0o644)
    path.write_bytes(b"objecT")
    with pytest.raises(ObjectRejected):
        await vault.get(name)
    with pytest.raises(ObjectRejected):
        await vault.put(b"object")
    # Control: the bytes themselves were readable, so it was the hash that refused them.
    assert path.read_bytes() == b"objecT"


async def test_a_full_disk_is_unavailable(tmp_path: Path) -> None:
    vault = FileVault(tmp_path)
    (tmp_path / "incoming").rmdir()
    with pytest.raises(Unavailable):
        await vault.put(b"object")
    os.mkdir(tmp_path / "incoming")
    assert await vault.put(b"object")


async def test_a_bucket_without_object_lock_is_refused(store: ObjectStore) -> None:
    plain = next(_BUCKETS)
    store.client.make_bucket(plain)
    with pytest.raises(ObjectRejected):
        await s3_vault(store, plain)
    with pytest.raises(Unavailable):
        await s3_vault(store, "no-such-bucket")


async def test_a_store_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await S3Vault.open(endpoint="127.0.0.1:9", bucket="bucket", access_key="a", secret_key="b", secure=False)


async def test_a_locked_object_outlives_overwriting_deleting_and_shortening(store: ObjectStore) -> None:
    """Object Lock COMPLIANCE: whoever has all rights in the store can hide an object, and nothing more."""
    bucket = next(_BUCKETS)
    client: Minio = store.client
    client.make_bucket(bucket, object_lock=True)
    vault = await s3_vault(store, bucket)
    name = await vault.put(b"evidence")
    version = str(client.stat_object(bucket, name).version_id)
    lock = client.get_object_retention(bucket, name, version_id=version)
    assert lock is not None
    assert lock.mode == "COMPLIANCE"
    until = datetime.now(UTC) + timedelta(hours=1)
    refused: list[Callable[[], object]] = [
        lambda: client.remove_object(bucket, name, version_id=version),
        lambda: client.set_object_retention(bucket, name, Retention("COMPLIANCE", until), version_id=version),
        lambda: client.set_object_retention(bucket, name, Retention(GOVERNANCE, until), version_id=version),
        lambda: client.remove_bucket(bucket),
    ]
    for attempt in refused:
        with pytest.raises(S3Error):
            attempt()
    client.put_object(bucket, name, io.BytesIO(b"forgery"), 7)
    assert client.get_object(bucket, name).data == b"forgery"
    assert await vault.get(name) == b"evidence"
    client.remove_object(bucket, name)
    with pytest.raises(S3Error):
        client.stat_object(bucket, name)
    assert await vault.get(name) == b"evidence"
    assert await vault.size(name) == 8
    assert await vault.has(name)
    assert await vault.put(b"evidence") == name


async def test_without_a_lock_the_same_delete_succeeds(store: ObjectStore) -> None:
    """The control of the test above: retention, and nothing else, made the store refuse."""
    bucket = next(_BUCKETS)
    client = store.client
    client.make_bucket(bucket, object_lock=True)
    name = hashlib.sha256(b"evidence").hexdigest()
    written = client.put_object(bucket, name, io.BytesIO(b"evidence"), 8)
    client.remove_object(bucket, name, version_id=written.version_id)
    vault = await s3_vault(store, bucket)
    with pytest.raises(ObjectMissing):
        await vault.get(name)


async def test_bytes_that_do_not_hash_to_their_name_are_rejected(store: ObjectStore) -> None:
    bucket = next(_BUCKETS)
    store.client.make_bucket(bucket, object_lock=True)
    vault = await s3_vault(store, bucket)
    name = "ab" * 32
    store.client.put_object(bucket, name, io.BytesIO(b"forgery"), 7)
    with pytest.raises(ObjectRejected):
        await vault.get(name)


async def test_a_date_holds_an_object_and_only_grows(kind: str, tmp_path: Path, store: ObjectStore) -> None:
    """政府采购法 42: what is kept until a date is not removed before it, by nobody who uses this interface."""
    vault = await open_vault(kind, tmp_path, store)
    name = await vault.put(b"kept")
    now = datetime.now(UTC)
    later = now + timedelta(days=30)
    if kind != "s3":
        # S3 locks on each put; elsewhere nothing says that an object may go before its proceeding is over.
        with pytest.raises(NotRetained):
            await vault.remove(name, now + timedelta(days=36500))
    await vault.retain(name, later)
    await vault.retain(name, now + timedelta(days=1))
    for moment in (now, later - timedelta(minutes=1)):
        with pytest.raises(Retained):
            await vault.remove(name, moment)
    assert await vault.get(name) == b"kept"
    with pytest.raises(ObjectMissing):
        await vault.retain("0" * 64, later)
    await vault.remove("0" * 64, later)
    if kind == "files":
        assert await FileVault(tmp_path / "vault").get(name) == b"kept"
        with pytest.raises(Retained):
            await FileVault(tmp_path / "vault").remove(name, now)
    if kind == "s3":
        # The store's own clock has the last word, whatever date we say it is.
        with pytest.raises(Retained):
            await vault.remove(name, later + timedelta(days=1))
        assert await vault.get(name) == b"kept"
        return
    await vault.remove(name, later + timedelta(seconds=1))
    assert not await vault.has(name)
    assert await vault.put(b"kept") == name


async def test_the_store_locks_until_the_tenders_date(store: ObjectStore) -> None:
    """Object Lock for each object: longer than the bucket's default where the tender wants it."""
    bucket = next(_BUCKETS)
    store.client.make_bucket(bucket, object_lock=True)
    vault = await s3_vault(store, bucket)
    name = await vault.put(b"recording")
    until = datetime.now(UTC) + timedelta(days=15 * 365)
    await vault.retain(name, until)
    version = str(store.client.stat_object(bucket, name).version_id)
    lock = store.client.get_object_retention(bucket, name, version_id=version)
    assert lock is not None
    assert lock.retain_until_date is not None
    assert abs(lock.retain_until_date - until) < timedelta(seconds=2)
    with pytest.raises(S3Error):
        store.client.remove_object(bucket, name, version_id=version)
