"""Detects a GNOME keyring that is stored in plain text, as gnome-keyring does if its password is empty."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

_PLAIN_TEXT_START: Final = b"[keyring]"
"""The first bytes of an unencrypted keyring file; an encrypted file begins with `GnomeKeyring`."""


def find_plain_keyring(environ: Mapping[str, str]) -> Path | None:
    """Return the file of the user's default GNOME keyring if the keyring is stored in plain text.

    Returns None if the keyring is encrypted, missing or unreadable.
    """
    with suppress(OSError, RuntimeError, ValueError):
        data = environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
        folder = Path(data) / "keyrings"
        name = "login"
        with suppress(FileNotFoundError):
            name = (folder / "default").read_text(encoding="utf-8").strip() or name
        file = folder / f"{name}.keyring"
        with file.open("rb") as opened:
            if opened.read(len(_PLAIN_TEXT_START)) == _PLAIN_TEXT_START:  # read no further: secrets follow
                return file
    return None
