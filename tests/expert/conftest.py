"""One meeting serves most of these tests; they stand in the order of its stages.

Files with a meeting of their own come before them by their names: there is one Playwright at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.expert.hall import Hall, meeting


@pytest.fixture(scope="package")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with meeting(tmp_path_factory.mktemp("hall")) as found:
        yield found
