"""Writes zbtui's log file, which contains warnings without secrets and is readable by this user only."""

from __future__ import annotations

import logging
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from zbtui.private_files import make_private_folder, tighten

MAX_LOG_BYTES: Final = 1 << 20
"""The maximum size of the log file in bytes, and of the previous log file."""


def disable_logging() -> None:
    """Discard all log messages of zbtui; for the demo, whose problems are invented."""
    logger = logging.getLogger("zbtui")
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()
    logger.addHandler(logging.NullHandler())
    logger.propagate = False


def log_to_file(path: Path) -> None:
    """Write zbtui's warnings to the log file `path`. A full log file is renamed to end in `.log.1`.

    If the file cannot be opened, nothing is logged and nothing is raised.
    """
    try:
        make_private_folder(path.parent)
        path.touch(mode=0o600)
        handler: logging.Handler = _PrivateLogFile(
            path, maxBytes=MAX_LOG_BYTES, backupCount=1, encoding="utf-8"
        )
    except OSError:
        handler = logging.NullHandler()  # the journal is in the same folder, and reports the problem
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("zbtui")
    logger.addHandler(handler)
    logger.propagate = False


class _PrivateLogFile(RotatingFileHandler):
    """Writes the log file, and keeps it and the previous log file readable by this user only."""

    def _open(self) -> TextIOWrapper:
        path = Path(self.baseFilename)
        path.touch(mode=0o600)
        for file in (path, Path(self.rotation_filename(""))):
            tighten(file)
        return path.open("a", encoding="utf-8", errors="replace")

    def rotation_filename(self, default_name: str) -> str:
        return str(Path(self.baseFilename).with_suffix(".log.1"))

    def handleError(self, record: logging.LogRecord) -> None:
        """Ignore an error of writing the log: a printed traceback would appear on the screen.

        A full disk is reported by the journal, which is in the same folder.
        """

    def close(self) -> None:
        with suppress(OSError):
            super().close()
