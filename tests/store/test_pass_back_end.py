"""`pass` as the keyring's back end: its gpg never gets zbtui's terminal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import keyring
import keyring.core
import pytest
from keyring.backend import KeyringBackend

from tests.store.store_samples import sample_org
from zbtui.model.problem import ProblemError
from zbtui.store.keyring_backends import run_without_terminal
from zbtui.store.keyring_credentials import KeyringCredentialStore

CHILD = """
import os, sys
found = [name for name in ("GPG_TTY",) if name in os.environ]
try:
    os.open("/dev/tty", os.O_RDWR)
except OSError:
    pass
else:
    found.append("a controlling terminal")
found += [str(number) for number in range(3) if os.isatty(number)]
print("painted over the panels", file=sys.stderr)
print(found, repr(sys.stdin.read()), end="")
"""


def test_its_children_have_no_terminal_and_their_output_is_caught(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GPG_TTY", "/dev/pts/0")
    assert run_without_terminal([sys.executable, "-c", CHILD]) == "[] ''"
    assert run_without_terminal([sys.executable, "-c", CHILD], input="typed") == "[] 'typed'"
    assert capfd.readouterr() == ("", "")


def test_an_error_of_theirs_holds_neither_output_nor_arguments() -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run_without_terminal([sys.executable, "-c", "print('s3cret'); raise SystemExit(2)"])
    assert "s3cret" not in repr(vars(caught.value))


@pytest.fixture
def pass_module(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """keyring-pass with a `pass` whose gpg cannot ask for its passphrase."""
    module = ModuleType("keyring_pass")

    class PasswordStoreBackend(KeyringBackend):
        __module__ = "keyring_pass"
        priority = -1

        def get_password(self, service: str, username: str) -> str | None:
            failing = [sys.executable, "-c", "raise SystemExit(2)"]
            text: str = vars(module)["command"](failing)
            return text

        def set_password(self, service: str, username: str, password: str) -> None: ...

    vars(module)["command"] = lambda command: pytest.fail("with the terminal")
    monkeypatch.setitem(sys.modules, "keyring_pass", module)
    monkeypatch.setattr(keyring.core, "_keyring_backend", None)
    before = set(KeyringBackend._classes)
    keyring.set_keyring(PasswordStoreBackend())  # type: ignore[no-untyped-call]
    yield module
    KeyringBackend._classes.intersection_update(before)


async def test_a_missing_passphrase_is_reported_as_gpgs(pass_module: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as caught:
        await KeyringCredentialStore(tmp_path).read_sign_in(sample_org())
    assert "gpg" in caught.value.problem.message
    assert "pinentry" in caught.value.problem.hint
