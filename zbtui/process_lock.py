"""Locks between processes, on files; the system releases a lock when the process that holds it dies."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from zbtui.private_files import make_private_folder

if TYPE_CHECKING:
    from filelock import FileLock

LOCAL_DISK_HINT: Final = (
    "Have zbtui's state folder on a local disk: set XDG_STATE_HOME, and see zbtui paths."
)
_HAVE_NO_LOCKS: Final = frozenset({errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP})
_checked: Final[set[Path]] = set()


class NoLocksError(OSError):
    """Raised if the file system of a lock file does not support locks."""


def process_lock(path: Path) -> FileLock:
    """Return the lock on the file `path`, not yet acquired; the file's folder is created if missing.

    Raises an `OSError` if the file cannot be used, and a `NoLocksError` if its file system does not support
    locks.
    """
    from filelock import FileLock  # here, because the import takes some 10 ms

    make_private_folder(path.parent)
    if sys.platform != "win32" and path.parent not in _checked:
        _check_locks(path)
        _checked.add(path.parent)
    return FileLock(path, mode=0o600, thread_local=False)


if sys.platform != "win32":

    def _check_locks(path: Path) -> None:
        """Raise a `NoLocksError` if the file system of `path` does not support locks.

        On such a file system, filelock would take the mere existence of the file as the lock, which would
        last after its process was killed.
        """
        import fcntl  # here: only POSIX has it

        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with suppress(BlockingIOError):  # another process holds the lock, so there are locks
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _HAVE_NO_LOCKS:
                raise
            raise NoLocksError(error.errno, f"the file system of {path.parent} has no locks") from None
        finally:
            os.close(descriptor)
