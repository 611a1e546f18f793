"""A real Secret Service (gnome-keyring) on a session bus of its own, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

_PATIENCE = 20.0


@dataclass(frozen=True)
class SecretService:
    """A running one."""

    environ: dict[str, str]
    """What a program needs in its environment to find it."""
    daemon: int
    """The keyring daemon's process id."""
    folder: Path
    """Where it keeps its keyrings."""


@contextmanager
def secret_service(*, unlocked: bool = True) -> Iterator[SecretService]:
    """Args:
    unlocked: whether its login keyring is open; else it is there, and locked.
    """
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        for name in ("runtime", "data", "home"):
            (root / name).mkdir(mode=0o700)
        bus = stack.enter_context(_process(["dbus-daemon", "--session", "--nofork", "--print-address"]))
        assert bus.stdout is not None
        own = {
            "DBUS_SESSION_BUS_ADDRESS": bus.stdout.readline().decode().strip(),
            "XDG_RUNTIME_DIR": str(root / "runtime"),
            "XDG_DATA_HOME": str(root / "data"),
            "HOME": str(root / "home"),
        }
        folder = root / "data" / "keyrings"
        if not unlocked:
            # A login keyring made with another password: there, and not to be opened.
            with _daemon(own, root / "first.log", b"another\n"):
                _until(lambda: (folder / "login.keyring").exists())
        command = b"ci\n" if unlocked else None
        daemon = stack.enter_context(_daemon(own, root / "daemon.log", command))
        _until(lambda: _is_served(own) and (folder / "login.keyring").exists())
        yield SecretService(own, daemon.pid, folder)


@contextmanager
def _daemon(
    environ: dict[str, str], log: Path, password: bytes | None
) -> Iterator[subprocess.Popen[bytes]]:
    command = ["gnome-keyring-daemon", "--foreground", "--components=secrets"]
    if password is not None:
        command.append("--unlock")
    # Into a file: it prints a warning an overwrite.
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
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()


def _is_served(environ: dict[str, str]) -> bool:
    question = [
        "dbus-send",
        "--session",
        "--dest=org.freedesktop.DBus",
        "--print-reply",
        "/",
        "org.freedesktop.DBus.NameHasOwner",
        "string:org.freedesktop.secrets",
    ]
    answer = subprocess.run(question, env={**os.environ, **environ}, capture_output=True, check=False)
    return b"boolean true" in answer.stdout


def _until(true: object) -> None:
    """Wait for another process: the one place where tests look at the real clock."""
    assert callable(true)
    deadline = time.monotonic() + _PATIENCE
    while not true():
        assert time.monotonic() < deadline, "the Secret Service did not come up"
        time.sleep(0.02)
