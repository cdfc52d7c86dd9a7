"""The live socket: `GET /v1/proceedings/{id}/live?ticket=…` (protocol.md section 7).

Opening, as a recipe:
(1) the Origin is ours, or the handshake is refused before it is accepted;
(2) the ticket is spent: it says which session this is, and that session is alive;
(3) the role may have a socket;
(4) the first message is `hello`, within five seconds; only then does the seat count as present.

Then its loops, and whichever ends first ends the socket: what the seat says (a ping each second, or it is gone),
what the proceeding tells, and the newest position of the pointer and screen of who presents. A reader that is too slow
is cut off and resumes from the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from evaluation.errors import EvaluationError
from evidence.core.canonical import Object, encode, unb64u
from evidence.errors import EvidenceError
from sessions.core.permission import demand
from sessions.core.view import view
from sessions.errors import SessionError
from sessions.keeper import ProceedingKeeper
from sessions.page_errors import PageError
from sessions.updates import Appended, CheckpointGrew, MediaChanged, PresenceChanged, Subscription, Update
from sessions.viewing import Shown
from web.server.errors import NotAllowed, NotOurImage, OriginRefused, ScreenStale, UnknownMessage
from web.server.identity import SignedIn
from web.server.limits import MESSAGE_RATE, Bucket
from web.server.messages import Attention, Devices, Hello, Listen, Ping, Pointer, Screen, Viewing, read_message
from web.server.page_images import PageImages
from web.server.pointers import Pointers
from web.server.problems import code_of
from web.server.screens import Screens
from web.server.services import Services
from web.server.window import entry_messages

_log = structlog.get_logger("live")

HELLO_S = 5.0
# A ping each second is promised; three in a row missing is a dead line (ICE itself would need 31 s, report F6).
SILENCE_S = 3.0
# An answer that cannot be handed to the network within this time has no reader. Pings, one each second, are answered,
# so that this holds for everything that an answer has to wait for, too.
SEND_S = 5.0
# A resuming seat gets the past in pieces of this many entries, so that memory stays bounded.
PIECE = 200
# What a message is refused with, and the socket goes on.
_REFUSED = (
    NotAllowed,
    NotOurImage,
    ScreenStale,
    UnknownMessage,
    SessionError,
    EvaluationError,
    EvidenceError,
    PageError,
)
# What sending into a closed line can raise.
_GONE = (WebSocketDisconnect, RuntimeError, OSError, TimeoutError)
# RFC 6455 section 7.4.1: policy violation; IANA registry: service restart, try again later.
POLICY, RESTART, TRY_AGAIN = 1008, 1012, 1013


async def serve_live(socket: WebSocket, proceeding: str) -> None:
    """One connection from its handshake to its end; every refusal has a code and is logged."""
    services: Services = socket.app.state.services
    try:
        session, keeper = await _admit(socket, services, proceeding)
    except Exception as error:  # noqa: BLE001 (whatever went wrong: the handshake is refused, and the log says why)
        _log.info("socket-refused", code=code_of(error), proceeding=proceeding)
        await socket.close(POLICY)
        return
    await socket.accept()
    await Live(socket=socket, services=services, session=session, keeper=keeper).run()


async def _admit(socket: WebSocket, services: Services, proceeding: str) -> tuple[SignedIn, ProceedingKeeper]:
    if socket.headers.getlist("origin") != [services.origin]:  # (1)
        raise OriginRefused("a socket is opened by our own pages only")
    session = services.tickets.use(socket.query_params.get("ticket"), proceeding=proceeding)  # (2)
    await services.identity.revive(session.digest)
    keeper = services.keeper(proceeding)
    demand(keeper.state, session.seat, "socket")  # (3)
    return session, keeper


class Live:
    """One accepted socket of one seat."""

    def __init__(self, *, socket: WebSocket, services: Services, session: SignedIn, keeper: ProceedingKeeper) -> None:
        self._socket = socket
        self._services = services
        self._session = session
        self._seat = session.seat
        self._keeper = keeper
        self._pointers: Pointers = socket.app.state.pointers
        self._screens: Screens = socket.app.state.screens
        self._images: PageImages = socket.app.state.images
        self._bucket = Bucket(MESSAGE_RATE, clock=services.monotonic)
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Until one of the loops ends; never raises."""
        code = POLICY
        try:
            hello, _ = read_message(await asyncio.wait_for(self._receive(), HELLO_S))  # (4)
            if not isinstance(hello, Hello):
                raise UnknownMessage("the first message is hello")
            self._keeper.connected(self._seat)
            try:
                told = self._tell(hello.resume), self._point(), self._share()
                code = await self._first_of(*told, self._listen(), self._until_closing())
            finally:
                self._keeper.viewing.gone(self)
                self._keeper.disconnected(self._seat)
        except (WebSocketDisconnect, WebSocketDisconnected, TimeoutError, OSError):
            pass  # the line is gone, or the seat is silent
        except Exception as error:  # noqa: BLE001 (the seat is told a code, and the log what happened)
            await self._refuse(error)
        with suppress(*_GONE):
            await asyncio.wait_for(self._socket.close(code), SEND_S)

    async def _first_of(self, *loops: Coroutine[Any, Any, int]) -> int:
        tasks = [asyncio.create_task(loop) for loop in loops]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self) -> int:
        """What the seat says."""
        while True:
            text = await asyncio.wait_for(self._receive(), SILENCE_S)
            try:
                self._bucket.take()
                await self._hear(text)
            except _REFUSED as error:
                await self._refuse(error)

    async def _hear(self, text: str) -> None:
        message, permission = read_message(text)
        state = self._keeper.state
        demand(state, self._seat, permission)
        match message:
            case Ping(t=t, rtt=rtt):
                # The session dies by sign-out, idleness or age; its sockets with it, within one ping.
                await self._services.identity.revive(self._session.digest)
                self._keeper.viewing.heard(self)
                self._keeper.clocking.heard(self._seat, t, rtt)
                await self._send({"type": "pong", "t": t, "now": int(self._services.clock() * 1000)})
            case Pointer(x=x, y=y):
                self._pointers.publish(state.origin, self._seat, x, y, presenter=state.presenter)
            case Listen(room=room):
                self._keeper.looks.listens(self._seat, room)
            case Screen():
                self._screens.publish(state, self._seat, message)
            case Viewing(images=images):
                await self._view([Shown(unb64u(i.document, 32), i.page, unb64u(i.image, 32)) for i in images])
            case Attention(what=what):
                self._keeper.attending.notice(self._seat, what)
            case Devices(camera=camera, microphone=microphone):
                self._keeper.has_devices(self._seat, {"camera": camera, "microphone": microphone})
            case Hello():
                raise UnknownMessage("hello comes once")

    async def _view(self, images: list[Shown]) -> None:
        for image in images:
            await self._images.check(self._services.pages, self._keeper, self._seat, image)
        self._keeper.viewing.show(self, self._seat, images)

    async def _tell(self, resume: int | None) -> int:
        """What the proceeding tells: the snapshot, the entries that the seat lacks, and from then on every update."""
        updates = self._keeper.subscribe()
        try:
            state = self._keeper.state
            if resume is not None and resume > state.size:
                raise UnknownMessage("resume lies beyond the log")
            await self._send(self._snapshot())
            await self._send_all(_messages(self._keeper.presence, self._seat))
            start = state.size if resume is None else resume
            for first in range(start, state.size, PIECE):
                piece = self._keeper.entries[first : min(first + PIECE, state.size)]
                await self._send_all(entry_messages(piece, state, self._seat))
            return await self._follow(updates)
        finally:
            updates.close()

    async def _follow(self, updates: Subscription) -> int:
        async for update in updates:
            await self._send_all(_messages(update, self._seat))
        return TRY_AGAIN

    async def _until_closing(self) -> int:
        await self._services.closing.wait()
        return RESTART

    async def _point(self) -> int:
        async for position in self._pointers.follow(self._keeper.state.origin, self._seat):
            await self._send(position)
        return TRY_AGAIN

    async def _share(self) -> int:
        async for screen in self._screens.follow(self._keeper.state.origin, self._seat):
            await self._send(screen)
        return TRY_AGAIN

    def _snapshot(self) -> Object:
        state, cosigned, media = self._keeper.state, self._keeper.log.cosigned, self._keeper.media
        return {
            "type": "snapshot",
            "size": state.size,
            "view": view(state, self._seat),
            "checkpoint": cosigned.note.decode() if cosigned.size else None,
            "media": _media(media),
            "screen": self._screens.newest(state.origin),
        }

    async def _receive(self) -> str:
        message = await self._socket.receive()
        if message["type"] != "websocket.receive":
            raise WebSocketDisconnect(message.get("code", 1005))
        text: str | None = message.get("text")
        if text is None:
            raise UnknownMessage("only texts")
        return text

    async def _send_all(self, messages: list[Object]) -> None:
        texts = [encode(message).decode() for message in messages]
        # An update wakes every socket in one step of the loop: all write what they have to say, and only then does one
        # hand it over, and does no more than that, so that a turned page reaches the last seat as soon as the first
        # (`bench.skew`).
        await asyncio.sleep(0)
        for text in texts:
            await self._hand_over(text)

    async def _send(self, message: Object) -> None:
        async with asyncio.timeout(SEND_S):
            await self._hand_over(encode(message).decode())

    async def _hand_over(self, text: str) -> None:
        async with self._turn:  # one text at a time, whoever sends it
            await self._socket.send_text(text)

    async def _refuse(self, error: Exception) -> None:
        code = code_of(error)
        _log.info("socket-message-refused", code=code, seat=self._seat, exc_info=error if code == "internal" else None)
        with suppress(*_GONE):
            await self._send({"type": "error", "code": code})


def _messages(update: Update, seat: str) -> list[Object]:
    match update:
        case Appended(entries=entries, state=state):
            return entry_messages(entries, state, seat)
        case CheckpointGrew(note=note):
            return [{"type": "checkpoint", "note": note.decode()}]
        case MediaChanged():
            return [{"type": "media"} | _media(update)]
        case PresenceChanged(venues=venues, devices=devices, lines=lines, losses=losses):
            told = {room: dict(each) for room, each in devices.items()}
            lost = dict(losses)
            return [{"type": "presence", "venues": dict(venues), "devices": told, "lines": dict(lines), "losses": lost}]


def _media(media: MediaChanged) -> Object:
    rooms = {room: {"connected": connected} for room, connected in media.rooms.items()}
    return {"engine": media.engine, "rooms": rooms}
