"""Which adapters do the actors use? The one file of the demo that names them, as `web.server.wiring` does.

Each function imports what it needs: a camera's process needs no ciphers, and a venue's process no media.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from evidence.ports import Envelopes


class Camera(Protocol):
    """A room's connection to the media engine."""

    async def offer(self) -> str: ...
    async def accept(self, answer: str) -> None: ...
    async def connected(self) -> None: ...


def camera(clip: Path, clock: Callable[[], float]) -> Camera:
    """A room device that plays a clip; `clock` gives milliseconds since 1970."""
    from media.adapters.clip_publisher import ClipPublisher
    from media.adapters.room_client import RoomClient, use_loopback

    use_loopback()
    publisher = ClipPublisher(clip_path=clip, clock=clock)
    return RoomClient(tracks=[publisher.audio, publisher.video])


def envelopes() -> Envelopes:
    """The ciphers of sealed sheets."""
    from evidence.adapters import envelope_p256

    return envelope_p256
