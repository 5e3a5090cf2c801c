"""One thread that works, and how many may wait for it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class QueueFullError(Exception):
    """Too many wait already."""


class Worker:
    """A thread that does one thing after another, in the order in which they come.

    size (int): How many may be at work or wait.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.waiting = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="window-ner")

    async def run(self, function: Callable[..., T], *args: Any, **settings: Any) -> T:
        """Call a function in the thread. The event loop's thread alone calls this.

        RETURNS (T): What the function returned.
        RAISES (QueueFullError): If too many wait already.
        """
        if self.waiting >= self.size:
            raise QueueFullError
        self.waiting += 1
        future = self._thread.submit(partial(function, *args, **settings))
        loop = asyncio.get_running_loop()
        # Whoever asked may have gone; the place is free when the work is done.
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._leave))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Finish what is at work, and stop."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _leave(self) -> None:
        self.waiting -= 1
