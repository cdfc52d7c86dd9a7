"""The signing service as a process of its own, to be killed.

`python -m tests.signing.signing_process FOLDER TOKEN` prints its port when it serves.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

import uvicorn

from signing.adapters.certificate_authority import ensure_authority
from signing.adapters.master_key import ensure_master_key
from signing.adapters.sealed_keys import SealedKeyStore
from signing.adapters.sqlite_register import SqliteRegister
from signing.service import SigningService
from web.signing.app import create_signing_app


def now() -> datetime:
    return datetime.now(UTC)


def serve(folder: Path, token: str) -> None:
    keys = SealedKeyStore(master=ensure_master_key(folder / "master.key"), entropy=os.urandom)
    service = SigningService(
        keys=keys,
        authority=ensure_authority(folder / "ca", keys=keys, operator="测试中心", clock=now),
        credentials=SqliteRegister(path=folder / "register.sqlite"),
        clock=now,
        entropy=os.urandom,
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        config = uvicorn.Config(create_signing_app(service, token), lifespan="off", ws="none", log_config=None)
        uvicorn.Server(config).run(sockets=[listener])


class Running:
    """The process, as long as the block lasts; `kill` ends it without mercy, `start` starts it again."""

    def __init__(self, folder: Path, token: str) -> None:
        self._command = [sys.executable, "-m", "tests.signing.signing_process", str(folder), token]
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> Running:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        # The listener is open when the line comes, so connections wait for the loop.
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.argv[2])
