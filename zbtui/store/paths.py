"""Where zbtui keeps its files."""

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
    """The files of one user."""

    config: Path
    state: Path
    fallbacks: tuple[Path, ...] = ()
    """Private folders, best first, for the data that processes share while `state` cannot be used."""

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
        """The file with the screen state: see `ScreenMemory`."""
        return self.state / "screen.json"


def find_paths(config_option: str | None, environ: Mapping[str, str]) -> Paths:
    """Use `--config`, else `$ZBTUI_CONFIG`, else the platform's config folder; find the state folder.

    Raises a `ProblemError` of kind `config` for a user without a home folder.
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
    """A folder in the user's runtime folder, one in the temporary folder, and one in shared memory."""
    folders: tuple[Path, ...] = ()
    if sys.platform != "win32":  # the owner of a folder cannot be checked there
        # Cron sets no XDG_RUNTIME_DIR, but has to find what zbtui on the screen has stored in it.
        runtime = Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
        # Shared by all users: the owner is checked on use. /dev/shm works while the disk is full.
        temporary = (Path(environ.get("TMPDIR") or "/tmp"), Path("/dev/shm"))
        folders = (runtime / "zbtui", *(folder / f"zbtui-{os.getuid()}" for folder in temporary))
    return tuple(folder for folder in folders if folder.is_absolute())


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # `~name` of an unknown user is an ordinary file name
        return path
