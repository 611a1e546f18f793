"""The entries of an org in the real keyring, found by the org's name alone."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any, Literal

import keyring
import secretstorage

_PREFIXES = {"sign-in": "zbtui:", "access": "zbtui-access:"}
Kind = Literal["sign-in", "access"]


def keyring_entry(name: str, kind: Kind = "sign-in") -> tuple[str, str] | None:
    """Service and user of the one entry of an org of this name; None: there is none."""
    prefix = f"{_PREFIXES[kind]}{name}:"
    with closing(secretstorage.dbus_init()) as bus:
        items = secretstorage.get_default_collection(bus).search_items({"username": kind})
        services = {item.get_attributes()["service"] for item in items}
    found = sorted(service for service in services if service.startswith(prefix))
    assert len(found) <= 1
    return (found[0], kind) if found else None


def keyring_text(name: str, kind: Kind = "sign-in") -> str | None:
    """The text of the entry; None: there is none."""
    entry = keyring_entry(name, kind)
    return keyring.get_password(*entry) if entry else None


def keyring_object(name: str, kind: Kind = "sign-in") -> dict[str, Any]:
    """The JSON of the entry, which must be there."""
    found: dict[str, Any] = json.loads(keyring_text(name, kind) or "")
    return found


def delete_keyring_entries(name: str) -> None:
    for kind in ("sign-in", "access"):
        if entry := keyring_entry(name, kind):
            keyring.delete_password(*entry)
