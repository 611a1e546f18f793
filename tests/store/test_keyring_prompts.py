"""When the keyring may prompt for its password, and what happens during the prompt."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import filelock
import keyring
import pytest
import secretstorage
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from tests.conftest import use_secret_service
from tests.store.store_samples import sample_org
from tests.support.secret_service import (
    SecretService,
    daemon_frozen,
    keyring_locked,
    secret_service,
    unlock_keyring,
)
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import Secret, SignInCredentials
from zbtui.store import keyring_credentials as keyring_credentials_module
from zbtui.store.keyring_credentials import KeyringCredentialStore
from zbtui.store.secret_service import PromptGate


@pytest.fixture
def own_keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretService]:
    with secret_service() as service:
        use_secret_service(service, monkeypatch)
        yield service


@pytest.fixture
def prompts(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The prompts that opened; each is dismissed at once."""
    opened: list[object] = []
    monkeypatch.setattr(secretstorage.Collection, "unlock", lambda collection: opened.append(collection))
    return opened


async def problem_of(credentials: KeyringCredentialStore, name: str = "acme") -> Problem:
    with pytest.raises(ProblemError) as caught:
        await credentials.read_sign_in(sample_org(name))
    assert caught.value.problem.kind == "keyring"
    return caught.value.problem


async def test_of_many_orgs_and_processes_one_lets_the_keyring_prompt(
    own_keyring: SecretService, tmp_path: Path, prompts: list[object]
) -> None:
    with keyring_locked(own_keyring):
        for _ in range(3):
            credentials = KeyringCredentialStore(tmp_path)
            for number in range(4):
                assert "locked" in (await problem_of(credentials, str(number))).message
        assert len(prompts) == 1
        minutes_ago = time.time() - 301
        os.utime(tmp_path / "keyring-prompt", (minutes_ago, minutes_ago))
        await problem_of(KeyringCredentialStore(tmp_path))
        assert len(prompts) == 2


async def test_without_a_person_the_keyring_never_prompts(
    own_keyring: SecretService, tmp_path: Path, prompts: list[object]
) -> None:
    credentials = KeyringCredentialStore(tmp_path, is_attended=False)
    assert await credentials.read_sign_in(sample_org()) is None
    with keyring_locked(own_keyring):
        assert "locked" in (await problem_of(credentials)).message
    assert prompts == []
    assert await credentials.read_sign_in(sample_org()) is None


async def test_a_prompt_that_is_answered_lets_the_next_one_open(
    own_keyring: SecretService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secretstorage.Collection, "unlock", unlock_keyring)
    for _ in range(2):
        with keyring_locked(own_keyring):
            assert await KeyringCredentialStore(tmp_path).read_sign_in(sample_org()) is None


async def test_an_entry_that_stays_locked_in_an_open_keyring_is_reported_as_such(
    own_keyring: SecretService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KeePassXC lets a program read an entry only after the user allowed it."""
    credentials = KeyringCredentialStore(tmp_path)
    await credentials.write_sign_in(sample_org(), SignInCredentials(Secret("secret")))
    monkeypatch.setattr(secretstorage.Item, "is_locked", lambda item: True)
    monkeypatch.setattr(secretstorage.Item, "unlock", lambda item: None)
    assert "does not let zbtui read this entry" in (await problem_of(credentials)).message


def test_a_prompt_noted_in_the_future_or_in_no_file_holds_nobody_up(tmp_path: Path) -> None:
    gate = PromptGate(tmp_path / "note")
    gate.pass_or_raise()
    with pytest.raises(KeyringLocked):
        gate.pass_or_raise()
    later = time.time() + 1000
    os.utime(tmp_path / "note", (later, later))
    gate.pass_or_raise()
    unwritable = PromptGate(tmp_path / "none" / "note")
    unwritable.pass_or_raise()
    unwritable.pass_or_raise()


async def test_while_the_keyring_hangs_each_org_has_the_same_problem_at_once(
    own_keyring: SecretService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    credentials = KeyringCredentialStore(tmp_path)
    await credentials.read_sign_in(sample_org())
    with daemon_frozen(own_keyring):
        with monkeypatch.context() as short:
            short.setattr(keyring_credentials_module, "CALL_TIMEOUT_SECONDS", 0.2)
            first = await problem_of(credentials)
        assert "within 0.2 s" in first.message
        # The tests' long limit would make this wait for a minute.
        credentials._worker.extend_timeout(-100)
        assert [await problem_of(credentials, str(number)) for number in range(3)] == [first] * 3


class FailingKeyring(KeyringBackend):
    """A keyring whose reads fail; `calls` counts them."""

    priority = -1
    calls = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.calls += 1
        raise RuntimeError("dismissed")

    def set_password(self, service: str, username: str, password: str) -> None: ...


async def test_after_a_call_that_was_given_up_and_failed_no_other_is_made_for_minutes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With a back end whose prompts zbtui cannot see, each call could open one more prompt."""
    backend = FailingKeyring()  # type: ignore[no-untyped-call]
    monkeypatch.setattr("keyring.get_keyring", lambda: backend)
    credentials = KeyringCredentialStore(tmp_path, allow_insecure=True)
    await problem_of(credentials)
    assert backend.calls == 2
    credentials._given_up = Problem("keyring", "It did not answer.", "Unlock it.")
    credentials._quiet_until = time.monotonic() + 100
    assert [await problem_of(credentials) for _ in range(3)] == [credentials._given_up] * 3
    assert backend.calls == 2
    credentials._quiet_until = 0
    await problem_of(credentials)
    assert backend.calls == 3, "and is not tried twice"


async def test_a_lock_that_another_process_holds_on_to_is_waited_for_once(
    monkeypatch: pytest.MonkeyPatch, real_keyring: SecretService, tmp_path: Path
) -> None:
    credentials = KeyringCredentialStore(tmp_path)
    await credentials.read_sign_in(sample_org())
    with filelock.FileLock(tmp_path / "keyring.lock"):
        with monkeypatch.context() as short:
            short.setattr(keyring_credentials_module, "_LOCK_TIMEOUT_SECONDS", 0.1)
            assert "Another zbtui process" in (await problem_of(credentials)).message
        for number in range(5):  # not a minute each
            assert "Another zbtui process" in (await problem_of(credentials, str(number))).message
        PromptGate(tmp_path / "keyring-prompt").pass_or_raise()
        assert "waits for its password" in (await problem_of(credentials)).message
    assert await credentials.read_sign_in(sample_org()) is None


async def test_the_first_call_has_more_time(
    own_keyring: SecretService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The first call may have to start the service."""
    assert keyring.get_keyring()
    monkeypatch.setattr(keyring_credentials_module, "_FIRST_CALL_TIMEOUT_SECONDS", 0.3)
    with daemon_frozen(own_keyring):
        assert "within 0.3 s" in (await problem_of(KeyringCredentialStore(tmp_path))).message
