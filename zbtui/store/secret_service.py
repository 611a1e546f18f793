"""The Secret Service, with a workaround for gnome-keyring."""

from __future__ import annotations

from contextlib import ExitStack, closing, suppress
from typing import Final

import secretstorage
from keyring.backends import SecretService
from keyring.errors import InitError, KeyringLocked
from secretstorage.exceptions import ItemNotFoundException, SecretStorageException

_GREETING_ALIAS: Final = "zbtui-greeting"


class GreetingKeyring(SecretService.Keyring):
    """keyring's own back end, which also sends a greeting on each new connection (one for each call).

    gnome-keyring-daemon registers a new client and answers its first message in separate steps. When
    busy, it sometimes answers first; most messages then make it abort, which locks the keyring. The
    greeting is harmless to an unregistered client; once it is answered, the client is registered.
    """

    name = SecretService.Keyring.name
    viable = False
    """keyring chooses among all subclasses: it must not choose this one."""

    @classmethod
    def from_backend(cls, backend: SecretService.Keyring) -> GreetingKeyring:
        """With the same settings."""
        copy = cls()
        vars(copy).update(vars(backend))
        return copy

    def get_preferred_collection(self) -> secretstorage.Collection:
        """The collection on a new connection, which the caller closes.

        Raises `InitError` if there is none, and none can be made; `KeyringLocked` if it stays locked.
        """
        with ExitStack() as on_failure:
            bus = on_failure.enter_context(closing(secretstorage.dbus_init()))
            try:
                with suppress(ItemNotFoundException):
                    secretstorage.get_collection_by_alias(bus, _GREETING_ALIAS)
                if hasattr(self, "preferred_collection"):
                    collection = secretstorage.Collection(bus, self.preferred_collection)
                else:
                    collection = secretstorage.get_default_collection(bus)
            except SecretStorageException as error:
                raise InitError(f"Failed to create the collection: {error}.") from error
            if collection.is_locked():
                collection.unlock()
                if collection.is_locked():
                    raise KeyringLocked("Failed to unlock the collection!")
            on_failure.pop_all()
            return collection
