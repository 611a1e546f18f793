"""The log file: warnings, for this user alone, never a secret."""

from __future__ import annotations

import logging
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from zbtui.private_files import make_private_folder

MAX_LOG_BYTES: Final = 1 << 20
"""Bytes of the file, and of the one before it."""


def disable_logging() -> None:
    """The demo's troubles are invented: they are nobody's log."""
    logger = logging.getLogger("zbtui")
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()
    logger.addHandler(logging.NullHandler())
    logger.propagate = False


def log_to_file(path: Path) -> None:
    """Write zbtui's warnings to `path`; once that has grown large, the text before is kept beside it."""
    try:
        make_private_folder(path.parent)
        path.touch(mode=0o600)
        handler: logging.Handler = _PrivateLogFile(
            path, maxBytes=MAX_LOG_BYTES, backupCount=1, encoding="utf-8"
        )
    except OSError:
        handler = logging.NullHandler()  # the journal, in the same folder, tells it on the screen
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("zbtui")
    logger.addHandler(handler)
    logger.propagate = False


class _PrivateLogFile(RotatingFileHandler):
    """The file, and the one before it: for however long the program runs, no more than these."""

    def _open(self) -> TextIOWrapper:
        path = Path(self.baseFilename)
        path.touch(mode=0o600)
        return path.open("a", encoding="utf-8", errors="replace")

    def rotation_filename(self, default_name: str) -> str:
        return str(Path(self.baseFilename).with_suffix(".log.1"))

    def handleError(self, record: logging.LogRecord) -> None:
        """A disk that is full is told by the journal; a traceback on the terminal helps nobody."""

    def close(self) -> None:
        with suppress(OSError):
            super().close()
