"""The master key: 32 bytes in a file that only the service's user can read."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from signing.errors import MasterKeyRefused

# AES-256.
MASTER_KEY_BYTES = 32


def read_master_key(path: Path) -> bytes:
    """The key in `path`.

    (1) The file is opened without following a link, and judged by its descriptor, so nothing can be swapped in between.
    (2) It is a regular file of this user with mode 0600.
    (3) It holds exactly 32 bytes.
    """
    # (1)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise MasterKeyRefused(f"cannot open the master key: {error.strerror}") from error
    try:
        # (2)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or stat.S_IMODE(status.st_mode) != 0o600 or status.st_uid != os.geteuid():
            raise MasterKeyRefused("the master key must be a file of this user with mode 0600")
        # (3)
        key = os.read(descriptor, MASTER_KEY_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(key) != MASTER_KEY_BYTES:
        raise MasterKeyRefused(f"the master key must have {MASTER_KEY_BYTES} bytes")
    return key


def ensure_master_key(path: Path) -> bytes:
    """The key in `path`; a new one if there is no file yet. A crash leaves a whole file or none."""
    if not os.path.lexists(path):
        part = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(MASTER_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)
        except FileExistsError:
            # Another process was first; its key counts.
            pass
        finally:
            part.unlink()
        _sync_folder(path.parent)
    return read_master_key(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
