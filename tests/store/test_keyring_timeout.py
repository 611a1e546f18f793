"""A keyring call that succeeds at the moment at which it is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from tests.store.store_samples import sample_org
from tests.support.fake_clock import START
from tests.support.secret_service import SecretService
from zbtui.model.secret import AccessToken, Secret
from zbtui.store.keyring_credentials import KeyringCredentialStore
from zbtui.store.worker import WorkerThread, WorkerTimeoutError

T = TypeVar("T")
ACCESS = AccessToken(
    Secret("1000.an-access-token"), "https://www.zohoapis.eu", START + timedelta(minutes=59)
)


class LateWorker(WorkerThread):
    """A worker that gives up each call just after its end."""

    error: type[BaseException] = WorkerTimeoutError

    async def call(self, function: Callable[[], T], timeout: float | None = None) -> T:
        await super().call(function)
        raise self.error


@pytest.fixture
def impatient_credentials(real_keyring: SecretService, tmp_path: Path) -> KeyringCredentialStore:
    credentials = KeyringCredentialStore(tmp_path / "locks")
    credentials._worker = LateWorker("test")
    return credentials


@pytest.fixture
def patient_credentials(real_keyring: SecretService, tmp_path: Path) -> KeyringCredentialStore:
    return KeyringCredentialStore(tmp_path / "locks")


async def test_what_was_made_in_time_after_all_is_not_shown_as_failed(
    impatient_credentials: KeyringCredentialStore, patient_credentials: KeyringCredentialStore
) -> None:
    await impatient_credentials.write_access_token(sample_org("late"), ACCESS)
    assert await patient_credentials.read_access_token(sample_org("late")) == ACCESS
    await impatient_credentials.delete(sample_org("late"))
    assert await patient_credentials.read_access_token(sample_org("late")) is None


async def test_a_cancelled_call_stays_cancelled(
    impatient_credentials: KeyringCredentialStore,
    patient_credentials: KeyringCredentialStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(LateWorker, "error", asyncio.CancelledError)
    with pytest.raises(asyncio.CancelledError):
        await impatient_credentials.write_access_token(sample_org("late"), ACCESS)
    await patient_credentials.delete(sample_org("late"))
