"""What a seat may say on the live socket, and the permission each message demands."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evidence.core.canonical import MAX_INTEGER, decode_object
from evidence.errors import Malformed
from web.server.errors import UnknownMessage

# One text of a client (protocol.md section 7; uvicorn's own default would be 16 MiB, reliability report F7).
MAX_TEXT = 65_536
# Pointer positions are parts of ten thousand of the page's width and height: integers, like every number of ours.
POINTER_SCALE = 10_000
# A screen marks a passage or two, and shows two pages side by side at most.
MAX_MARKS, MAX_IMAGES = 16, 2

_Integer = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
_Position = Annotated[int, Field(ge=0, le=POINTER_SCALE)]
_Extent = Annotated[int, Field(ge=POINTER_SCALE // 20, le=POINTER_SCALE)]
_Mark = Annotated[list[_Position], Field(min_length=4, max_length=4)]
_Hash = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
_PageNumber = Annotated[int, Field(ge=1, le=100_000)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Hello(_Message):
    type: Literal["hello"]
    resume: _Integer | None


class Ping(_Message):
    """`t` is the device's own clock in ms, `rtt` the round trip of the ping before this, where answered."""

    type: Literal["ping"]
    t: _Integer
    rtt: _Integer | None = None


class Pointer(_Message):
    type: Literal["pointer"]
    x: _Position
    y: _Position


class Listen(_Message):
    """Whose sound the page plays; one room at a time, or none."""

    type: Literal["listen"]
    room: Annotated[str, Field(pattern=r"^room-[1-9][0-9]{0,3}$")] | None


class Viewport(_Message):
    """The part of the page that stands in the presenter's frame; pages of before 2026-11-22 do not say its height."""

    x: _Position
    y: _Position
    width: _Extent
    height: _Extent | None = None


class Screen(_Message):
    """What the presenter has on the screen; marks are [x, y, width, height]."""

    type: Literal["screen"]
    document: _Hash
    page: _PageNumber
    viewport: Viewport
    highlight: Annotated[list[_Mark], Field(max_length=MAX_MARKS)]
    sequence: _Integer


class Image(_Message):
    """A server-rendered page image that the seat decoded and shows."""

    document: _Hash
    page: _PageNumber
    image: _Hash


class Viewing(_Message):
    """All that is on the seat's screen now; nothing while its window is hidden."""

    type: Literal["viewing"]
    images: Annotated[list[Image], Field(max_length=MAX_IMAGES)]


class Attention(_Message):
    """The page is covered by another tab or shown again, the window is left or has the keyboard again."""

    type: Literal["attention"]
    what: Literal["hidden", "shown", "left", "back"]


_DeviceState = Literal["on", "muted", "denied", "missing", "busy", "unplugged", "insecure", "unsupported", "unknown"]


class Devices(_Message):
    """What a room's device can say of its camera and microphone; `muted`: it is there and gives nothing."""

    type: Literal["devices"]
    camera: _DeviceState
    microphone: _DeviceState


Message = Hello | Ping | Pointer | Listen | Screen | Viewing | Attention | Devices
MESSAGES: dict[str, tuple[type[Message], str]] = {
    "hello": (Hello, "socket"),
    "ping": (Ping, "socket"),
    "pointer": (Pointer, "pointer"),
    "listen": (Listen, "listen"),
    "screen": (Screen, "screen"),
    "viewing": (Viewing, "viewing"),
    "attention": (Attention, "attention"),
    "devices": (Devices, "devices"),
}
"""Type -> its form and the permission of `sessions.core.permission` that it demands."""


def read_message(text: str) -> tuple[Message, str]:
    """The message and its permission; UnknownMessage for everything else."""
    try:
        value = decode_object(text.encode("utf-8", "surrogatepass"), limit=MAX_TEXT)
        form, permission = MESSAGES[value["type"]]
        return form.model_validate(value), permission
    except (Malformed, KeyError, TypeError, ValidationError) as error:
        raise UnknownMessage("not a message of this socket") from error
