"""Which venue, and which moment of its clip, does this picture show?

A strip of large black and white cells in the lower part of each frame says so, so that a program can read it back from
recorded pixels or from a canvas, whatever VP8 and a scaler did to the rest.

    2 rows x 20 columns of square cells on a white margin; read column by column, upper cell first:
    columns 0 and 19   finder: black over white, and white over black
    columns 1 .. 18    36 bits, black = 1: venue (4), clip time in ms (16), CRC-16/XMODEM of those 20 bits (16)

The CRC and the finder together let one arbitrary picture in a million pass (2^-20), and a reader asks for many frames.
"""

from __future__ import annotations

from binascii import crc_hqx
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
"""Luma, height x width; limited or full range, either reads."""

WIDTH, HEIGHT = 320, 180
COLUMNS, ROWS = 20, 2
CELL = 14
"""Pixels. A cell holds several of VP8's 4x4 transforms, so it reads without an error at 90 kbit/s."""
LEFT, TOP = (WIDTH - COLUMNS * CELL) // 2, 146
MARGIN = 4
BLACK, WHITE = 24, 232
"""Luma of the cells, inside the limited range of video (16 to 235), so that ringing is not clipped."""
CONTRAST = 60
"""Finder cells that differ by less are not a strip of ours."""
MAX_VENUE, MAX_TIME = 15, 65_535


@dataclass(frozen=True, slots=True)
class Reading:
    venue: int
    clip_ms: int


def paint(plane: Plane, *, venue: int, clip_ms: int) -> None:
    """Draw the strip into a frame of WIDTH x HEIGHT."""
    if plane.shape != (HEIGHT, WIDTH) or not 0 <= venue <= MAX_VENUE or not 0 <= clip_ms <= MAX_TIME:
        raise ValueError("the strip fits one frame size, 4 bits of venue and 16 bits of time")
    bottom, right = TOP + ROWS * CELL, LEFT + COLUMNS * CELL
    plane[TOP - MARGIN : bottom + MARGIN, LEFT - MARGIN : right + MARGIN] = WHITE
    cells = np.array(_cells(venue, clip_ms), dtype=np.bool_).reshape(COLUMNS, ROWS).T
    pixels = np.kron(cells, np.ones((CELL, CELL), dtype=np.bool_))
    plane[TOP:bottom, LEFT:right][pixels] = BLACK


def read(plane: Plane) -> Reading | None:
    """The strip in a frame of any size with the same aspect; None where there is none or it is damaged."""
    height, width = plane.shape
    down, right = height / HEIGHT, width / WIDTH
    means = [
        _mean(plane, TOP + row * CELL, LEFT + column * CELL, down, right)
        for column in range(COLUMNS)
        for row in range(ROWS)
    ]
    black, white = (means[0] + means[-1]) / 2, (means[1] + means[-2]) / 2
    if white - black < CONTRAST:
        return None
    bits = [mean < (black + white) / 2 for mean in means]
    if bits[:2] != [True, False] or bits[-2:] != [False, True]:
        return None
    value = int("".join("1" if bit else "0" for bit in bits[2:-2]), 2)
    message, check = value >> 16, value & 0xFFFF
    if crc_hqx(message.to_bytes(3, "big"), 0) != check:
        return None
    return Reading(venue=message >> 16, clip_ms=message & 0xFFFF)


def _cells(venue: int, clip_ms: int) -> list[bool]:
    message = venue << 16 | clip_ms
    value = message << 16 | crc_hqx(message.to_bytes(3, "big"), 0)
    return [True, False, *(bit == "1" for bit in f"{value:036b}"), False, True]


def _mean(plane: Plane, top: int, left: int, down: float, right: float) -> float:
    """Mean of the middle half of a cell; its rim carries the ringing of the edges."""
    inset = CELL // 4
    rows = slice(round((top + inset) * down), max(round((top + inset) * down) + 1, round((top + CELL - inset) * down)))
    columns = slice(
        round((left + inset) * right), max(round((left + inset) * right) + 1, round((left + CELL - inset) * right))
    )
    return float(plane[rows, columns].mean())
