"""Signing in as people do: their input for each method, typed at a terminal or piped in."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

import secretstorage
from secretstorage.util import open_session

from tests.cli.command_runner import add_args
from tests.support.pseudo_terminal import Terminal
from tests.support.secret_service import SecretService
from tests.support.simulator import SimulatorServer, answer_consent_page_in_thread
from zbtui.demo.accounts import DEVICE_CLIENT, WEB_CLIENT, RegisteredClient
from zbtui.model.org import SignInMethod

_SHARED_CLIENTS: Final[dict[SignInMethod, RegisteredClient]] = {
    "device": DEVICE_CLIENT,
    "browser": WEB_CLIENT,
}
_PROMPTS: Final = {"code": "Code", "refresh_token": "Refresh token"}
"""The prompt at a terminal, by the key in the JSON."""
CONSENT_PAGE: Final = re.compile(r"http://\S+/oauth/v2/auth\?\S+")
USER_CODE: Final = re.compile(r"and enter +(\w{8})\b")


@dataclass(frozen=True)
class SignInInput:
    """The input from Zoho's console with which a person signs in an org."""

    method: SignInMethod
    args: list[str]
    """The arguments of `zbtui add`, with `--grant`."""
    secrets: dict[str, str] = field(repr=False)
    """The client secret; and the code or refresh token, where the method needs one."""

    @property
    def as_json(self) -> str:
        return json.dumps(self.secrets)

    def type_into(self, terminal: Terminal) -> None:
        """Answer each prompt when it appears."""
        terminal.wait_for_text("Client secret (not shown):")
        terminal.send(f"{self.secrets['client_secret']}\n")
        for key, prompt in _PROMPTS.items():
            if key in self.secrets:
                terminal.wait_for_text(f"{prompt} (not shown):")
                terminal.send(f"{self.secrets[key]}\n")

    def with_secrets(self, **changed: str) -> SignInInput:
        """A copy with some secrets replaced."""
        return SignInInput(self.method, self.args, self.secrets | changed)


def make_sign_in_input(
    port: SimulatorServer, method: SignInMethod, name: str = "nordlys", *, data_center: str | None = None
) -> SignInInput:
    """The right input for an org.

    Args:
        data_center: where to sign in; None: the org's own.
    """
    invented = port.simulator.world.all_orgs[name]
    client = _SHARED_CLIENTS.get(method)
    secrets = {"client_secret": (client or invented).client_secret}
    if method == "code":
        secrets["code"] = port.simulator.issue_grant_code(name)
    if method == "refresh-token":
        secrets["refresh_token"] = invented.refresh_token
    args = add_args(port.org(name, client))
    if data_center:
        here = f"{port.url}/{invented.data_center}"
        args = [f"{port.url}/{data_center}" if arg == here else arg for arg in args]
    soid = ["--soid", invented.soid] if method == "client-credentials" else []
    return SignInInput(method, [*args, "--grant", method, *soid], secrets)


def sign_in_args(brought: SignInInput) -> list[str]:
    """The arguments of `zbtui sign-in` for the same input."""
    _, name, *options = brought.args
    pairs = zip(options[::2], options[1::2], strict=True)
    taken = ("--client-id", "--grant", "--soid")
    return ["sign-in", name, *(arg for pair in pairs if pair[0] in taken for arg in pair)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_output(terminal: Terminal, pattern: re.Pattern[str]) -> str:
    """Wait for a pattern in the raw output, as the screen breaks long lines.

    Returns:
        The last group of the match, or the whole match.
    """
    found: list[re.Match[str]] = []

    def is_there(screen: str) -> bool:
        found[:] = pattern.finditer(terminal.output.decode(errors="replace"))
        return bool(found)

    terminal.wait_until(is_there)
    return found[-1].group(found[-1].lastindex or 0)


class StderrWatcher:
    """Replaces stderr in this process, and acts on what is written, as a person does."""

    def __init__(self) -> None:
        self._stderr: TextIO = sys.stderr
        self._acts: list[tuple[re.Pattern[str], Callable[[str], object]]] = []
        self._threads: list[threading.Thread] = []

    @contextmanager
    def replace_stderr(self) -> Iterator[None]:
        self._stderr, sys.stderr = sys.stderr, self
        try:
            yield
        finally:
            sys.stderr = self._stderr

    def on_output(self, pattern: re.Pattern[str] | str, act: Callable[[str], object]) -> None:
        """Call `act` at the first match, with its last group or the whole match."""
        self._acts.append((re.compile(pattern), act))

    def clear(self) -> None:
        """Forget all actions."""
        self._acts.clear()

    def on_consent_page(self, org_name: str | None) -> None:
        """Open the consent page in a browser, and accept for an org, or reject (None)."""

        def act(url: str) -> None:
            self._threads.append(answer_consent_page_in_thread(url, org_name))

        self.on_output(CONSENT_PAGE, act)

    def write(self, text: str) -> int:
        for one in self._acts[:]:
            pattern, act = one
            if found := pattern.search(text):
                self._acts.remove(one)
                act(found.group(found.lastindex or 0))
        return self._stderr.write(text)

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stderr, name)


@dataclass(frozen=True)
class StoredState:
    """All that a command may leave behind, on this machine and at Zoho; secrets included."""

    config: str | None
    keyring: dict[str, bytes]
    """Entries by service; or file contents by name, if the keyring must not be used."""
    journal: list[tuple[object, ...]]
    """Snapshots and lock-outs; without token requests and codes, which are always recorded."""
    at_zoho: frozenset[str]
    """The valid refresh tokens."""


def stored_state(home: Path, port: SimulatorServer, service: SecretService | None = None) -> StoredState:
    """The present state.

    Args:
        service: a keyring that will be locked or broken; its files are read instead of its entries.
    """
    config = home / "xdg_config_home" / "zbtui" / "config.toml"
    return StoredState(
        config.read_text(encoding="utf-8") if config.exists() else None,
        {one.name: one.read_bytes() for one in service.folder.iterdir()} if service else _keyring_entries(),
        _journal_rows(home / "xdg_state_home" / "zbtui" / "journal.db"),
        frozenset(port.simulator.accounts.refresh_tokens),
    )


def _keyring_entries() -> dict[str, bytes]:
    with closing(secretstorage.dbus_init()) as connection:
        session = open_session(connection)  # shared: opening one for each entry takes 12 ms
        entries = {}
        for item in secretstorage.get_default_collection(connection).get_all_items():
            item.session = session
            entries[item.get_attributes().get("service", "")] = item.get_secret()
        return entries


def _journal_rows(journal: Path) -> list[tuple[object, ...]]:
    if not journal.exists():
        return []
    with closing(sqlite3.connect(journal)) as database:
        seen = database.execute("SELECT org, identity, body FROM snapshot ORDER BY org").fetchall()
        return [*seen, *database.execute("SELECT token, strikes FROM lockout ORDER BY token").fetchall()]


@contextmanager
def read_only_keyring(service: SecretService) -> Iterator[None]:
    """Make the keyring unable to save, as on a full disk. Its daemon does not recover."""
    away = service.folder.with_name("away")
    service.folder.rename(away)
    service.folder.write_text("")
    try:
        yield
    finally:
        service.folder.unlink()
        away.rename(service.folder)


@contextmanager
def keyring_locked_for_good(service: SecretService) -> Iterator[None]:
    """Lock the keyring, as a screen saver does. It cannot be unlocked again."""
    with closing(secretstorage.dbus_init()) as connection:
        secretstorage.get_default_collection(connection).lock()
    yield


@contextmanager
def daemon_killed(service: SecretService) -> Iterator[None]:
    """Kill the keyring's daemon, as a crash does."""
    os.kill(service.daemon, signal.SIGKILL)
    yield


def process_tree(pid: int) -> list[int]:
    """The ids of a process and its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in process_tree(int(child)))]
