"""How zbtui writes files: for this user alone (folders 0700, files 0600), and whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path


def make_private_folder(folder: Path) -> None:
    """The folder, and those above it that are missing, for this user alone.

    Raises:
        OSError: it cannot be made.
    """
    if not folder.is_dir():
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def write_atomically(path: Path, content: str) -> None:
    """Replace a file's content in one step: after a crash it holds the old text or the new one.

    A symbolic link stays one: what it points to is replaced.

    Raises:
        OSError: nothing was changed.
    """
    target = Path(os.path.realpath(path))
    if target.is_symlink():  # in a circle
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    make_private_folder(target.parent)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
