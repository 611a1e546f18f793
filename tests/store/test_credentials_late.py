"""A keyring that does what was asked of it at the very moment when it is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from tests.support.clock import START
from tests.support.secret_service import SecretService
from zbtui.core.secret import AccessToken, Secret
from zbtui.store.credentials import KeyringCredentials
from zbtui.store.worker import Worker, WorkerStuckError

T = TypeVar("T")
ACCESS = AccessToken(
    Secret("1000.an-access-token"), "https://www.zohoapis.eu", START + timedelta(minutes=59)
)


class LastMoment(Worker):
    """Gives each call up right behind its end."""

    error: type[BaseException] = WorkerStuckError

    async def call(self, function: Callable[[], T], limit: float | None = None) -> T:
        await super().call(function)
        raise self.error


@pytest.fixture
def hasty(real_keyring: SecretService, tmp_path: Path) -> KeyringCredentials:
    credentials = KeyringCredentials(tmp_path / "locks")
    credentials._worker = LastMoment("test")
    return credentials


@pytest.fixture
def calm(real_keyring: SecretService, tmp_path: Path) -> KeyringCredentials:
    return KeyringCredentials(tmp_path / "locks")


async def test_what_was_made_in_time_after_all_is_not_told_as_failed(
    hasty: KeyringCredentials, calm: KeyringCredentials
) -> None:
    await hasty.write_access("late", ACCESS)
    assert await calm.read_access("late") == ACCESS
    await hasty.delete("late")
    assert await calm.read_access("late") is None


async def test_whoever_is_cancelled_stays_cancelled(
    hasty: KeyringCredentials, calm: KeyringCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LastMoment, "error", asyncio.CancelledError)
    with pytest.raises(asyncio.CancelledError):
        await hasty.write_access("late", ACCESS)
    await calm.delete("late")
