"""One PostgreSQL cluster for all contract suites."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.ledgers import KINDS, Ledgers
from tests.postgres import Cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.fixture(params=KINDS)
def ledgers(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> Ledgers:
    return Ledgers(request.param, tmp_path, cluster)
