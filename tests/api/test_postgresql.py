"""The web process on PostgreSQL, where it may not alter or remove what it wrote."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx2
import psycopg
import pytest

from tests.api.installation import eventually
from tests.postgres import Cluster
from web.demo.installation import Installation, install


def web(installation: Installation, environment: dict[str, str]) -> AbstractContextManager[None]:
    """The web process alone, until it is killed."""
    return running(["web", "--state", str(installation.main)], environment)


@contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    typed = [sys.executable, "-P", "-m", "web.server", *command]
    with subprocess.Popen(typed, stderr=subprocess.DEVNULL, env=os.environ | environment) as process:
        try:
            yield
        finally:
            process.kill()


def ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/readyz", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


def test_web_starts_founds_its_log_and_starts_again_on_postgresql(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Cluster() as cluster:
        cluster.create("tongping")
        environment = {"TONGPING_DATABASE": cluster.url("tongping", "app")}
        with monkeypatch.context() as patch:
            patch.setenv("TONGPING_DATABASE", environment["TONGPING_DATABASE"])
            patch.setenv("TONGPING_DATABASE_OWNER", cluster.url("tongping", "owner"))
            installation = install(tmp_path / "s")
        address = environment["TONGPING_DATABASE"].replace("postgresql+psycopg", "postgresql")

        def entries() -> int:
            with psycopg.connect(address) as connection:
                found: int = next(iter(connection.execute("SELECT count(*) FROM entries")))[0]
                return found

        # No city has said that it knows of no such log: the doors are open, and nothing is written.
        with web(installation, environment):
            eventually(lambda: ready(installation.url), 60)
            assert entries() == 0
        with running(["city", "serve", "--state", str(installation.nodes[0].state)], {}):
            for _ in range(2):
                with web(installation, environment):
                    eventually(lambda: ready(installation.url), 60)
                    eventually(lambda: entries() == 1, 60)
        assert not (installation.main / "data" / "tongping.db").exists()
        with psycopg.connect(address) as connection:
            assert connection.execute("SELECT count(*) FROM entries").fetchone() == (1,)
            for statement in ("DELETE FROM entries", "UPDATE entries SET n = 1", "TRUNCATE entries"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                    connection.execute(statement.encode())
