"""A fleet with all its parts: one HTTP client, one session per org."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from zbtui.store.config import Config
from zbtui.store.journal import Journal
from zbtui.store.memory import Credentials
from zbtui.watch.clock import Clock
from zbtui.watch.fleet import Fleet
from zbtui.watch.session import Session
from zbtui.zoho.http import AsgiApp, Http


@asynccontextmanager
async def open_fleet(
    config: Config,
    credentials: Credentials,
    journal: Journal,
    clock: Clock,
    *,
    reload: Callable[[], Config | None] = lambda: None,
    app: AsgiApp | None = None,
    luck: random.Random | None = None,
) -> AsyncIterator[Fleet]:
    """A fleet for as long as the context lasts; at its end the journal is closed.

    Args:
        reload: see `Fleet`.
        app: answers in Zoho's place, inside the process; None: the network.
        luck: for the jitter.
    """
    try:
        async with Http(app) as http:
            yield Fleet(
                config,
                lambda org: Session(org, http, credentials, journal, clock).look,
                journal,
                clock,
                reload,
                luck,
            )
    finally:
        await journal.close()
