"""Detects a GNOME keyring in plain text: with an empty password, gnome-keyring does not encrypt it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

_PLAIN_TEXT_START: Final = b"[keyring]"
"""How an unencrypted keyring file begins; an encrypted file begins with `GnomeKeyring`."""


def find_plain_keyring(environ: Mapping[str, str]) -> Path | None:
    """The file of the default keyring if it is in plain text; None: it is encrypted or missing."""
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
