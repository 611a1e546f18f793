"""Writes files atomically, and for this user only (folders 0700, files 0600)."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def make_private_folder(folder: Path) -> None:
    """Create a folder and its missing parents, for this user only."""
    if not folder.is_dir():
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def write_atomically(path: Path, content: str) -> None:
    """Replace a file's content in one step: after a crash it holds the old or the new text.

    Of a symbolic link, the target is replaced. After an `OSError` the file is unchanged.
    """
    with _temporary_file_beside(path) as (temporary, handle, target):
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)


def try_to_write(path: Path) -> None:
    """Raise the `OSError` that `write_atomically` would raise; changes nothing."""
    with _temporary_file_beside(path) as (temporary, handle, _):
        os.close(handle)
        temporary.unlink()


@contextmanager
def _temporary_file_beside(path: Path) -> Iterator[tuple[Path, int, Path]]:
    """A new file in the folder of the real target, open for writing; deleted if the block raises."""
    target = Path(os.path.realpath(path))
    if target.is_symlink():  # a loop of links
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    make_private_folder(target.parent)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        yield temporary, handle, target
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
