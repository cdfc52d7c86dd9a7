"""Buckets, as the reliability report asks for (rows 2.4.1, 43)."""

from __future__ import annotations

import pytest

from web.server.errors import TooManyRequests
from web.server.limits import MAX_BUCKETS, SDP_RATE, Bucket, Buckets, Rate


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def spend(bucket: Bucket) -> int:
    for taken in range(10_000):
        try:
            bucket.take()
        except TooManyRequests:
            return taken
    raise AssertionError("the bucket never ends")


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    clock = Clock()
    bucket = Bucket(Rate(per_second=20, burst=60), clock=clock)
    assert spend(bucket) == 60
    clock.now += 1
    assert spend(bucket) == 20
    clock.now += 3600
    assert spend(bucket) == 60


def test_callers_do_not_share_a_bucket_and_are_not_remembered_without_bound() -> None:
    buckets = Buckets(Rate(per_second=1, burst=1), clock=Clock())
    buckets.take("flooder")
    with pytest.raises(TooManyRequests):
        buckets.take("flooder")
    buckets.take("other")
    for caller in range(MAX_BUCKETS):
        buckets.take(caller)
    buckets.take("flooder")


def test_a_page_may_try_again_each_second_and_a_loop_may_not() -> None:
    """An answer that is refused for its number breaks the connection that its offer began: found by `bench.client`."""
    clock = Clock()
    bucket = Bucket(SDP_RATE, clock=clock)
    for _ in range(600):
        bucket.take()  # the offer
        bucket.take()  # its answer
        clock.now += 1
    assert spend(bucket) == SDP_RATE.burst
    with pytest.raises(TooManyRequests):
        bucket.take()
