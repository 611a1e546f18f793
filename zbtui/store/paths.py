"""Finds the files and folders in which zbtui keeps its config and data."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from zbtui.model.problem import Problem, ProblemError


@dataclass(frozen=True, slots=True)
class Paths:
    """The paths of one user's config file, state folder and the files in that folder."""

    config: Path
    state: Path
    fallbacks: tuple[Path, ...] = ()
    """The private folders, best first, for data that zbtui processes share while `state` cannot be used."""

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
        """The file in which the screen's state, such as view and filter, is kept until the next start."""
        return self.state / "screen.json"


def find_paths(config_option: str | None, environ: Mapping[str, str]) -> Paths:
    """Return the paths of the current user's config file, state folder and fallback folders.

    The config file is `config_option`, else `$ZBTUI_CONFIG`, else in the platform's config folder. Raises
    a `ProblemError` of kind `config` if a folder is needed and the user has no home folder.
    """
    chosen = config_option or environ.get("ZBTUI_CONFIG")
    return Paths(
        _expanded(Path(chosen)) if chosen else _user_folder(platformdirs.user_config_path) / "config.toml",
        _user_folder(platformdirs.user_state_path),
        _fallbacks(environ),
    )


def _user_folder(find: Callable[..., Path]) -> Path:
    with suppress(RuntimeError):  # no $HOME, and the system does not know this user
        folder = find("zbtui", appauthor=False)
        if folder.is_absolute():
            return folder
    message = "This user has no home folder to keep config and journal in."
    hint = "Set HOME; or XDG_STATE_HOME, and XDG_CONFIG_HOME or --config."
    raise ProblemError(Problem("config", message, hint))


def _fallbacks(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the fallback folders: in the user's runtime folder, the temporary folder and shared memory.

    On Windows, there are none.
    """
    folders: tuple[Path, ...] = ()
    if sys.platform != "win32":  # on Windows, the owner of a folder cannot be checked
        # Cron sets no XDG_RUNTIME_DIR, but zbtui under cron has to find what zbtui on the screen stored.
        runtime = Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
        # All users share these folders, so the owner is checked on use. /dev/shm works on a full disk.
        temporary = (Path(environ.get("TMPDIR") or "/tmp"), Path("/dev/shm"))
        folders = (runtime / "zbtui", *(folder / f"zbtui-{os.getuid()}" for folder in temporary))
    return tuple(folder for folder in folders if folder.is_absolute())


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # `~name` is an ordinary file name if no user has that name
        return path
