"""How the screen was left, as JSON in a file of the state folder. No problem with it stops anything."""

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
_LIMIT: Final = 3.0
"""Seconds that one write may take."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScreenState:
    """What the screen takes up again after a restart."""

    view: View = "panels"
    sort: SortOrder = "worst"
    reverse: bool = False
    find: str = ""
    """The filter, as it was typed; empty: all orgs are shown."""
    theme: str | None = None
    """By name; the screen decides whether there is such a theme. None: the default one."""


def read_state(body: object) -> ScreenState:
    """From the file's JSON: a value that is missing or makes no sense is the default one."""
    known: dict[str, Any] = body if isinstance(body, dict) else {}
    view, sort, find, theme = (known.get(key) for key in ("view", "sort", "find", "theme"))
    return ScreenState(
        view=view if view in VIEWS else "panels",
        sort=sort if sort in SORTS else "worst",
        reverse=known.get("reverse") is True,
        # Half of a filter would be another one, which hides other orgs.
        find=clean(find) if isinstance(find, str) and len(find) <= MAX_LENGTH else "",
        theme=clean(theme) or None if isinstance(theme, str) else None,
    )


class ScreenMemory:
    """Reads and writes that file. Of several windows, the one that wrote last is remembered.

    Nothing is raised: `trouble` says why the last state could not be read or written.
    """

    def __init__(self, path: Path | None) -> None:
        """Args:
        path: its folder is made with the first write; None: nothing is ever kept, as in the demo.
        """
        self._path = path
        self._worker = WorkerThread("zbtui-screen")
        self._writes: set[asyncio.Task[None]] = set()
        self.trouble: Problem | None = None

    def load(self) -> ScreenState:
        """The state as it was left; the default one where that is not known. Blocks."""
        try:
            if self._path is not None:
                return read_state(json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            pass  # the first start
        except OSError as error:
            self._note("read", error.strerror)
        except (ValueError, RecursionError):
            pass  # a file that makes no sense is replaced by the next write
        return ScreenState()

    def save(self, state: ScreenState) -> None:
        """Begin to write it, in a thread, behind what was given before."""
        if self._path is not None:
            text = json.dumps(asdict(state), indent=1) + "\n"
            task = asyncio.create_task(self._write(partial(write_atomically, self._path, text)))
            self._writes.add(task)
            task.add_done_callback(self._writes.discard)

    async def close(self) -> None:
        """Wait until all is written."""
        await asyncio.gather(*self._writes)

    async def _write(self, write: Callable[[], None]) -> None:
        try:
            await self._worker.call(write, _LIMIT)
        except OSError as error:
            self._note("written", error.strerror)
        except WorkerTimeoutError:
            self._note("written", f"no answer within {_LIMIT:.0f} s")
        else:
            self.trouble = None

    def _note(self, what: str, why: str | None) -> None:
        message = f"How the screen was left cannot be {what} ({why or 'the disk refuses'})."
        if self.trouble is None or self.trouble.message != message:  # logged once, not with each change
            hint = f"All else goes on: check the disk and the rights of {self._path}."
            self.trouble = Problem("config", message, hint)
            _log.warning("%s", message)
