"""The draw of protocols.md section 4 a second time, from the page alone: no code of the product, stdlib only."""

from __future__ import annotations

import hashlib
import struct


def h(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def t(tag: str, message: bytes) -> bytes:
    return h(b"tongping/" + tag.encode() + b"/v1\x00" + message)


def seed(freeze: bytes, secrets: list[bytes]) -> bytes:
    return t("draw-seed", freeze + struct.pack("B", len(secrets)) + b"".join(secrets))


class Stream:
    """The label's words one by one."""

    def __init__(self, seed_: bytes, label: str) -> None:
        self.sub = t("draw-stream", seed_ + label.encode())
        self.used = 0

    def word(self) -> int:
        block, place = divmod(self.used, 4)
        self.used += 1
        (value,) = struct.unpack_from(">Q", h(self.sub + struct.pack(">Q", block)), 8 * place)
        return int(value)

    def next(self, n: int) -> int:
        while True:
            x = self.word()
            if x < 2**64 - (2**64 % n):
                return x % n


def order(seed_: bytes, label: str, m: int) -> list[int]:
    stream, a = Stream(seed_, label), list(range(m))
    i = m - 1
    while i >= 1:
        r = stream.next(i + 1)
        a[i], a[r] = a[r], a[i]
        i -= 1
    return a


def merkle(data: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, by its recursive definition."""
    if not data:
        return h(b"")
    if len(data) == 1:
        return h(b"\x00" + data[0])
    k = 1
    while k * 2 < len(data):
        k *= 2
    return h(b"\x01" + merkle(data[:k]) + merkle(data[k:]))


def drawn(seed_: bytes, strata: list[tuple[str, int, list[bytes]]]) -> list[list[bytes]]:
    """Per stratum (label, quota, leaves): the order without those who were taken before."""
    taken: list[bytes] = []
    result = []
    for label, quota, leaves in strata:
        ranked = []
        for i in order(seed_, label, len(leaves)):
            if leaves[i] not in taken:
                ranked.append(leaves[i])
        taken = taken + ranked[:quota]
        result.append(ranked)
    return result
