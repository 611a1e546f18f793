"""A real Secret Service (gnome-keyring) on a session bus of its own, in a folder of its own."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import secretstorage
from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection
from secretstorage import dbus_init
from secretstorage.exceptions import ItemNotFoundException
from secretstorage.util import format_secret, open_session

import zbtui.store.secret_service  # noqa: F401  before `secretstorage.dbus_init` is replaced below


def _greeting_dbus_init() -> DBusConnection:
    """Open a connection whose first message cannot end the daemon; see `SharedConnectionKeyring`."""
    connection = dbus_init()
    try:
        with suppress(ItemNotFoundException):
            secretstorage.get_collection_by_alias(connection, "zbtui-tests")
    except BaseException:
        connection.close()
        raise
    return connection


# For all that tests do with a keyring beside zbtui, which has imported the function itself by now.
secretstorage.dbus_init = _greeting_dbus_init

_PATIENCE = 20.0
_PASSWORD = b"ci\n"
_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen> <!-- must be there; its command line says where it listens -->
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/> <allow eavesdrop="true"/> <allow own="*"/>
  </policy>
</busconfig>
"""
"""A session bus that starts nothing."""


@dataclass(frozen=True)
class SecretService:
    """A running Secret Service."""

    environ: dict[str, str]
    """Environment variables by which programs find it."""
    daemon: int
    """The keyring daemon's process id."""
    folder: Path
    """The folder of its keyrings."""
    exit_stack: ExitStack
    """Closed when the service ends."""


@contextmanager
def secret_service(*, unlocked: bool = True, bus_activation: bool = True) -> Iterator[SecretService]:
    """Args:
    unlocked: whether its login keyring is open; else it exists, but locked.
    bus_activation: whether the bus starts another daemon if this one ends.
    """
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        for name in ("runtime", "data", "home"):
            (root / name).mkdir(mode=0o700)
        (root / "bus.conf").write_text(_BUS)
        kind = "--session" if bus_activation else f"--config-file={root / 'bus.conf'}"
        # In the folder, too: a killed bus leaves its socket.
        bus_at = f"--address=unix:path={root / 'bus'}"
        bus = stack.enter_context(_process(["dbus-daemon", kind, bus_at, "--nofork", "--print-address"]))
        assert bus.stdout is not None
        own = {
            "DBUS_SESSION_BUS_ADDRESS": bus.stdout.readline().decode().strip(),
            "XDG_RUNTIME_DIR": str(root / "runtime"),
            "XDG_DATA_HOME": str(root / "data"),
            "HOME": str(root / "home"),
        }
        folder = root / "data" / "keyrings"
        if not unlocked:
            # Made with another password, the login keyring exists, but cannot be opened.
            with _daemon(own, root / "first.log", b"another\n"):
                _wait_until(lambda: _has_login(own))
        command = _PASSWORD if unlocked else None
        daemon = stack.enter_context(_daemon(own, root / "daemon.log", command))
        _wait_until(lambda: _has_login(own))
        yield SecretService(own, daemon.pid, folder, stack)


@contextmanager
def _daemon(
    environ: dict[str, str], log: Path, password: bytes | None
) -> Iterator[subprocess.Popen[bytes]]:
    command = ["gnome-keyring-daemon", "--foreground", "--components=secrets"]
    if password is not None:
        command.append("--unlock")
    # Output goes to a file: the daemon prints a warning for each overwrite.
    with log.open("wb") as output, _process(command, environ, output) as process:
        assert process.stdin is not None
        process.stdin.write(password or b"")
        process.stdin.close()
        yield process


@contextmanager
def _process(
    command: list[str], environ: dict[str, str] | None = None, output: object = None
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command,
        env={**os.environ, **(environ or {})},
        stdin=subprocess.PIPE,
        stdout=output or subprocess.PIPE,  # type: ignore[call-overload]
        stderr=output or subprocess.DEVNULL,
        preexec_fn=_end_with_parent,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()


def _end_with_parent() -> None:
    """End this process whenever its parent ends. The daemon loses this setting, and ends with its bus."""
    death_signal = 1  # PR_SET_PDEATHSIG of prctl(2)
    ctypes.CDLL(None).prctl(death_signal, signal.SIGKILL)


def _is_served(environ: dict[str, str]) -> bool:
    """Whether the service runs, by the bus: a request to the service itself would start another one."""
    return b"boolean true" in _ask(
        environ, "org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner", "org.freedesktop.secrets"
    )


def _has_login(environ: dict[str, str]) -> bool:
    """Whether the service's login keyring is fully written."""
    return _is_served(environ) and b"/collection/login" in _ask(
        environ,
        "org.freedesktop.secrets",
        "/org/freedesktop/secrets",
        "org.freedesktop.Secret.Service.ReadAlias",
        "default",
    )


def _ask(environ: dict[str, str], who: str, path: str, method: str, text: str) -> bytes:
    question = ["dbus-send", "--session", f"--dest={who}", "--print-reply", path, method, f"string:{text}"]
    return subprocess.run(question, env={**os.environ, **environ}, capture_output=True, check=False).stdout


def _wait_until(condition: object) -> None:
    """Wait for another process, by the real clock."""
    assert callable(condition)
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "the Secret Service did not come up"
        time.sleep(0.02)


@contextmanager
def keyring_locked(service: SecretService) -> Iterator[None]:
    """Lock the service's keyring, as a screen saver does; unlock it at the end."""
    with closing(secretstorage.dbus_init()) as connection:
        secretstorage.get_default_collection(connection).lock()
    yield
    unlock_keyring()


def unlock_keyring(*_: object) -> None:
    """Unlock the service's keyring, as GNOME's dialog does after the right password."""
    within = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface"
    address = DBusAddress("/org/freedesktop/secrets", "org.freedesktop.secrets", interface=within)
    with closing(secretstorage.dbus_init()) as connection:
        collection = secretstorage.get_default_collection(connection)
        password = format_secret(open_session(connection), _PASSWORD, "text/plain")
        what = (collection.collection_path, password)
        call = new_method_call(address, "UnlockWithMasterPassword", "o(oayays)", what)
        connection.send_and_get_reply(call)
        assert not collection.is_locked()


def change_password(service: SecretService, password: bytes) -> None:
    """Change the password of the service's keyring, as GNOME's Passwords and Keys does."""
    within = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface"
    address = DBusAddress("/org/freedesktop/secrets", "org.freedesktop.secrets", interface=within)
    bus = service.environ["DBUS_SESSION_BUS_ADDRESS"]
    with closing(open_dbus_connection(bus)) as connection:
        collection = secretstorage.get_default_collection(connection)
        session = open_session(connection)
        old, new = (format_secret(session, text, "text/plain") for text in (_PASSWORD, password))
        what = (collection.collection_path, old, new)
        call = new_method_call(address, "ChangeWithMasterPassword", "o(oayays)(oayays)", what)
        connection.send_and_get_reply(call)


@contextmanager
def daemon_restarted(service: SecretService) -> Iterator[None]:
    """Kill the service's daemon; at the end another daemon serves the keyring."""
    os.kill(service.daemon, signal.SIGKILL)
    _wait_until(lambda: not _is_served(service.environ))
    yield
    service.exit_stack.enter_context(
        _daemon(service.environ, service.folder.parent / "again.log", _PASSWORD)
    )
    _wait_until(lambda: _is_served(service.environ))


@contextmanager
def daemon_frozen(service: SecretService) -> Iterator[None]:
    """Stop the service's daemon, so that it does not answer."""
    os.kill(service.daemon, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(service.daemon, signal.SIGCONT)


def delete_zbtui_entries() -> None:
    """Delete the entries that earlier tests have left in the keyring."""
    with closing(secretstorage.dbus_init()) as connection:
        for item in list(secretstorage.get_default_collection(connection).get_all_items()):
            if item.get_attributes().get("service", "").startswith("zbtui"):
                item.delete()
