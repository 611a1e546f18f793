"""The Secret Service, asked so that GNOME's daemon outlives it."""

from __future__ import annotations

from contextlib import ExitStack, closing, suppress
from typing import Final

import secretstorage
from keyring.backends import SecretService
from keyring.errors import InitError, KeyringLocked
from secretstorage.exceptions import ItemNotFoundException, SecretStorageException

_GREETING_ALIAS: Final = "zbtui-greeting"


class GreetingKeyring(SecretService.Keyring):
    """keyring's own, but for a greeting at the start of each connection, of which it opens one a call.

    gnome-keyring-daemon notes a new client in one step and answers its message in another. Now and then,
    when it is busy, it answers the first message first; for most messages it then aborts, and the user's
    keyring is locked. The greeting needs no client to be known, and once it is answered, one is.
    """

    name = SecretService.Keyring.name
    viable = False
    """keyring itself chooses among all classes there are: it is to find its own."""

    @classmethod
    def from_backend(cls, backend: SecretService.Keyring) -> GreetingKeyring:
        """With the same settings."""
        own = cls()
        vars(own).update(vars(backend))
        return own

    def get_preferred_collection(self) -> secretstorage.Collection:
        """On a connection of its own, which whoever calls closes.

        Raises:
            InitError: there is none, and none can be made.
            KeyringLocked: it stays locked; whoever was asked for its password did not give it.
        """
        with ExitStack() as unless_given_out:
            bus = unless_given_out.enter_context(closing(secretstorage.dbus_init()))
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
            unless_given_out.pop_all()
            return collection
