"""Chooses the back end through which zbtui uses the OS keyring, and turns its errors into problems."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from zbtui.model.problem import Problem, ProblemError
from zbtui.model.text import clean

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend as KeyringBackend

    from zbtui.store.secret_service import PromptGate

ALLOW_INSECURE_VARIABLE: Final = "ZBTUI_ALLOW_INSECURE_KEYRING"
_PROBE_ENTRY: Final = ("zbtui-doctor", "probe")
_SECURE_BACKENDS: Final = (
    "keyring.backends.SecretService",
    "keyring.backends.libsecret",
    "keyring.backends.kwallet",
    "keyring.backends.macOS",
    "keyring.backends.Windows",
    "keyring_pass",
)
"""The beginnings of the module names of back ends that encrypt their entries and use no terminal."""


def choose_backend(*, allow_insecure: bool, gate: PromptGate | None = None) -> KeyringBackend:
    """Return the first back end of the `keyring` package that is known to be secure.

    If none is, return the package's own choice when `allow_insecure` is set, else raise a `ProblemError`.
    `gate` limits how often the Secret Service asks the user for its password; None means no limit.
    """
    import keyring  # imported here, in the keyring's thread: it takes some 100 ms
    from keyring.backends import chainer, fail

    try:
        backend = keyring.get_keyring()
        members = list(backend.backends) if isinstance(backend, chainer.ChainerBackend) else [backend]
    except Exception as error:  # an invalid PYTHON_KEYRING_BACKEND raises any error of its import
        message = f"The keyring back end could not be loaded ({type(error).__name__})."
        hint = f"Check PYTHON_KEYRING_BACKEND in the environment. {_SUPPORTED_KEYRINGS_HINT}"
        raise keyring_error(message, hint) from None
    for member in members:
        if type(member).__module__.startswith(_SECURE_BACKENDS):
            return _adapted(member, gate)
    if allow_insecure:
        return backend
    if isinstance(backend, fail.Keyring):
        # Under cron and over ssh, a keyring may exist that cannot be found without the session bus.
        raise keyring_error(_NO_KEYRING, session_bus_hint() or _SUPPORTED_KEYRINGS_HINT)
    name = f"{type(backend).__module__}.{type(backend).__name__}"
    message = f"The keyring back end {name} is not known to keep secrets safe."
    hint = f"{_SUPPORTED_KEYRINGS_HINT} To use it all the same, set {ALLOW_INSECURE_VARIABLE}=1."
    raise keyring_error(message, hint)


def _adapted(backend: KeyringBackend, gate: PromptGate | None) -> KeyringBackend:
    """Return the back end, adapted to zbtui.

    A Secret Service back end is replaced by one that uses a single connection; a back end of `pass` is
    changed to use no terminal.
    """
    from keyring.backends import SecretService

    module = sys.modules.get(type(backend).__module__)
    if type(backend).__module__.startswith("keyring_pass") and hasattr(module, "command"):
        vars(module)["command"] = run_without_terminal
    if type(backend) is not SecretService.Keyring:
        return backend
    # Imported here: it needs packages that only Linux has.
    from zbtui.store.secret_service import PromptGate, SharedConnectionKeyring

    return SharedConnectionKeyring.from_backend(backend, gate or PromptGate())


def run_without_terminal(command: Sequence[str], **options: Any) -> str:
    """Run `command`, a call of the program `pass`, and return its output.

    The gpg that `pass` runs has no terminal to ask for a passphrase on. If the command fails, raises
    `subprocess.CalledProcessError` without the output, which may hold a secret.
    """
    environ = {name: value for name, value in os.environ.items() if name != "GPG_TTY"}
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command,
        input=options.get("input") or "",
        capture_output=True,
        check=False,
        encoding="utf-8",
        env=environ,
        start_new_session=True,  # else gpg opens the controlling terminal
    )
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command[:1])
    return done.stdout


def session_bus_hint() -> str | None:
    """Return a hint for the user if the address of the D-Bus session bus is missing or wrong, else None."""
    has_session_bus = sys.platform.startswith("linux")
    if not has_session_bus:
        return None
    address = os.environ.get("DBUS_SESSION_BUS_ADDRESS", "")
    if not address:
        return _NO_SESSION_BUS_HINT
    found = re.match(r"unix:path=([^,;]+)", address)
    if found is None or Path(unquote(found[1])).exists():
        return None
    where = clean(found[1], 100)
    return (
        f"DBUS_SESSION_BUS_ADDRESS names {where}, which is gone: the login that it belonged to has ended. "
        "Log in, or run loginctl enable-linger, and set it anew."
    )


_NO_KEYRING: Final = "This machine has no keyring to keep secrets in."
_SUPPORTED_KEYRINGS_HINT: Final = (
    "Start GNOME Keyring, KWallet or KeePassXC, or use Keychain, Credential Locker or keyring-pass."
)
OTHER_BACKEND_HINT: Final = (
    f"Another back end is needed: see `keyring --list-backends`. {_SUPPORTED_KEYRINGS_HINT}"
)


_GPG_COMMAND: Final = "pass show on one of the entries below python-keyring"
_NO_SESSION_BUS_HINT: Final = (
    "No session bus is named here: set DBUS_SESSION_BUS_ADDRESS, as in unix:path=/run/user/1000/bus. "
    f"{_SUPPORTED_KEYRINGS_HINT}"
)


ENTRY_LOCKED: Final = "The keyring is open, and does not let zbtui read this entry."
"""KeePassXC asks the user for each program and entry, unless its confirmation is turned off."""


def set_or_delete(service: str, user: str, text: str | None, keyring: KeyringBackend) -> None:
    if text is None:
        keyring.delete_password(service, user)
    else:
        keyring.set_password(service, user, text)


def probe_keyring(keyring: KeyringBackend) -> tuple[str, bool]:
    """Write, read and delete a test entry; return the back end's name and whether it kept the entry."""
    # The text is random, so that the entry of an earlier probe does not match. It is written twice, since
    # access tokens are overwritten too, and some keyrings ask the user before they overwrite an entry.
    for text in (secrets.token_hex(8), secrets.token_hex(8)):
        keyring.set_password(*_PROBE_ENTRY, text)
    kept = keyring.get_password(*_PROBE_ENTRY) == text
    set_or_delete(*_PROBE_ENTRY, None, keyring)
    return clean(str(keyring.name), 80), kept


def keyring_error_problem(error: Exception) -> tuple[Problem, bool]:
    """Return the problem to report for an error of a back end, and whether to retry the call at once."""
    from keyring import errors

    retry = False
    if isinstance(error, errors.KeyringLocked) and ENTRY_LOCKED in error.args:
        message, hint = ENTRY_LOCKED, "Allow it in the keyring's window, or turn off that it asks."
    elif isinstance(error, errors.KeyringLocked):
        message, hint = "The keyring is locked.", "Unlock it."
    elif isinstance(error, errors.InitError):
        message = "The keyring is locked, does not run, or was never set up."
        hint = "Start and unlock it, or create its default collection."
    elif isinstance(error, errors.NoKeyringError):
        message, hint = _NO_KEYRING, _SUPPORTED_KEYRINGS_HINT
    elif isinstance(error, subprocess.CalledProcessError):
        message = f"pass failed (exit status {error.returncode}): gpg may not know its passphrase."
        hint = f"Give it to gpg in another terminal: {_GPG_COMMAND}; or use a pinentry with a window."
    else:
        message, retry = f"The keyring failed ({type(error).__name__}).", True
        hint = session_bus_hint() or "See that the keyring service runs and the session bus is reachable."
    return Problem("keyring", message, hint), retry


def keyring_error(message: str, hint: str) -> ProblemError:
    return ProblemError(Problem("keyring", message, hint))
