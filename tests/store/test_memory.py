"""Credentials for as long as the program runs."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tests.support.clock import START, settle
from zbtui.core.secret import AccessToken, Secret, SignIn
from zbtui.store.memory import MemoryCredentials

SIGN_IN = SignIn(Secret("s"), Secret("r"))
ACCESS = AccessToken(Secret("a"), "https://www.zohoapis.eu", START + timedelta(hours=1))


async def test_what_is_written_is_read_and_what_is_deleted_is_gone() -> None:
    credentials = MemoryCredentials()
    await credentials.write_sign_in("acme", SIGN_IN)
    await credentials.write_access("acme", ACCESS)
    assert await credentials.read_sign_in("acme") == SIGN_IN
    assert await credentials.read_access("acme") == ACCESS
    assert await credentials.read_sign_in("other") is None
    for _ in range(2):  # what is not there is no error
        await credentials.delete("acme")
    assert (await credentials.read_sign_in("acme"), await credentials.read_access("acme")) == (None, None)


async def test_one_at_a_time_refreshes_an_org() -> None:
    credentials, entered = MemoryCredentials(), asyncio.Event()

    async def refresh(name: str) -> None:
        async with credentials.refreshing(name):
            entered.set()

    async with credentials.refreshing("acme"):
        waiting = asyncio.create_task(refresh("acme"))
        await settle()
        assert not entered.is_set()
        await refresh("other")
    await waiting
