"""One meeting serves all of these tests; they stand in the order of its stages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.expert.hall import Hall, meeting


@pytest.fixture(scope="package")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with meeting(tmp_path_factory.mktemp("hall")) as found:
        yield found
