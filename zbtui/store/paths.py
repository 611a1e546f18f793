"""Where zbtui keeps things."""

from __future__ import annotations

import os
import sys
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


def find_paths(config_option: str | None, environ: Mapping[str, str]) -> Paths:
    """`--config`, else `$ZBTUI_CONFIG`, else the platform's config folder; state in the platform's own."""
    chosen = config_option or environ.get("ZBTUI_CONFIG")
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
