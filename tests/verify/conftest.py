"""One finished proceeding for all tests of verification."""

from __future__ import annotations

import pytest

from tests.sessions.alike import alike
from tests.verify.finished import Finished, finish


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return finish(tmp_path_factory.mktemp("finished"), case=alike())
