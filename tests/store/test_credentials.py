"""The credential store in memory."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tests.store.store_samples import sample_org
from tests.support.fake_clock import START, run_until_idle
from zbtui.model.secret import AccessToken, Secret, SignInCredentials
from zbtui.store.credentials import MemoryCredentialStore

SIGN_IN = SignInCredentials(Secret("s"), Secret("r"))
ACCESS = AccessToken(Secret("a"), "https://www.zohoapis.eu", START + timedelta(hours=1))


async def test_what_is_written_is_read_and_what_is_deleted_is_gone() -> None:
    credentials = MemoryCredentialStore()
    await credentials.write_sign_in(sample_org(), SIGN_IN)
    await credentials.write_access_token(sample_org(), ACCESS)
    assert await credentials.read_sign_in(sample_org()) == SIGN_IN
    assert await credentials.read_access_token(sample_org()) == ACCESS
    assert await credentials.read_sign_in(sample_org("other")) is None
    for _ in range(2):  # deleting a missing entry is no error
        await credentials.delete(sample_org())
    assert await credentials.read_sign_in(sample_org()) is None
    assert await credentials.read_access_token(sample_org()) is None


async def test_one_at_a_time_refreshes_an_org() -> None:
    credentials, entered = MemoryCredentialStore(), asyncio.Event()

    async def refresh(name: str) -> None:
        async with credentials.refresh_lock(sample_org(name)):
            entered.set()

    async with credentials.refresh_lock(sample_org()):
        waiting = asyncio.create_task(refresh("acme"))
        await run_until_idle()
        assert not entered.is_set()
        await refresh("other")
    await waiting
