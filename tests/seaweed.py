"""A private SeaweedFS for tests: `with ObjectStore() as store:` gives an S3 endpoint with Object Lock."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

from minio import Minio

ACCESS, SECRET = "test-access", "test-secret"
# Measured: the S3 door opens after 3 s; two busy cores may make it slow.
START_S = 60


class ObjectStore:
    """One server in one process; stopped and removed at the end."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="weed-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.endpoint = ""

    def __enter__(self) -> ObjectStore:
        identities = [
            {
                "name": "vault",
                "credentials": [{"accessKey": ACCESS, "secretKey": SECRET}],
                "actions": ["Admin", "Read", "Write", "List"],
            }
        ]
        config = self._folder / "s3.json"
        config.write_text(json.dumps({"identities": identities}))
        (self._folder / "data").mkdir()
        master, volume, filer, s3, *grpc = _free_ports(8)
        self.endpoint = f"127.0.0.1:{s3}"
        # Telemetry is on by default; only the S3 door is wanted.
        command = [
            str(Path(sys.executable).parent / "weed"),
            "server",
            f"-dir={self._folder / 'data'}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            f"-master.port={master}",
            f"-master.port.grpc={grpc[0]}",
            f"-volume.port={volume}",
            f"-volume.port.grpc={grpc[1]}",
            f"-filer.port={filer}",
            f"-filer.port.grpc={grpc[2]}",
            "-filer=true",
            "-s3",
            f"-s3.port={s3}",
            f"-s3.port.grpc={grpc[3]}",
            f"-s3.config={config}",
            "-s3.iam=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-master.volumeSizeLimitMB=64",
            # Each bucket is a collection that grows seven volumes at once.
            "-volume.max=400",
            "-master.telemetry=false",
        ]
        log = (self._folder / "log").open("wb")
        with log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)
        self._wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        # Nothing of it is kept, so it need not end gracefully (which takes it seconds).
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder)

    @property
    def client(self) -> Minio:
        """A client with all rights."""
        return Minio(self.endpoint, access_key=ACCESS, secret_key=SECRET, secure=False)

    def _wait(self) -> None:
        deadline = time.monotonic() + START_S
        probe = "probe"
        while True:
            try:
                self.client.make_bucket(probe)
                self.client.remove_bucket(probe)
            except Exception as error:
                assert self._process is not None
                if self._process.poll() is not None or time.monotonic() > deadline:
                    tail = (self._folder / "log").read_text(errors="replace")[-2000:]
                    self.__exit__(None, None, None)
                    raise RuntimeError(f"SeaweedFS did not start: {tail}") from error
                time.sleep(0.1)
            else:
                return


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(s.getsockname()[1]) for s in sockets]
    for s in sockets:
        s.close()
    return ports
