"""What the media tests share: a clip, a worker process, and patience with a deadline."""

from __future__ import annotations

from pathlib import Path

import pytest

from media.adapters.room_client import use_loopback
from tests.media.clips import make_clip


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.webm")


@pytest.fixture(autouse=True)
def _loopback() -> None:
    use_loopback()
