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

_Integer = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
_Position = Annotated[int, Field(ge=0, le=POINTER_SCALE)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Hello(_Message):
    type: Literal["hello"]
    resume: _Integer | None


class Ping(_Message):
    type: Literal["ping"]
    t: _Integer


class Pointer(_Message):
    type: Literal["pointer"]
    x: _Position
    y: _Position


class Listen(_Message):
    """Whose sound the page plays; one room at a time, or none."""

    type: Literal["listen"]
    room: Annotated[str, Field(pattern=r"^room-[1-9][0-9]{0,3}$")] | None


Message = Hello | Ping | Pointer | Listen
MESSAGES: dict[str, tuple[type[Message], str]] = {
    "hello": (Hello, "socket"),
    "ping": (Ping, "socket"),
    "pointer": (Pointer, "pointer"),
    "listen": (Listen, "listen"),
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
