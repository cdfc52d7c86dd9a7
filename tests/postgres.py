"""A private PostgreSQL 15 cluster for tests: `with Cluster(folder) as cluster: cluster.create("name")`.

The cluster listens on a Unix socket only. Its superuser is `postgres`; `create` makes a database owned by the role
`owner`, and the role `app` that owns nothing.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg

BINARIES = Path("/usr/lib/postgresql/15/bin")


class Cluster:
    """One server; stopped and removed at the end. Server settings may be given as `name=value`."""

    def __init__(self, *, settings: Sequence[str] = ()) -> None:
        self._settings = settings
        # Short, because a Unix socket's path has at most 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="pg-"))

    def __enter__(self) -> Cluster:
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self._folder, user.pw_uid, user.pw_gid)
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        self.start()
        with psycopg.connect(self._conninfo("postgres", "postgres"), autocommit=True) as connection:
            connection.execute("CREATE ROLE owner LOGIN")
            connection.execute("CREATE ROLE app LOGIN")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = " ".join(
            f"-c {setting}"
            for setting in (
                "listen_addresses=''",
                f"unix_socket_directories={self._folder}",
                "max_connections=40",
                *self._settings,
            )
        )
        self._run("pg_ctl", "-D", self._data, "-w", "-l", str(self._folder / "log"), "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; mode `immediate` is a crash."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", mode, "stop")

    def create(self, database: str) -> None:
        """A new database owned by `owner`."""
        with psycopg.connect(self._conninfo("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}" OWNER owner'.encode())

    def url(self, database: str, role: str = "app") -> str:
        """The database's address for SQLAlchemy."""
        return f"postgresql+psycopg://{role}@/{database}?host={quote(str(self._folder), safe='')}"

    def _conninfo(self, database: str, role: str) -> str:
        return f"host={self._folder} dbname={database} user={role}"

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(BINARIES / program), *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--", *command]
        finished = subprocess.run(
            command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        if finished.returncode:
            raise RuntimeError(f"{program} failed: {finished.stderr.decode(errors='replace')[-2000:]}")
