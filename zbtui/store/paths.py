"""Where zbtui keeps things, and how it writes them: folders 0700, files 0600, whole or not at all."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True, slots=True)
class Paths:
    """The files of one user."""

    config: Path
    state: Path
    fallbacks: tuple[Path, ...] = ()
    """Private folders, best first, for what other processes must know although `state` fails."""

    @property
    def journal(self) -> Path:
        return self.state / "journal.db"

    @property
    def log(self) -> Path:
        return self.state / "zbtui.log"

    @property
    def locks(self) -> Path:
        return self.state / "locks"

    @property
    def screen(self) -> Path:
        """How somebody left the screen."""
        return self.state / "screen.json"


def find_paths(config: str | None, environ: Mapping[str, str]) -> Paths:
    """`--config`, else `$ZBTUI_CONFIG`, else the platform's config folder; state in the platform's own."""
    chosen = config or environ.get("ZBTUI_CONFIG")
    default = platformdirs.user_config_path("zbtui", appauthor=False) / "config.toml"
    return Paths(
        _expanded(Path(chosen)) if chosen else default,
        platformdirs.user_state_path("zbtui", appauthor=False),
        _fallbacks(environ),
    )


def _fallbacks(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """In the user's runtime folder, and in the system's temporary one, where names are anybody's."""
    if sys.platform == "win32":  # no owner of a folder is to be found out there
        return ()
    runtime = Path(environ.get("XDG_RUNTIME_DIR") or ".")
    temporary = Path(environ.get("TMPDIR") or "/tmp")  # whoever uses it checks its owner
    found = (runtime / "zbtui", temporary / f"zbtui-{os.getuid()}")
    return tuple(folder for folder in found if folder.is_absolute())


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # the home of a user who is not known: then it is a name like any other
        return path


def make_private_folder(folder: Path) -> None:
    """The folder, and those above it that are missing, for this user alone.

    Raises:
        OSError: it cannot be made.
    """
    if not folder.is_dir():
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def write_atomically(path: Path, text: str) -> None:
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
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
