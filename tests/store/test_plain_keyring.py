"""Detecting a GNOME keyring that is stored as plain text because its password is empty."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
import secretstorage
from jeepney.io.blocking import open_dbus_connection

from tests.support.secret_service import change_password, secret_service
from zbtui.store.plain_keyring import find_plain_keyring


def test_a_real_keyring_is_plain_text_once_its_password_is_empty() -> None:
    with secret_service() as service:
        file = service.folder / "login.keyring"
        add_entry(service.environ)
        assert find_plain_keyring(service.environ) is None
        assert b"a-secret" not in file.read_bytes()
        change_password(service, b"")
        add_entry(service.environ)
        assert b"a-secret" in file.read_bytes()
        assert find_plain_keyring(service.environ) == file


def add_entry(environ: dict[str, str]) -> None:
    with closing(open_dbus_connection(environ["DBUS_SESSION_BUS_ADDRESS"])) as connection:
        collection = secretstorage.get_default_collection(connection)
        collection.create_item("a label", {"service": "zbtui:acme"}, b"a-secret", replace=True)


@pytest.mark.parametrize(
    ("files", "plain"),
    [
        ({}, None),
        ({"login.keyring": "GnomeKeyring\n\r"}, None),
        ({"login.keyring": "[keyring]\n"}, "login.keyring"),
        ({"login.keyring": "[keyring]\n", "default": "mine\n"}, None),
        ({"login.keyring": "[keyring]\n", "mine.keyring": "GnomeKeyring", "default": "mine"}, None),
        ({"mine.keyring": "[keyring]", "default": "mine"}, "mine.keyring"),
        ({"login.keyring": "[keyring]\n", "default": "\n"}, "login.keyring"),
        ({"login.keyring": "[keyr"}, None),
        ({"login.keyring": "[keyring]\n", "default": "a\0b"}, None),
    ],
)
def test_the_default_keyring_decides(tmp_path: Path, files: dict[str, str], plain: str | None) -> None:
    folder = tmp_path / "keyrings"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    found = find_plain_keyring({"XDG_DATA_HOME": str(tmp_path)})
    assert found == (folder / plain if plain else None)
