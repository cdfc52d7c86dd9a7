"""Group commit: one thread that bundles waiting writes into one durable transaction.

A commit costs one or more flushes of the disk whatever it holds, so writes that wait while another commit flushes
share the next one. Each stands behind a savepoint: one that is refused leaves nothing behind and disturbs no other.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from evidence.errors import EvidenceError, Unavailable

Result = TypeVar("Result")
# Past this the flush is no longer what a write waits for (measured: 100 bundled appends of 400 bytes take ~15 ms).
MAX_BUNDLE = 128


@dataclass(frozen=True, slots=True)
class _Write:
    order: str
    run: Callable[[Connection], Any]
    future: Future[Any]


class Writer:
    """The only connection of this process that writes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._loop, name="ledger-writer", daemon=True)
        self._closed = False
        self._thread.start()

    async def write(self, order: str, run: Callable[[Connection], Result]) -> Result:
        """What `run` returns, after the commit. `order` names the rows that it locks: bundles go in this order, so
        that two processes cannot lock each other out. A cancelled caller may still have written."""
        if self._closed:
            raise Unavailable("the ledger is closed")
        future: Future[Result] = Future()
        self._queue.put(_Write(order, run, future))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Finish what waits, then stop."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()

    def _loop(self) -> None:
        ending = False
        while not ending:
            bundle: list[_Write] = []
            write = self._queue.get()
            while True:
                if write is None:
                    ending = True
                elif write.future.set_running_or_notify_cancel():
                    bundle.append(write)
                if ending or len(bundle) >= MAX_BUNDLE:
                    break
                try:
                    write = self._queue.get_nowait()
                except queue.Empty:
                    break
            if bundle:
                self._commit(sorted(bundle, key=lambda w: w.order))

    def _commit(self, bundle: list[_Write]) -> None:
        results: list[tuple[Future[Any], Any]] = []
        failures: list[tuple[Future[Any], BaseException]] = []
        try:
            with self._engine.connect() as connection, connection.begin():
                for write in bundle:
                    try:
                        with connection.begin_nested():
                            result = write.run(connection)
                        results.append((write.future, result))
                    except SQLAlchemyError as error:
                        if connection.invalidated:
                            raise
                        failures.append((write.future, _unavailable(error)))
                    except Exception as error:  # noqa: BLE001 (a caller's fault is the caller's to see, not the thread's end)
                        failures.append((write.future, error))
        except Exception as error:  # noqa: BLE001 (whatever it was, nobody may wait for ever)
            done = {id(future) for future, _ in failures}
            failures += [(w.future, _unavailable(error)) for w in bundle if id(w.future) not in done]
            results = []
        for future, result in results:
            future.set_result(result)
        for future, failure in failures:
            future.set_exception(failure)


def _unavailable(error: Exception) -> EvidenceError:
    failure = Unavailable(f"the database did not answer: {type(error).__name__}")
    failure.__cause__ = error
    return failure
