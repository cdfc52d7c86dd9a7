"""A process of its own for bytes that a stranger may have written: asked once, and gone whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE


async def ask(*command: str, document: bytes | None = None, wall_s: float) -> tuple[int, bytes]:
    """(exit status, standard output) of a command that gets `document` on its standard input and nothing of our
    environment. TimeoutError after `wall_s` seconds; the child of whoever is late or cancelled is killed and reaped."""
    child = await asyncio.create_subprocess_exec(
        *command, stdin=DEVNULL if document is None else PIPE, stdout=PIPE, stderr=DEVNULL, env={}
    )
    try:
        answer, _ = await asyncio.wait_for(child.communicate(document), wall_s)
        return await child.wait(), answer
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
