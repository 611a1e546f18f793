"""Private files (0600) and folders (0700), atomic writes, and a check who else can write a file."""

from __future__ import annotations

import errno
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def make_private_folder(folder: Path) -> None:
    """Create a folder and its missing parents, with access for this user only (mode 0700)."""
    if not folder.is_dir():
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def tighten(path: Path) -> None:
    """Remove other users' rights to `path`: to a file all rights, to a folder only the right to write.

    Symbolic links and what this user does not own stay as they are; errors are ignored.
    """
    with suppress(OSError):
        status = path.lstat()
        mode = stat.S_IMODE(status.st_mode)
        others = mode & (0o022 if stat.S_ISDIR(status.st_mode) else 0o077)
        if others and not stat.S_ISLNK(status.st_mode) and _is_own(status):
            path.chmod(mode & ~others)


def writable_by_others(path: Path) -> Path | None:
    """Return the path that lets other users change a file, or None if there is no such path.

    The returned path is the file itself, the target of a link, or a folder above one of these. "Other
    users" are all except this user and root. As for ssh, a group with the right to write the file or its
    folder counts, too. On Windows, the result is always None.
    """
    files = () if sys.platform == "win32" else (path.absolute(), Path(os.path.realpath(path)))
    for file in dict.fromkeys(files):
        for near in (file, file.parent):
            with suppress(OSError):
                status = near.lstat()
                if not (_is_own(status) or status.st_uid == 0) or _others_may_write(status, 0o022):
                    return near
        for far in file.parent.parents:
            with suppress(OSError):
                if _others_may_write(far.stat(), 0o002):
                    return far
    return None


def _is_own(status: os.stat_result) -> bool:
    return sys.platform == "win32" or status.st_uid == os.getuid()


def _others_may_write(status: os.stat_result, bits: int) -> bool:
    # A link has no rights of its own. In a sticky folder, nobody can replace another user's files.
    is_safe = stat.S_ISLNK(status.st_mode) or (
        stat.S_ISDIR(status.st_mode) and bool(status.st_mode & stat.S_ISVTX)
    )
    return bool(status.st_mode & bits) and not is_safe


def write_atomically(path: Path, content: str) -> None:
    """Replace a file's content in one step: after a crash, the file holds either the old or the new text.

    If `path` is a symbolic link, its target is replaced. After an `OSError` the file is unchanged.
    """
    with _temporary_file_beside(path) as (temporary, handle, target):
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)


def try_to_write(path: Path) -> None:
    """Raise the `OSError` that `write_atomically` would raise for this path; the file is not changed."""
    with _temporary_file_beside(path) as (temporary, handle, _):
        os.close(handle)
        temporary.unlink()


@contextmanager
def _temporary_file_beside(path: Path) -> Iterator[tuple[Path, int, Path]]:
    """Create a file in the folder of `path`'s real target; yield its path, its handle and the target.

    The new file is deleted if the block raises.
    """
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
