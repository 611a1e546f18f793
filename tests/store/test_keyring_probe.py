"""The keyring's probe: writes an entry of its own, reads it and deletes it."""

from __future__ import annotations

from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import null

from tests.support.secret_service import SecretService
from zbtui.model.problem import Problem, ProblemError
from zbtui.store.keyring_credentials import KeyringCredentialStore


class StoredKeyring(KeyringBackend):
    """A back end in memory."""

    priority = -1  # keeps the keyring library from choosing this back end

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring has no types there
        self.entries: dict[tuple[str, str], str] = {}
        self.written: list[tuple[str, str, str]] = []

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password
        self.written.append((service, username, password))

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


class ReadOnly(StoredKeyring):
    def set_password(self, service: str, username: str, password: str) -> None:
        raise PermissionError(password)


class IgnoringKeyring(StoredKeyring):
    """A back end that never replaces an entry."""

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries.setdefault((service, username), "of an earlier probe")


def credentials_in(
    backend: KeyringBackend, locks: Path, monkeypatch: pytest.MonkeyPatch
) -> KeyringCredentialStore:
    monkeypatch.setattr("keyring.get_keyring", lambda: backend)
    return KeyringCredentialStore(locks, allow_insecure=True)


async def problem_of(credentials: KeyringCredentialStore) -> Problem:
    with pytest.raises(ProblemError) as caught:
        await credentials.probe()
    assert caught.value.problem.kind == "keyring"
    return caught.value.problem


async def test_a_real_keyring_is_left_as_it_was(real_keyring: SecretService, tmp_path: Path) -> None:
    assert await KeyringCredentialStore(tmp_path).probe() == "SecretService Keyring"
    assert keyring.get_password("zbtui-doctor", "probe") is None


async def test_the_entry_is_one_of_the_doctors_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = StoredKeyring()
    assert "StoredKeyring" in await credentials_in(backend, tmp_path, monkeypatch).probe()
    assert {entry[:2] for entry in backend.written} == {("zbtui-doctor", "probe")}
    assert len({text for _, _, text in backend.written}) == 2, "it is overwritten, as a token is"
    assert backend.entries == {}


@pytest.mark.parametrize("make", [null.Keyring, IgnoringKeyring], ids=["keeps nothing", "keeps another"])
async def test_a_keyring_that_does_not_give_back_what_it_took_is_shown(
    make: type[KeyringBackend], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = await problem_of(credentials_in(make(), tmp_path, monkeypatch))
    assert "does not give it back" in problem.message


async def test_a_refusing_keyring_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = await problem_of(credentials_in(ReadOnly(), tmp_path, monkeypatch))
    assert problem.message == "The keyring failed (PermissionError)."


async def test_a_missing_keyring_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyring.get_keyring", null.Keyring)
    assert "not known to keep secrets safe" in (await problem_of(KeyringCredentialStore(tmp_path))).message
