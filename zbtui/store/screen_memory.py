"""Stores the state of the screen, such as view and filter, in a JSON file; no error ends the screen."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, get_args

from zbtui.model.problem import Problem
from zbtui.model.text import MAX_LENGTH, clean
from zbtui.presentation.sorting import SortOrder
from zbtui.private_files import write_atomically
from zbtui.store.worker import WorkerThread, WorkerTimeoutError

View = Literal["panels", "table", "agenda", "events"]
VIEWS: Final[tuple[View, ...]] = get_args(View)
SORTS: Final[tuple[SortOrder, ...]] = get_args(SortOrder)
_WRITE_TIMEOUT_SECONDS: Final = 3.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScreenState:
    """The state of the screen that is restored at the next start."""

    view: View = "panels"
    sort: SortOrder = "worst"
    reverse: bool = False
    find: str = ""
    """The filter of orgs as the user typed it; an empty filter shows all orgs."""
    theme: str | None = None
    """The name of a theme, which the screen has to check, or None for the default theme."""


def read_state(body: object) -> ScreenState:
    """Read a screen state from the parsed JSON of its file; invalid or missing values become defaults."""
    values: dict[str, Any] = body if isinstance(body, dict) else {}
    view, sort, find, theme = (values.get(key) for key in ("view", "sort", "find", "theme"))
    return ScreenState(
        view=view if view in VIEWS else "panels",
        sort=sort if sort in SORTS else "worst",
        reverse=values.get("reverse") is True,
        # A filter that is too long is dropped, since a filter cut short would hide the wrong orgs.
        find=clean(find) if isinstance(find, str) and len(find) <= MAX_LENGTH else "",
        theme=clean(theme) or None if isinstance(theme, str) else None,
    )


class ScreenMemory:
    """Reads and writes the file of the screen's state, in which the last write of all processes wins.

    No call raises if the file fails; `trouble` says why the last read or write failed.
    """

    def __init__(self, path: Path | None) -> None:
        """Use the file `path`, whose folder the first write makes. If `path` is None, store nothing."""
        self._path = path
        self._worker = WorkerThread("zbtui-screen")
        self._writes: set[asyncio.Task[None]] = set()
        self.trouble: Problem | None = None

    def load(self) -> ScreenState:
        """Read and return the saved state, or the default state if none can be read. The call blocks."""
        try:
            if self._path is not None:
                return read_state(json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            pass  # the first start
        except OSError as error:
            self._set_problem("read", error.strerror)
        except (ValueError, RecursionError):
            pass  # the next write replaces an invalid file
        return ScreenState()

    def save(self, state: ScreenState) -> None:
        """Start to write the state in a thread, after all earlier writes; the call does not wait for it."""
        if self._path is not None:
            text = json.dumps(asdict(state), indent=1) + "\n"
            task = asyncio.create_task(self._write(partial(write_atomically, self._path, text)))
            self._writes.add(task)
            task.add_done_callback(self._writes.discard)

    async def close(self) -> None:
        """Wait until all writes are done."""
        await asyncio.gather(*self._writes)

    async def _write(self, write: Callable[[], None]) -> None:
        try:
            await self._worker.call(write, _WRITE_TIMEOUT_SECONDS)
        except OSError as error:
            self._set_problem("written", error.strerror)
        except WorkerTimeoutError:
            self._set_problem("written", f"no answer within {_WRITE_TIMEOUT_SECONDS:.0f} s")
        else:
            self.trouble = None

    def _set_problem(self, done: str, reason: str | None) -> None:
        message = f"How the screen was left cannot be {done} ({reason or 'the disk refuses'})."
        if self.trouble is None or self.trouble.message != message:  # log a problem once, not at each write
            hint = f"All else goes on: check the disk and the rights of {self._path}."
            self.trouble = Problem("config", message, hint)
            _log.warning("%s", message)
