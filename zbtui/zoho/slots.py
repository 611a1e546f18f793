"""Limits the number of concurrent requests."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

MAX_REQUESTS: Final = 16
"""The maximum number of concurrent requests; with more, httpx's connection pool gets slower."""
MAX_REQUESTS_PER_HOST: Final = 8
"""The maximum number of concurrent requests to one host: a dead data center cannot delay the others."""
MAX_SLOW: Final = 32
"""The maximum number of slow requests, which go on without a slot."""
MAX_SLOW_PER_HOST: Final = 16
SLOW_SECONDS: Final = 2.0
"""The time after which a request counts as slow: it releases its slots early and goes on.

While the maximum number of slow requests is running, further requests keep their slots.
"""


class RequestSlots:
    """Limits concurrent requests: each holds a slot of its host and a slot that all hosts share.

    A slow request releases its slots early.
    """

    def __init__(self) -> None:
        self._shared = asyncio.Semaphore(MAX_REQUESTS)
        self._of_host: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(MAX_REQUESTS_PER_HOST)
        )
        self._slow: Counter[str] = Counter()
        """The number of running slow requests by host; slow requests have released their slots."""

    @asynccontextmanager
    async def hold(self, host: str) -> AsyncIterator[None]:
        """Wait for a slot of `host` and a shared slot, and hold both during the `with` block.

        If the block takes longer than `SLOW_SECONDS`, both slots are released before it ends.
        """
        # The host's slot first: a request that waits for a dead host must not hold a shared slot.
        async with _Slot(self._of_host[host]) as of_host, _Slot(self._shared) as shared:
            is_slow = False

            def release_early() -> None:
                nonlocal is_slow
                if self._slow[host] < MAX_SLOW_PER_HOST and self._slow.total() < MAX_SLOW:
                    is_slow = True
                    self._slow[host] += 1
                    of_host.release()
                    shared.release()

            timer = asyncio.get_running_loop().call_later(SLOW_SECONDS, release_early)
            try:
                yield
            finally:
                timer.cancel()
                self._slow[host] -= is_slow


class _Slot:
    """A slot of a semaphore. It is released once: early by `release`, or at the end of the `with` block."""

    def __init__(self, semaphore: asyncio.Semaphore) -> None:
        self._semaphore: asyncio.Semaphore | None = semaphore

    async def __aenter__(self) -> _Slot:
        if self._semaphore:
            await self._semaphore.acquire()
        return self

    async def __aexit__(self, *error: object) -> None:
        self.release()

    def release(self) -> None:
        if self._semaphore:
            self._semaphore.release()
            self._semaphore = None
