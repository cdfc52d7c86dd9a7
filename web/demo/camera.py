"""A room's camera and microphone as a process of its own: `python -m web.demo.camera CLIP`.

It writes its SDP offer as one line of JSON, reads the answer as another, and publishes until its end. Killing it is how
a venue's network fails in the demo: packets stop, and nobody says goodbye.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress
from pathlib import Path

from web.demo import wiring


async def publish(clip: Path) -> None:
    """Offer, accept, play; ends when standard input does, because then nobody is left to speak for this camera."""
    device = wiring.camera(clip, lambda: time.time() * 1000)
    _say({"offer": await device.offer()})
    answer = await asyncio.to_thread(sys.stdin.readline)
    if not answer:
        return
    await device.accept(json.loads(answer)["answer"])
    await device.connected()
    _say({"state": "connected"})
    await asyncio.to_thread(sys.stdin.read)


def _say(message: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with suppress(BrokenPipeError):  # the room's device is gone
        asyncio.run(publish(Path(sys.argv[1])))
