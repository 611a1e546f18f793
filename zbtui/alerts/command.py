"""An alert handed to a program of the user's: no shell, little time, little room for what it prints."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from zbtui.alerts.message import alert_as_json, alert_environment
from zbtui.clock import Clock
from zbtui.core.text import clean
from zbtui.core.trouble import Kind, Trouble, TroubleError
from zbtui.store.alerts import KeptAlert

LIMIT_SECONDS: Final = 10.0
"""How long a command may take."""
LAST_WORDS_SECONDS: Final = 1.0
"""How long what it printed is waited for once it has ended: what it started may still hold the pipe."""
MOST_KEPT: Final = 4096
"""Bytes kept of each of its two outputs; the rest is read and dropped."""

_OURS: Final = "ZBTUI_"
_CURE: Final = "Correct on_change in the [alerts] table of the config."


async def run_command(command: Sequence[str], kept: KeptAlert, clock: Clock) -> None:
    """Run a program for one alert: JSON in one line on stdin, and `ZBTUI_*` in the environment.

    Args:
        command: the program and its arguments, as they are.

    Raises:
        TroubleError: it could not be started, took too long or did not end well. Of kind `contract`
            where it said no: another alert may fare better.
    """
    name = clean(command[0], 80)
    line = json.dumps(alert_as_json(kept)).encode() + b"\n"
    running = await _start(command, name, alert_environment(kept), clock)
    try:
        running.say(line)
        await clock.wait(running.ended, LIMIT_SECONDS)
        status = running.transport.get_returncode()
    finally:
        await running.end(clock)
    if status is None:
        what = f"The command {name} was ended: it took over {LIMIT_SECONDS:.0f} s."
        raise _trouble("server", what, "Have it do its work in the background, or faster.")
    if status != 0:
        what = _ended_badly(name, status, running.words())
        raise _trouble("contract", what, "See what is wrong with it; it is run again by itself.")


class _Running(asyncio.SubprocessProtocol):
    """A program that runs, and what it has printed.

    Not `asyncio.Process`: its `wait` goes on for as long as anybody holds one of the pipes.
    """

    transport: asyncio.SubprocessTransport

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.silent = asyncio.Event()
        """It has ended, and nobody holds its outputs."""
        self._printed = {1: bytearray(), 2: bytearray()}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self.transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        printed = self._printed[fd]
        printed += data[: MOST_KEPT - len(printed)]

    def process_exited(self) -> None:
        self.ended.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.silent.set()

    def say(self, line: bytes) -> None:
        stdin = self.transport.get_pipe_transport(0)
        assert isinstance(stdin, asyncio.WriteTransport)
        # A program that does not read it is fine: the broken pipe ends in this protocol.
        stdin.write(line)
        stdin.close()

    async def end(self, clock: Clock) -> None:
        """End it with all that it has started, unless it has ended; hear it out, and listen no more."""
        try:
            if self.transport.get_returncode() is None:
                self._kill()
            await clock.wait(self.silent, LAST_WORDS_SECONDS)
        finally:
            self.transport.close()

    def _kill(self) -> None:
        with suppress(OSError):
            if sys.platform == "win32":
                self.transport.kill()
            else:
                os.killpg(self.transport.get_pid(), signal.SIGKILL)

    def words(self) -> str:
        """The first line that it had to say: of what is wrong, or else of anything."""
        for fd in (2, 1):
            text = self._printed[fd].decode(errors="replace")
            if said := next(filter(None, map(clean, text.splitlines())), ""):
                return said
        return ""


async def _start(command: Sequence[str], name: str, variables: Mapping[str, str], clock: Clock) -> _Running:
    # What is set for zbtui itself is not for others, and would be mistaken for the alert's.
    own = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
    # A session of its own: it has no terminal, and ends together with all that it starts.
    starting = asyncio.ensure_future(
        asyncio.get_running_loop().subprocess_exec(
            _Running, *command, env={**own, **variables}, start_new_session=True
        )
    )
    try:
        _, running = await asyncio.shield(starting)
    except asyncio.CancelledError:
        # Only once it has begun can it be ended together with what it has started.
        await (await starting)[1].end(clock)
        raise
    except FileNotFoundError:
        cure = "Give its whole path in on_change in the [alerts] table of the config; ~ is not understood."
        raise _trouble("config", f"The command {name} was not found.", cure) from None
    except PermissionError:
        cure = f"Make it executable. {_CURE}"
        raise _trouble("config", f"The command {name} may not be run.", cure) from None
    except (OSError, ValueError) as error:
        why = clean((error.strerror if isinstance(error, OSError) else None) or type(error).__name__)
        raise _trouble("config", f"The command {name} cannot be run ({why}).", _CURE) from None
    return running


def _ended_badly(name: str, status: int, words: str) -> str:
    how = f"was ended by signal {-status}" if status < 0 else f"failed with exit status {status}"
    said = f": {words.rstrip('.')}" if words else ""
    return f"The command {name} {how}{said}."


def _trouble(kind: Kind, message: str, cure: str) -> TroubleError:
    return TroubleError(Trouble(kind, message, cure))
