"""Provides a keyring back end for the Secret Service, the D-Bus interface of keyrings on Linux.

The back end uses one connection for all calls, and works around a crash of gnome-keyring.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import secretstorage
from jeepney import MessageType
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection
from keyring.backends import SecretService
from keyring.errors import InitError, KeyringLocked, PasswordDeleteError
from secretstorage import dbus_init
from secretstorage.exceptions import ItemNotFoundException, SecretStorageException
from secretstorage.util import BUS_NAME, open_session

from zbtui.store.keyring_backends import ENTRY_LOCKED

_GREETING_ALIAS: Final = "zbtui-greeting"
_ASK_AGAIN_AFTER_SECONDS: Final = 300.0


class PromptGate:
    """Limits how often the keyring asks the user for its password.

    While nobody answers, all zbtui processes together let a prompt open at most once in five minutes.
    """

    def __init__(self, file: Path | None = None, *, is_attended: bool = True) -> None:
        """Record the time of the last prompt as the modification time of `file`; None means no limit.

        If `is_attended` is False, as under cron, no prompt opens at all.
        """
        self._file = file
        self._is_attended = is_attended

    @property
    def asked_lately(self) -> bool:
        """Whether any zbtui process opened a prompt for the keyring's password in the last five minutes."""
        try:
            age = time.time() - self._file.stat().st_mtime if self._file else -1
        except OSError:
            return False
        return 0 <= age < _ASK_AGAIN_AFTER_SECONDS

    def pass_or_raise(self) -> None:
        """Record that a prompt opens now. Raises `KeyringLocked` if no prompt is allowed to open now."""
        if not self._is_attended or self.asked_lately:
            raise KeyringLocked("It may not ask for its password now.")
        if self._file:
            with suppress(OSError):  # without the time stamp, the next prompt may come too early
                self._file.touch(mode=0o600)
                os.utime(self._file)

    def note_answer(self) -> None:
        """Forget the last prompt, as the user answered it: the next prompt may open at any time."""
        if self._file:
            with suppress(OSError):
                self._file.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Connected:
    """An open D-Bus connection to the keyring daemon, with a collection of entries and its session."""

    bus: DBusConnection
    collection: secretstorage.Collection
    owner: str | None
    """The daemon's unique name on the bus, which changes if another daemon takes over."""


class SharedConnectionKeyring(SecretService.Keyring):
    """The Secret Service back end of the `keyring` package, with one connection and session for all calls.

    The connection is opened again after an error, and after another keyring daemon has taken over. The
    class is not thread-safe.

    gnome-keyring-daemon registers a new D-Bus client and answers the client's first message in separate
    steps. A busy daemon may answer before it registers the client. Most messages of an unregistered client
    make the daemon abort, which locks the keyring. So each connection begins with a harmless message, the
    greeting; once the greeting is answered, the client is registered.
    """

    name = SecretService.Keyring.name
    viable = False
    """False, so that the `keyring` package, which considers all subclasses, does not choose this class."""

    _connected: _Connected | None = None
    _close: Callable[[], object] = staticmethod(lambda: None)
    _gate = PromptGate()

    @classmethod
    def from_backend(cls, backend: SecretService.Keyring, gate: PromptGate) -> SharedConnectionKeyring:
        """Make a back end with the settings of `backend`, whose prompts for a password `gate` limits."""
        copy = cls()
        vars(copy).update(vars(backend))
        copy._gate = gate
        return copy

    def get_password(self, service: str, username: str) -> str | None:
        with self._unlocked_collection() as collection:
            for item in collection.search_items(self._query(service, username)):
                self.unlock(item)
                return item.get_secret().decode("utf-8")
            return None

    def set_password(self, service: str, username: str, password: str) -> None:
        with self._unlocked_collection() as collection:
            attributes = self._query(service, username, application=self.appid)
            label = f"Password for '{username}' on '{service}'"
            collection.create_item(label, attributes, password.encode(), replace=True)

    def delete_password(self, service: str, username: str) -> None:
        with self._unlocked_collection() as collection:
            for item in collection.search_items(self._query(service, username)):
                item.delete()
                return
            raise PasswordDeleteError("No such password!")

    def unlock(self, item: Any) -> None:
        """Unlock an item or a collection of the keyring, which may prompt the user for a password.

        Raises `KeyringLocked` if no prompt is allowed to open now, or if the item stays locked.
        """
        if item.is_locked():
            try:
                self._gate.pass_or_raise()
                item.unlock()
                if item.is_locked():
                    raise KeyringLocked("It is still locked.")
            except KeyringLocked:
                if isinstance(item, secretstorage.Item):
                    raise KeyringLocked(ENTRY_LOCKED) from None
                raise
            self._gate.note_answer()

    @contextmanager
    def _unlocked_collection(self) -> Iterator[secretstorage.Collection]:
        try:
            if self._connected is None or _owner(self._connected.bus) != self._connected.owner:
                self._reopen()
            assert self._connected
            self.unlock(self._connected.collection)
            yield self._connected.collection
        except (KeyringLocked, PasswordDeleteError):
            raise
        except BaseException:
            self._drop()
            raise

    def _drop(self) -> None:
        self._connected = None
        self._close()

    def _reopen(self) -> None:
        """Replace the connection by a new one. Raises `InitError` if no collection is found or made."""
        self._drop()
        with ExitStack() as on_failure:
            bus = on_failure.enter_context(closing(dbus_init()))
            try:
                with suppress(ItemNotFoundException):
                    secretstorage.get_collection_by_alias(bus, _GREETING_ALIAS)
                collection = self._find_collection(bus)
                collection.session = open_session(bus)
            except SecretStorageException as error:
                raise InitError(f"Failed to create the collection: {error}.") from error
            self._connected = _Connected(bus, collection, _owner(bus))
            self._close = weakref.finalize(self, bus.close)
            on_failure.pop_all()

    def _find_collection(self, bus: DBusConnection) -> secretstorage.Collection:
        if hasattr(self, "preferred_collection"):
            return secretstorage.Collection(bus, self.preferred_collection)
        try:
            return secretstorage.get_collection_by_alias(bus, "default")
        except ItemNotFoundException:
            self._gate.pass_or_raise()  # a new collection needs a password
            return secretstorage.get_default_collection(bus)


def _owner(bus: DBusConnection) -> str | None:
    """Return the unique bus name of the daemon that serves as Secret Service, or None if none does."""
    answer = bus.send_and_get_reply(message_bus.GetNameOwner(BUS_NAME))
    return answer.body[0] if answer.header.message_type == MessageType.method_return else None
