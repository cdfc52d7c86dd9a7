"""Node is ended with the last test of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ranking import second


@pytest.fixture(autouse=True, scope="package")
def _node_ends() -> Iterator[None]:
    yield
    second.stop()
