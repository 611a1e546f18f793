"""The log file: warnings without secrets, for this user only."""

from __future__ import annotations

import logging
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from zbtui.private_files import make_private_folder, tighten

MAX_LOG_BYTES: Final = 1 << 20
"""The largest size of the log file, and of the previous one."""


def disable_logging() -> None:
    """Log nothing: the demo's problems are invented."""
    logger = logging.getLogger("zbtui")
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()
    logger.addHandler(logging.NullHandler())
    logger.propagate = False


def log_to_file(path: Path) -> None:
    """Write zbtui's warnings to `path`; a full file replaces the previous one, `.log.1`."""
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
    """The log file and the previous one, both readable by this user only."""

    def _open(self) -> TextIOWrapper:
        path = Path(self.baseFilename)
        path.touch(mode=0o600)
        for file in (path, Path(self.rotation_filename(""))):
            tighten(file)
        return path.open("a", encoding="utf-8", errors="replace")

    def rotation_filename(self, default_name: str) -> str:
        return str(Path(self.baseFilename).with_suffix(".log.1"))

    def handleError(self, record: logging.LogRecord) -> None:
        """Print no traceback, which would appear on the screen; the journal reports a full disk."""

    def close(self) -> None:
        with suppress(OSError):
            super().close()
