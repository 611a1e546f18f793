"""Whether GNOME's keyring lies on the disk in plain text, as it does while its password is empty."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

_PLAIN_TEXT_START: Final = b"[keyring]"
"""An encrypted one begins with `GnomeKeyring`."""


def find_plain_keyring(environ: Mapping[str, str]) -> Path | None:
    """The file of the default keyring, if that is plain text; None: it is not, or there is none."""
    with suppress(OSError, RuntimeError, ValueError):
        data = environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
        folder = Path(data) / "keyrings"
        name = "login"
        with suppress(FileNotFoundError):
            name = (folder / "default").read_text(encoding="utf-8").strip() or name
        file = folder / f"{name}.keyring"
        with file.open("rb") as opened:
            if opened.read(len(_PLAIN_TEXT_START)) == _PLAIN_TEXT_START:  # no more: secrets follow
                return file
    return None
