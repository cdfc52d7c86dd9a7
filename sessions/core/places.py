"""Where each act stands in the log: a map that only grows, shared by all states of one history.

The state is a value, and a new one follows from every entry. A dictionary copied each time would make folding a log
take time by the square of its length. Here the states of one history share one dictionary, and each knows how much of
it is its own; where two histories part (a decision that was not taken, a test), the second one takes a copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class Places(Mapping[bytes, int]):
    """Act id -> index of its entry. Indices grow, so what lies beyond `last` is a later state's."""

    __slots__ = ("_last", "_length", "_shared")

    def __init__(self) -> None:
        self._shared: dict[bytes, int] = {}
        self._length = 0
        self._last = -1

    def put(self, act: bytes, index: int) -> Places:
        """This map with one more act; `index` MUST be beyond all that are in it."""
        shared = self._shared
        if len(shared) != self._length:
            shared = {key: n for key, n in shared.items() if n <= self._last}
        made = Places()
        made._shared, made._length, made._last = shared, self._length + 1, index
        shared[act] = index
        return made

    def __getitem__(self, act: bytes) -> int:
        index = self._shared[act]
        if index > self._last:
            raise KeyError(act)
        return index

    def __iter__(self) -> Iterator[bytes]:
        return (act for act, index in self._shared.items() if index <= self._last)

    def __len__(self) -> int:
        return self._length
