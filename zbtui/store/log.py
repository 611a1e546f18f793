"""The log file: warnings, for this user alone, never a secret."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from zbtui.store.paths import make_private_folder

_LARGEST: Final = 1 << 20


def log_nowhere() -> None:
    """The demo's troubles are invented: they are nobody's log."""
    logger = logging.getLogger("zbtui")
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()
    logger.addHandler(logging.NullHandler())
    logger.propagate = False


def log_to(path: Path) -> None:
    """Write zbtui's warnings to `path`; once that has grown large, the text before is kept beside it."""
    try:
        make_private_folder(path.parent)
        path.touch(mode=0o600)
        if path.stat().st_size > _LARGEST:
            path.replace(path.with_suffix(".log.1"))
            path.touch(mode=0o600)
        handler: logging.Handler = logging.FileHandler(path, encoding="utf-8", errors="replace")
    except OSError:
        handler = logging.NullHandler()  # the journal, in the same folder, tells it on the screen
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("zbtui")
    logger.addHandler(handler)
    logger.propagate = False
