"""One installation serves all of these tests; each takes a session of its own where it ends one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.installation import Running, running


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("site")) as found:
        yield found
