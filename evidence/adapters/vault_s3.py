"""The vault in an S3 bucket with Object Lock: every version is locked in COMPLIANCE mode when it is written.

Retention stands on each put and not only as the bucket's default, because whoever administers the bucket may remove
the default. A lock does not stop a delete marker or a newer version from hiding an object, so `get` looks through
the versions for the one whose bytes have the right hash.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, TypeVar

import urllib3
from minio import Minio
from minio.commonconfig import COMPLIANCE, ENABLED
from minio.error import MinioException, S3Error
from minio.retention import Retention

from evidence.adapters.pieces import PIECE, checked_pieces
from evidence.core.canonical import sha256
from evidence.core.retention import check_date
from evidence.errors import ObjectMissing, ObjectRejected, Retained, Unavailable

Result = TypeVar("Result")

# What is put again in memory's reach is compared with what is there.
_SMALL = 8 * 1024 * 1024
_NAME = re.compile(r"[0-9a-f]{64}\Z")
_MISSING = frozenset({"NoSuchKey", "NoSuchVersion", "NoSuchObject", "MethodNotAllowed"})
_UNLOCKED = frozenset({"NoSuchObjectLockConfiguration"})
_LOCKED = frozenset({"AccessDenied", "ObjectLocked", "InvalidRequest"})
# Government procurement keeps its files for at least 15 years (政府采购法 42).
DEFAULT_RETENTION = timedelta(days=15 * 366)


class S3Vault:
    """An `evidence.ports.Vault` in one bucket; `open` refuses a bucket without Object Lock."""

    def __init__(
        self,
        *,
        client: Minio,
        bucket: str,
        retention: timedelta = DEFAULT_RETENTION,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._retention = retention
        self._clock = clock

    @staticmethod
    async def open(
        *,
        endpoint: str,
        bucket: str,
        access_key: str,
        secret_key: str,
        secure: bool = True,
        retention: timedelta = DEFAULT_RETENTION,
    ) -> S3Vault:
        """Connect, and make sure that the bucket versions and locks what it is given."""
        # A store that does not answer within these times is out; the spool keeps what waits.
        pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=60), retries=urllib3.Retry(total=2))
        client = Minio(endpoint, access_key=access_key, secret_key=secret_key, secure=secure, http_client=pool)
        vault = S3Vault(client=client, bucket=bucket, retention=retention)
        await vault._call(vault._check_bucket)
        return vault

    async def put(self, data: bytes) -> str:
        return await self._call(lambda: self._put(data))

    async def put_file(self, path: Path) -> str:
        return await self._call(lambda: self._put_file(path))

    async def get(self, name: str) -> bytes:
        _check(name)
        return await self._call(lambda: self._get(name))

    async def pieces(self, name: str, start: int = 0) -> AsyncIterator[bytes]:
        _check(name)
        # Which version has the right bytes is known only when all of it is here, so it comes to disk first.
        with tempfile.TemporaryFile() as file:
            await self._call(lambda: self._fetch(name, file))
            async for piece in checked_pieces(file, name, start):
                yield piece

    async def has(self, name: str) -> bool:
        try:
            await self.size(name)
        except ObjectMissing:
            return False
        return True

    async def size(self, name: str) -> int:
        _check(name)
        return await self._call(lambda: self._size(name))

    async def retain(self, name: str, until: datetime) -> None:
        _check(name)
        await self._call(lambda: self._retain(name, until))

    async def remove(self, name: str, now: datetime) -> None:
        _check(name)
        await self._call(lambda: self._remove(name, now))

    async def _call(self, run: Callable[[], Result]) -> Result:
        try:
            return await asyncio.to_thread(run)
        except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(f"the object store did not answer: {type(error).__name__}") from error

    def _check_bucket(self) -> None:
        if self._client.get_bucket_versioning(self._bucket).status != ENABLED:
            raise ObjectRejected(f"the bucket {self._bucket} keeps no versions")
        try:
            self._client.get_object_lock_config(self._bucket)
        except S3Error as error:
            raise ObjectRejected(f"the bucket {self._bucket} has no Object Lock") from error

    def _put(self, data: bytes) -> str:
        name = sha256(data).hex()
        try:
            if self._get(name) == data:
                return name
        except (ObjectMissing, ObjectRejected):
            pass
        until = self._clock() + self._retention
        self._client.put_object(self._bucket, name, io.BytesIO(data), len(data), retention=Retention(COMPLIANCE, until))
        return name

    def _put_file(self, path: Path) -> str:
        with path.open("rb") as data:
            name, size = hashlib.file_digest(data, "sha256").hexdigest(), data.tell()
            if size <= _SMALL:
                data.seek(0)
                return self._put(data.read())
            data.seek(0)
            until = self._clock() + self._retention
            # A version too many is no harm; that another one already holds these bytes would have to be read to know.
            self._client.put_object(self._bucket, name, data, size, retention=Retention(COMPLIANCE, until))
        return name

    def _get(self, name: str) -> bytes:
        found = False
        for version in (None, *self._versions(name)):
            data = self._read(name, version)
            if data is not None:
                found = True
                if sha256(data).hex() == name:
                    return data
        raise ObjectRejected(f"{name} holds other bytes") if found else ObjectMissing(name)

    def _retain(self, name: str, until: datetime) -> None:
        versions = list(self._versions(name))
        if not versions:
            raise ObjectMissing(name)
        for version in versions:
            locked = self._lock(name, version)
            if locked is None or locked < until:
                lock = Retention(COMPLIANCE, until)
                self._client.set_object_retention(self._bucket, name, lock, version_id=version)

    def _remove(self, name: str, now: datetime) -> None:
        versions = list(self._versions(name))
        for version in versions:
            check_date(name, self._lock(name, version), now)
        for version in versions:
            # The store has the last word: by its own clock the lock must be over, too.
            try:
                self._client.remove_object(self._bucket, name, version_id=version)
            except S3Error as error:
                if error.code in _LOCKED:
                    raise Retained(f"the store still locks {name}") from error
                raise

    def _lock(self, name: str, version: str | None) -> datetime | None:
        try:
            found = self._client.get_object_retention(self._bucket, name, version_id=version)
        except S3Error as error:
            if error.code in _UNLOCKED:
                return None
            raise
        return None if found is None else found.retain_until_date

    def _size(self, name: str) -> int:
        try:
            return self._client.stat_object(self._bucket, name).size or 0
        except S3Error as error:
            if error.code not in _MISSING:
                raise
        return len(self._get(name))

    def _versions(self, name: str) -> Iterator[str]:
        listed = self._client.list_objects(self._bucket, prefix=name, include_version=True)
        return (item.version_id for item in listed if item.object_name == name and not item.is_delete_marker)

    def _fetch(self, name: str, file: BinaryIO) -> None:
        found = False
        for version in (None, *self._versions(name)):
            with self._opened(name, version) as data:
                if data is None:
                    continue
                found = True
                file.seek(0)
                file.truncate()
                shutil.copyfileobj(data, file, PIECE)
            file.seek(0)
            digest = hashlib.sha256()
            while piece := file.read(PIECE):
                digest.update(piece)
            if digest.hexdigest() == name:
                file.seek(0)
                return
        raise ObjectRejected(f"{name} holds other bytes") if found else ObjectMissing(name)

    def _read(self, name: str, version: str | None) -> bytes | None:
        with self._opened(name, version) as data:
            return None if data is None else bytes(data.read())

    @contextmanager
    def _opened(self, name: str, version: str | None) -> Iterator[urllib3.BaseHTTPResponse | None]:
        try:
            response = self._client.get_object(self._bucket, name, version_id=version)
        except S3Error as error:
            if error.code in _MISSING:
                yield None
                return
            raise
        try:
            yield response
        finally:
            response.close()
            response.release_conn()


def _check(name: str) -> None:
    if not _NAME.match(name):
        raise ObjectMissing(f"{name[:80]!r} is no object's name")
