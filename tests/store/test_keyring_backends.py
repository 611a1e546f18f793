"""Keyring back ends: which are used, which are refused, and how their faults are reported."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.core
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from keyring.backends.chainer import ChainerBackend

from tests.store.store_samples import sample_org
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import Secret, SignInCredentials
from zbtui.store.keyring_backends import choose_backend
from zbtui.store.keyring_credentials import KeyringCredentialStore

SIGN_IN = SignInCredentials(Secret("the-client-secret"), Secret("1000.the-refresh-token"))
SECRETS = ("the-client-secret", "1000.the-refresh-token")


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    return tmp_path / "locks"


async def problem_of(credentials: KeyringCredentialStore) -> Problem:
    with pytest.raises(ProblemError) as caught:
        await credentials.read_sign_in(sample_org())
    assert caught.value.problem.kind == "keyring"
    return caught.value.problem


class FakeKeyring(KeyringBackend):
    """A keyring without encryption; its priority keeps the keyring library from choosing it."""

    priority = -10

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


class ForgetfulKeyring(FakeKeyring):
    """A keyring that returns another value than it was given."""

    def get_password(self, service: str, username: str) -> str | None:
        return '{"client_secret": "of somebody else"}'


class RaisingKeyring(FakeKeyring):
    """A keyring whose reads raise `errors`, one per call, and then work."""

    def __init__(self, *errors: Exception) -> None:
        super().__init__()
        self.errors = list(errors)
        self.calls = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return super().get_password(service, username)


class ChainedKeyring(ChainerBackend):
    """A chainer back end with these members."""

    priority = -10
    backends: tuple[KeyringBackend, ...] = ()

    def __init__(self, *members: KeyringBackend) -> None:
        self.backends = members


def instance_of(kind: type[KeyringBackend]) -> KeyringBackend:
    return kind()


def keyring_from_module(module: str, kind: type[KeyringBackend] = FakeKeyring) -> KeyringBackend:
    """A back end whose class appears to come from `module`."""
    made = kind()
    made.__class__ = type(kind.__name__, (kind,), {"__module__": module})
    return made


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restores the keyring after the test, which may call `keyring.set_keyring`."""
    monkeypatch.setattr(keyring.core, "_keyring_backend", None)
    before = set(KeyringBackend._classes)
    yield
    KeyringBackend._classes.intersection_update(before)


@pytest.mark.parametrize(
    "module",
    [
        "keyring.backends.SecretService",
        "keyring.backends.libsecret",
        "keyring.backends.kwallet",
        "keyring.backends.macOS",
        "keyring.backends.Windows",
        "keyring_pass",
    ],
)
def test_back_ends_that_encrypt_are_taken(module: str, choose: None) -> None:
    backend = keyring_from_module(module)
    keyring.set_keyring(backend)
    assert choose_backend(allow_insecure=False) is backend


INSECURE = [
    instance_of(null.Keyring),
    keyring_from_module("keyrings.alt.file"),
    keyring_from_module("keyrings.cryptfile.cryptfile"),
    keyring_from_module("my.own"),
    ChainedKeyring(
        keyring_from_module("keyrings.alt.file"), keyring_from_module("keyrings.cryptfile.cryptfile")
    ),
    ChainedKeyring(),
]


@pytest.mark.parametrize("backend", INSECURE, ids=lambda backend: type(backend).__module__)
def test_others_are_refused_by_name_with_the_cure(backend: KeyringBackend, choose: None) -> None:
    keyring.set_keyring(backend)
    with pytest.raises(ProblemError) as caught:
        choose_backend(allow_insecure=False)
    problem = caught.value.problem
    assert problem.kind == "keyring"
    assert f"{type(backend).__module__}.{type(backend).__name__}" in problem.message
    assert "ZBTUI_ALLOW_INSECURE_KEYRING=1" in problem.hint


@pytest.mark.parametrize("backend", INSECURE, ids=lambda backend: type(backend).__module__)
def test_others_are_taken_where_that_was_asked_for(backend: KeyringBackend, choose: None) -> None:
    keyring.set_keyring(backend)
    assert choose_backend(allow_insecure=True) is backend


def test_of_a_chain_the_member_that_encrypts_is_taken_and_the_rest_left_alone(choose: None) -> None:
    good = keyring_from_module("keyring.backends.SecretService")
    keyring.set_keyring(
        ChainedKeyring(keyring_from_module("keyrings.alt.file"), good, keyring_from_module("my.own"))
    )
    assert choose_backend(allow_insecure=False) is good
    assert choose_backend(allow_insecure=True) is good


def test_a_machine_without_a_keyring_is_shown_what_to_install(choose: None) -> None:
    keyring.set_keyring(instance_of(fail.Keyring))
    with pytest.raises(ProblemError) as caught:
        choose_backend(allow_insecure=False)
    assert "no keyring" in caught.value.problem.message
    assert "GNOME Keyring" in caught.value.problem.hint


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("", "No session bus is named"),
        ("unix:path={gone},guid=1", "{gone}, which is gone"),
        ("unix:path={there}", "GNOME Keyring"),
        ("unix:abstract=/tmp/dbus-x", "GNOME Keyring"),
        ("nonsense", "GNOME Keyring"),
    ],
)
def test_a_session_bus_that_is_gone_is_named(
    address: str, named: str, choose: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """This happens under cron, after the login has ended."""
    places = {"gone": tmp_path / "gone", "there": tmp_path}
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address.format(**places))
    keyring.set_keyring(instance_of(fail.Keyring))
    with pytest.raises(ProblemError) as caught:
        choose_backend(allow_insecure=False)
    assert named.format(**places) in caught.value.problem.hint
    assert ("loginctl enable-linger" in caught.value.problem.hint) is ("gone" in named)


async def test_a_machine_without_a_keyring_is_one_even_where_anything_is_allowed(
    choose: None, locks: Path
) -> None:
    keyring.set_keyring(instance_of(fail.Keyring))
    assert "no keyring" in (await problem_of(KeyringCredentialStore(locks, allow_insecure=True))).message


@pytest.mark.parametrize(
    "value", ["bogus", "no.such.Keyring", "keyring.backends.NoSuch", "keyring.backends.fail.NoSuch", ""]
)
def test_a_back_end_of_the_environment_that_cannot_be_loaded_is_a_problem(
    value: str, choose: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", value)
    with pytest.raises(ProblemError) as caught:
        choose_backend(allow_insecure=False)
    assert "PYTHON_KEYRING_BACKEND" in caught.value.problem.hint


def test_the_environments_null_back_end_is_refused(choose: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    with pytest.raises(ProblemError, match="null"):
        choose_backend(allow_insecure=False)


@pytest.mark.parametrize("backend", [instance_of(null.Keyring), ForgetfulKeyring()])
async def test_a_back_end_that_does_not_give_back_what_it_took_is_found_out(
    backend: KeyringBackend, choose: None, locks: Path
) -> None:
    keyring.set_keyring(backend)
    with pytest.raises(ProblemError, match="does not give it back"):
        await KeyringCredentialStore(locks, allow_insecure=True).write_sign_in(sample_org(), SIGN_IN)


@pytest.mark.parametrize(
    ("errors", "calls", "word"),
    [
        ([RuntimeError("org.freedesktop.DBus.Error.NoReply")], 2, None),
        ([RuntimeError("1"), RuntimeError("2")], 2, "RuntimeError"),
        ([keyring.errors.KeyringLocked("Failed to unlock the collection!")], 1, "locked"),
        ([keyring.errors.InitError("Failed to create the collection: Prompt dismissed")], 1, "set up"),
        ([keyring.errors.NoKeyringError("No recommended backend")], 1, "no keyring"),
    ],
    ids=["once", "twice", "locked", "not made", "none"],
)
async def test_an_unknown_error_is_tried_once_more_and_never_taken_for_an_empty_keyring(
    errors: list[Exception], calls: int, word: str | None, choose: None, locks: Path
) -> None:
    backend = RaisingKeyring(*errors)
    keyring.set_keyring(backend)
    credentials = KeyringCredentialStore(locks, allow_insecure=True)
    if word:
        assert word in (await problem_of(credentials)).message
    else:
        assert await credentials.read_sign_in(sample_org()) is None
    assert backend.calls == calls


async def test_no_error_shows_a_secret(choose: None, locks: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    class Chatty(RaisingKeyring):
        def set_password(self, service: str, username: str, password: str) -> None:
            raise ValueError(f"cannot store {password}")

    keyring.set_keyring(Chatty())
    credentials = KeyringCredentialStore(locks, allow_insecure=True)
    with pytest.raises(ProblemError) as caught:
        await credentials.write_sign_in(sample_org(), SIGN_IN)
    shown = "".join([repr(caught.value), repr(caught.value.problem), repr(caught.value.__context__)])
    for secret in SECRETS:
        assert secret not in shown + caplog.text
