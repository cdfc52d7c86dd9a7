"""A child process ends with whoever asked it: cancelled, too late, or answered."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sessions.adapters import child
from tests.sessions.service_world import until

pytestmark = pytest.mark.asyncio


def endless(told: Path) -> tuple[str, ...]:
    return ("/bin/sh", "-c", f"echo $$ > {told}.part && mv {told}.part {told} && exec sleep 600")


def gone(told: Path) -> bool:
    return not Path("/proc", told.read_text().strip()).exists()


async def test_a_child_answers_with_its_status_and_gets_nothing_of_our_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET", "x")
    assert await child.ask("/bin/sh", "-c", "cat; echo $SECRET; exit 3", document=b"octets ", wall_s=60) == (
        3,
        b"octets \n",
    )


async def test_whoever_cancels_is_told_so_and_leaves_no_child(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    task = asyncio.create_task(child.ask(*endless(told), wall_s=600))
    await until(told.exists)
    assert not gone(told)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone(told)


async def test_a_child_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    with pytest.raises(TimeoutError):
        await child.ask(*endless(told), wall_s=1)
    assert not told.exists() or gone(told)
