"""How much a caller may send: token buckets, and bodies read up to a bound."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Hashable
from dataclasses import dataclass

from starlette.requests import Request

from web.server.errors import TooLarge, TooManyRequests

# JSON bodies: an act is at most 60 000 octets (protocols.md 1.1); its wrapping adds a few.
MAX_JSON = 64_000
# A tender with its documents in base64; only the administrator sends one, and a thousand scanned pages fit.
MAX_TENDER = 32_000_000
# Ciphertexts of seals (protocol.md section 6).
MAX_OBJECT = 1_048_576
# Session descriptions (reliability report F11).
MAX_SDP = 65_536


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_second` on the average, `burst` at once."""

    per_second: float
    burst: int


# Requests of one session: a page with 40 images and acts of a room full of clicks stays below; a loop does not.
SESSION_RATE = Rate(per_second=40, burst=200)
# Sign-ins of one address (ASVS 6.3.1: 100 a minute for an address; a venue of 20 seats signs in at once).
SIGN_IN_RATE = Rate(per_second=100 / 60, burst=60)
# Session descriptions of one session: two of them, offer and answer, cost the worker a handshake (ASVS 17.3.1), and a
# page whose connection broke tries again after a second (`call/watch.ts`).
SDP_RATE = Rate(per_second=2, burst=20)
# Sealed sheets of one session: a sheet has few parts and is sealed again a few times; what is stored is never deleted.
OBJECT_RATE = Rate(per_second=1 / 15, burst=30)
# Socket messages of one connection: a ping each second and a pointer at 15 a second (reliability report row 43).
MESSAGE_RATE = Rate(per_second=20, burst=60)
# Requests of one partner, all its programs together: a feed of ten thousand events is 50 pages, a poll every second
# leaves room for the rest.
PARTNER_RATE = Rate(per_second=20, burst=100)
# Tokens of one address: one lives ten minutes, and asking for one costs a signature check.
TOKEN_RATE = Rate(per_second=2, burst=30)
# How many callers are remembered; the one that was silent longest is forgotten first.
MAX_BUCKETS = 10_000


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller stands: requests that are left, and seconds until its bucket is full again."""

    rate: Rate
    left: int
    full: int

    @property
    def headers(self) -> dict[str, str]:
        """draft-ietf-httpapi-ratelimit-headers-10."""
        return policy(self.rate) | {"RateLimit": f'"default";r={self.left};t={self.full}'}


def policy(rate: Rate) -> dict[str, str]:
    """What a caller may do at all."""
    return {"RateLimit-Policy": f'"default";q={rate.burst};w={math.ceil(rate.burst / rate.per_second)}'}


class Bucket:
    """A token bucket."""

    def __init__(self, rate: Rate, *, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._tokens = float(rate.burst)
        self._at = clock()

    def take(self) -> Standing:
        """One token, or TooManyRequests."""
        now = self._clock()
        self._tokens = min(self._rate.burst, self._tokens + (now - self._at) * self._rate.per_second)
        self._at = now
        if self._tokens < 1:
            raise TooManyRequests("slow down", after=math.ceil((1 - self._tokens) / self._rate.per_second))
        self._tokens -= 1
        full = math.ceil((self._rate.burst - self._tokens) / self._rate.per_second)
        return Standing(self._rate, int(self._tokens), full)


class Buckets:
    """One bucket for each caller."""

    def __init__(self, rate: Rate, *, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._buckets: OrderedDict[Hashable, Bucket] = OrderedDict()

    def take(self, caller: Hashable) -> Standing:
        bucket = self._buckets.pop(caller, None) or Bucket(self._rate, clock=self._clock)
        self._buckets[caller] = bucket
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        return bucket.take()


async def stream_body(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body as it comes in; TooLarge before or as soon as the bound is passed."""
    _check_length(request, limit)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"at most {limit} octets")
        yield chunk


async def read_body(request: Request, limit: int) -> bytes:
    """The body's octets; TooLarge as soon as the bound is passed, whatever Content-Length claims."""
    _check_length(request, limit)
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > limit:
            raise TooLarge(f"at most {limit} octets")
    return bytes(data)


def _check_length(request: Request, limit: int) -> None:
    length = request.headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or int(length[:20]) > limit:
        raise TooLarge(f"at most {limit} octets")
