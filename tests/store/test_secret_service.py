"""The messages sent to a real Secret Service; a wrong first message ends GNOME's daemon."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import jeepney
import keyring.core
import pytest
import secretstorage
from jeepney.io.blocking import DBusConnection
from keyring.backends import SecretService as library
from keyring.errors import InitError

from tests.conftest import use_secret_service
from tests.store.store_samples import sample_org
from tests.support.fake_clock import START
from tests.support.secret_service import (
    SecretService,
    daemon_restarted,
    keyring_locked,
    secret_service,
    unlock_keyring,
)
from zbtui.model.secret import AccessToken, Secret, SignInCredentials
from zbtui.store.keyring_backends import choose_backend
from zbtui.store.keyring_credentials import KeyringCredentialStore
from zbtui.store.secret_service import SharedConnectionKeyring

DAEMON = "org.freedesktop.secrets"
Heard = dict[int, list[tuple[Any, ...]]]
"""By connection: method and first argument of each message."""


@pytest.fixture
def recorded_messages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Heard]:
    """The messages that each connection sends to the daemon, in order."""
    asked: Heard = {}
    kept: list[DBusConnection] = []  # kept alive, so that no id is used twice
    ask = DBusConnection.send_and_get_reply

    def listen(connection: DBusConnection, message: jeepney.Message, **options: Any) -> Any:
        kept.append(connection)
        fields = message.header.fields
        if fields[jeepney.HeaderFields.destination] == DAEMON:
            question = (fields[jeepney.HeaderFields.member], *message.body[:1])
            asked.setdefault(id(connection), []).append(question)
        return ask(connection, message, **options)

    monkeypatch.setattr(DBusConnection, "send_and_get_reply", listen)
    yield asked


@pytest.fixture
def own_keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretService]:
    """A Secret Service for a single test, which the bus does not restart by itself."""
    with secret_service(bus_activation=False) as service:
        use_secret_service(service, monkeypatch)
        yield service


async def test_no_connection_begins_with_a_question_that_can_end_the_daemon(
    real_keyring: SecretService, tmp_path: Path, recorded_messages: Heard
) -> None:
    """The first message must need no registered client: reading an alias that does not exist needs none."""
    credentials = KeyringCredentialStore(tmp_path)
    await credentials.write_sign_in(sample_org(), SignInCredentials(Secret("one")))
    await credentials.write_access_token(
        sample_org(), AccessToken(Secret("two"), "https://www.zohoapis.eu", START)
    )
    await credentials.read_sign_in(sample_org())
    await credentials.delete(sample_org())
    await credentials.probe()
    assert len(recorded_messages) == 1, "one connection for all calls"
    sessions = [question for questions in recorded_messages.values() for question in questions]
    assert [method for method, *_ in sessions].count("OpenSession") == 1
    assert {questions[0] for questions in recorded_messages.values()} == {("ReadAlias", "zbtui-greeting")}
    assert all(len(questions) > 1 for questions in recorded_messages.values())


def test_the_library_goes_on_to_choose_its_own_and_is_named_by_it(real_keyring: SecretService) -> None:
    chosen = choose_backend(allow_insecure=False)
    assert type(chosen) is SharedConnectionKeyring
    assert chosen.name == library.Keyring.name == "SecretService Keyring"
    keyring.core.init_backend()
    assert type(keyring.core.get_keyring()) is library.Keyring


def test_the_collection_that_the_user_prefers_is_taken(
    real_keyring: SecretService, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "/org/freedesktop/secrets/collection/session"
    monkeypatch.setenv("KEYRING_PROPERTY_PREFERRED_COLLECTION", other)
    keyring.core.init_backend()
    backend = choose_backend(allow_insecure=False)
    backend.set_password("zbtui:acme", "sign-in", "kept there")
    with closing(secretstorage.dbus_init()) as bus:
        collection = secretstorage.Collection(bus, other)
        items = list(collection.search_items({"service": "zbtui:acme"}))
        assert [item.get_secret() for item in items] == [b"kept there"]
    backend.delete_password("zbtui:acme", "sign-in")
    assert backend.get_password("zbtui:acme", "sign-in") is None


def test_a_keyring_that_is_unlocked_on_being_asked_is_used(
    own_keyring: SecretService, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = choose_backend(allow_insecure=False)
    backend.set_password("zbtui:acme", "sign-in", "kept there")
    monkeypatch.setattr(secretstorage.Collection, "unlock", unlock_keyring)
    with keyring_locked(own_keyring):
        assert backend.get_password("zbtui:acme", "sign-in") == "kept there"


def test_a_daemon_that_is_gone_is_shown_and_nothing_is_left_open(own_keyring: SecretService) -> None:
    backend = choose_backend(allow_insecure=False)
    with daemon_restarted(own_keyring), pytest.raises(InitError):
        backend.get_password("zbtui:acme", "sign-in")
    assert backend.get_password("zbtui:acme", "sign-in") is None
