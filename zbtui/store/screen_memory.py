"""How somebody left the screen, kept in a file of the state folder: no trouble with it stops anything."""

from __future__ import annotations

import asyncio
import json
import logging
from functools import partial
from pathlib import Path
from typing import Final

from zbtui.clock import Clock, SystemClock
from zbtui.core.screen_state import USUAL, ScreenState, read_state
from zbtui.core.trouble import Trouble
from zbtui.private_files import write_atomically
from zbtui.store.worker import Worker, WorkerStuckError

_LARGEST: Final = 1 << 16
"""Bytes that are read; far more than are ever written."""
_RESTS: Final = 0.5
"""Seconds: what changes within them is written as one. A filter changes with each key."""
_PATIENCE: Final = 3.0
_log = logging.getLogger(__name__)


class ScreenMemory:
    """The state at `path`. Of several windows, the one that wrote last is remembered.

    Nothing is raised: what keeps it from being kept is told by `trouble`.
    """

    def __init__(self, path: Path | None, clock: Clock | None = None) -> None:
        """Args:
        path: its folder is made when first something is kept; None: nothing ever is, as in the demo.
        """
        self._path = path
        self._clock = clock or SystemClock()
        self._worker = Worker("zbtui-screen")
        self._wanted: ScreenState | None = None
        """What is not written yet."""
        self._saving = False
        self._closing = asyncio.Event()
        self.trouble: Trouble | None = None
        """Why the last state could not be read or written; None: it could."""

    def load(self) -> ScreenState:
        """As it was left; as usual, where that is not known. Blocks."""
        try:
            if self._path is None or not self._path.is_file():  # a pipe would be waited for
                return USUAL
            with self._path.open("rb") as file:
                return read_state(json.loads(file.read(_LARGEST)))
        except OSError as error:
            self._note(error, "read")
        except (ValueError, RecursionError):
            pass  # a file that makes no sense is soon written anew
        return USUAL

    async def save(self, state: ScreenState) -> None:
        """Keep it. Of several that come close together, the last one is written, once."""
        if self._path is None:
            return
        self._wanted = state
        if self._saving:
            return  # whoever is at it takes this one with it
        self._saving = True
        try:
            await self._clock.wait(self._closing, _RESTS)
            self._closing.clear()  # a rest that ended by itself sets it, too
            await self._write(self._path)
        finally:
            self._saving = False

    async def close(self) -> None:
        """Write now what is not written yet, even where a `save` was cancelled."""
        self._closing.set()
        if self._path is not None:
            await self._write(self._path)

    async def _write(self, path: Path) -> None:
        while (state := self._wanted) is not None:
            self._wanted = None
            write = partial(write_atomically, path, json.dumps(state.as_dict(), indent=1) + "\n")
            try:
                await self._worker.call(write, _PATIENCE)
            except (OSError, WorkerStuckError) as error:
                self._note(error, "written")
            except asyncio.CancelledError:
                self._wanted = self._wanted or state
                raise
            else:
                self.trouble = None

    def _note(self, error: Exception, what: str) -> None:
        said = error.strerror if isinstance(error, OSError) else None
        if isinstance(error, WorkerStuckError):
            said = f"no answer within {_PATIENCE:.0f} s"
        trouble = Trouble(
            "config",
            f"How the screen was left cannot be {what} ({said or type(error).__name__}).",
            f"All else goes on: check the disk and the rights of {self._path}.",
        )
        if trouble != self.trouble:  # told once, not with each change
            self.trouble = trouble
            _log.warning("%s", trouble.message)
