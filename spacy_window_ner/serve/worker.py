"""A worker thread with a queue of limited size."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class QueueFullError(Exception):
    """The queue of the worker is full."""


class Worker:
    """A thread that runs one function at a time, in the order of the calls.

    size (int): Maximum number of calls that are running or waiting.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.waiting = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="window-ner")

    async def run(self, function: Callable[..., T], *args: Any, **settings: Any) -> T:
        """Call a function in the thread. Must be called from the thread of the event loop.

        RETURNS (T): The return value of the function.
        RAISES (QueueFullError): If the queue is full.
        """
        if self.waiting >= self.size:
            raise QueueFullError
        self.waiting += 1
        future = self._thread.submit(partial(function, *args, **settings))
        loop = asyncio.get_running_loop()
        # The client may have disconnected; its slot is free when the work is done.
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._leave))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Finish the running call, and stop."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _leave(self) -> None:
        self.waiting -= 1
