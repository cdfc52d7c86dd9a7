"""The media worker: one process per proceeding, an engine behind a Unix socket.

The protocol is lines of JSON. A request is {id, method, params} and gets {id, result} or {id, error: {code, message}};
after the method `events`, the worker pushes {event, ...} on the same connection. Several clients may be connected, and
none need be: the engine forwards and records all the same.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import uvloop

from media.adapters.aiortc_peer import AiortcPeers
from media.adapters.ice_lite import UdpPort
from media.adapters.segment_files import SegmentFiles
from media.adapters.session_clock import session_clock
from media.core import events
from media.core.plan import RoomPlan, kind_of
from media.core.record import key_from_json
from media.engine import Engine
from media.errors import BadRequest, MediaError

_log = logging.getLogger(__name__)

# A description is at most 64 kB (core/sdp.py), which JSON may triple; nothing else is larger.
MAX_LINE = 256 * 1024
# A worker needs a tenth of a core; without priority it waits for that behind every busy thread of the machine, the
# socket's buffer runs over and rooms are not recorded (docs/measurements.md, 2026-11-22).
NICE = -10
# Requests of one client that may be under way; stop_recording takes seconds, everything else milliseconds.
MAX_RUNNING = 32


def ahead_of_others() -> None:
    """Let this process come first on a busy machine: "recorded, always". To be called before it starts a thread.

    Linux allows it to root, to CAP_SYS_NICE or by RLIMIT_NICE; without them the worker runs like any other.
    """
    try:
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    except PermissionError:
        _log.warning("the media worker has no priority over other processes: allow it CAP_SYS_NICE")


async def run_worker(*, socket_path: Path, spool: Path, address: str, port: int) -> None:
    """Serve one proceeding until the process is told to end; then seal what is open."""
    clock = session_clock()
    udp = UdpPort(address=address, port=port, clock=clock)
    engine = Engine(
        peers=AiortcPeers(port=udp),
        make_sink=lambda closed, alarm: SegmentFiles(root=spool, on_closed=closed, on_alarm=alarm),
        clock=clock,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(ValueError, RuntimeError):  # not the main thread: whoever runs us cancels us
            loop.add_signal_handler(number, stop.set)
    server = Server(engine=engine)
    ticking = asyncio.create_task(engine.run())
    try:
        await server.listen(socket_path)
        await stop.wait()
    finally:
        ticking.cancel()
        await server.close()
        await engine.close()
        udp.close()


class Server:
    """The engine's door."""

    def __init__(self, *, engine: Engine) -> None:
        self._engine = engine
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    async def listen(self, path: Path) -> None:
        self._server = await asyncio.start_unix_server(self._serve, sock=_listening(path), limit=MAX_LINE)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for client in list(self._clients):
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._clients.add(task)
        try:
            await _Client(engine=self._engine, reader=reader, writer=writer).run()
        except asyncio.CancelledError:
            pass  # the worker ends
        finally:
            if task is not None:
                self._clients.discard(task)
            writer.close()


def _listening(path: Path) -> socket.socket:
    """A socket that takes its name only when it listens: whoever sees the name can connect. A killed worker's name is
    taken over, and only our own user may speak to the engine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(draft))
        listener.listen()
        draft.rename(path)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener


class _Client:
    """One connection to the engine."""

    def __init__(self, *, engine: Engine, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._engine = engine
        self._reader = reader
        self._writer = writer
        self._running: set[asyncio.Task[None]] = set()
        self._pushing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        try:
            while True:
                try:
                    line = await self._reader.readline()
                except ValueError:  # longer than MAX_LINE: what follows is not the beginning of a line
                    self._send({"id": None, "error": {"code": BadRequest.code, "message": "line too long"}})
                    return
                if not line.endswith(b"\n"):
                    return
                if len(self._running) >= MAX_RUNNING:
                    await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
                task = asyncio.create_task(self._request(line))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
                await self._writer.drain()
        except ConnectionError:
            pass
        finally:
            if self._pushing is not None:
                self._pushing.cancel()
            for task in list(self._running):
                task.cancel()

    def _send(self, message: Mapping[str, Any]) -> None:
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    async def _request(self, line: bytes) -> None:
        number: Any = None
        try:
            number, method, params = _parse(line)
            result = await self._call(method, params)
            self._send({"id": number, "result": result})
        except MediaError as error:
            self._send({"id": number, "error": {"code": error.code, "message": str(error)}})
        except Exception as error:  # noqa: BLE001  a fault of ours costs one request, not the proceeding
            self._send({"id": number, "error": {"code": MediaError.code, "message": type(error).__name__}})

    async def _call(self, method: str, params: Mapping[str, Any]) -> Any:
        engine = self._engine
        match method:
            case "open":
                slots = tuple(kind_of(kind) for kind in _strings(params, "slots"))
                await engine.open(RoomPlan(_string(params, "proceeding"), _strings(params, "rooms"), slots))
            case "publish":
                return await engine.publish(_string(params, "room"), _string(params, "sdp"))
            case "watch":
                offer = await engine.watch(_string(params, "watcher"))
                slots_json = [{"mid": slot.mid, "room": slot.room, "kind": slot.kind} for slot in offer.slots]
                return {"subscription": offer.subscription, "sdp": offer.sdp, "slots": slots_json}
            case "answer":
                await engine.answer(_string(params, "subscription"), _string(params, "sdp"))
            case "loopback":
                return await engine.loopback(_string(params, "name"), _string(params, "sdp"))
            case "drop":
                await engine.drop(_string(params, "name"))
            case "start_recording":
                await engine.start_recording(_strings(params, "rooms"))
            case "stop_recording":
                await engine.stop_recording(_strings(params, "rooms"))
            case "status":
                return await engine.status()
            case "unacknowledged":
                return [record.to_json() for record in await engine.unacknowledged()]
            case "acknowledge":
                await engine.acknowledge([key_from_json(key) for key in _list(params, "keys")])
            case "events":
                if self._pushing is None:
                    self._pushing = asyncio.create_task(self._push())
            case _:
                raise BadRequest("no such method")
        return None

    async def _push(self) -> None:
        try:
            async for event in self._engine.events():
                self._send(events.to_json(event))
                await self._writer.drain()
        except ConnectionError:
            pass
        finally:
            self._writer.close()  # a client without its events is better off connecting again


def _parse(line: bytes) -> tuple[int, str, Mapping[str, Any]]:
    try:
        value = json.loads(line)
        number, method, params = value["id"], value["method"], value.get("params", {})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BadRequest("not a request") from None
    if type(number) is not int or not isinstance(method, str) or not isinstance(params, dict):
        raise BadRequest("not a request")
    return number, method, params


def _string(params: Mapping[str, Any], name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"{name} is a string")
    return value


def _list(params: Mapping[str, Any], name: str) -> list[Any]:
    value = params.get(name)
    if not isinstance(value, list):
        raise BadRequest(f"{name} is a list")
    return value


def _strings(params: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = _list(params, name)
    if not all(isinstance(value, str) for value in values):
        raise BadRequest(f"{name} is a list of strings")
    return tuple(values)


def main() -> None:
    """`python -m media.worker`, for tests and for those who supervise processes themselves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--spool", type=Path, required=True)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    ahead_of_others()
    uvloop.run(run_worker(socket_path=given.socket, spool=given.spool, address=given.address, port=given.port))


if __name__ == "__main__":
    main()
