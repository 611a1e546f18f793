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

from zbtui.alerts.payload import alert_environment, alert_payload
from zbtui.clock import Clock
from zbtui.model.problem import Problem, ProblemError, ProblemKind
from zbtui.model.text import clean
from zbtui.store.outbox import StoredAlert

COMMAND_TIMEOUT_SECONDS: Final = 10.0
"""How long a command may take."""
OUTPUT_GRACE_SECONDS: Final = 1.0
"""How long what it printed is waited for once it has ended: what it started may still hold the pipe."""
MAX_OUTPUT_BYTES: Final = 4096
"""Bytes kept of each of its two outputs; the rest is read and dropped."""

_VARIABLE_PREFIX: Final = "ZBTUI_"
_HINT: Final = "Correct on_change in the [alerts] table of the config."


async def run_command(command: Sequence[str], stored: StoredAlert, clock: Clock) -> None:
    """Run a program for one alert: JSON in one line on stdin, and `ZBTUI_*` in the environment.

    Args:
        command: the program and its arguments, as they are.

    Raises:
        TroubleError: it could not be started, took too long or did not end well. Of kind `contract`
            where it said no: another alert may fare better.
    """
    name = clean(command[0], 80)
    line = json.dumps(alert_payload(stored)).encode() + b"\n"
    running = await _start_process(command, name, alert_environment(stored), clock)
    try:
        running.write_stdin(line)
        await clock.wait(running.ended, COMMAND_TIMEOUT_SECONDS)
        status = running.transport.get_returncode()
    finally:
        await running.terminate(clock)
    if status is None:
        what = f"The command {name} was ended: it took over {COMMAND_TIMEOUT_SECONDS:.0f} s."
        raise _command_error("server", what, "Have it do its work in the background, or faster.")
    if status != 0:
        what = _failure_message(name, status, running.first_output_line())
        raise _command_error("contract", what, "See what is wrong with it; it is run again by itself.")


class _CommandProcess(asyncio.SubprocessProtocol):
    """A program that runs, and what it has printed.

    Not `asyncio.Process`: its `wait` goes on for as long as anybody holds one of the pipes.
    """

    transport: asyncio.SubprocessTransport

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.outputs_closed = asyncio.Event()
        """It has ended, and nobody holds its outputs."""
        self._outputs = {1: bytearray(), 2: bytearray()}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self.transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        printed = self._outputs[fd]
        printed += data[: MAX_OUTPUT_BYTES - len(printed)]

    def process_exited(self) -> None:
        self.ended.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.outputs_closed.set()

    def write_stdin(self, line: bytes) -> None:
        stdin = self.transport.get_pipe_transport(0)
        assert isinstance(stdin, asyncio.WriteTransport)
        # A program that does not read it is fine: the broken pipe ends in this protocol.
        stdin.write(line)
        stdin.close()

    async def terminate(self, clock: Clock) -> None:
        """End it with all that it has started, unless it has ended; hear it out, and listen no more."""
        try:
            if self.transport.get_returncode() is None:
                self._kill()
            await clock.wait(self.outputs_closed, OUTPUT_GRACE_SECONDS)
        finally:
            self.transport.close()

    def _kill(self) -> None:
        with suppress(OSError):
            if sys.platform == "win32":
                self.transport.kill()
            else:
                os.killpg(self.transport.get_pid(), signal.SIGKILL)

    def first_output_line(self) -> str:
        """The first line that it had to say: of what is wrong, or else of anything."""
        for fd in (2, 1):
            text = self._outputs[fd].decode(errors="replace")
            if said := next(filter(None, map(clean, text.splitlines())), ""):
                return said
        return ""


async def _start_process(
    command: Sequence[str], name: str, variables: Mapping[str, str], clock: Clock
) -> _CommandProcess:
    # What is set for zbtui itself is not for others, and would be mistaken for the alert's.
    own = {key: value for key, value in os.environ.items() if not key.startswith(_VARIABLE_PREFIX)}
    # A session of its own: it has no terminal, and ends together with all that it starts.
    starting = asyncio.ensure_future(
        asyncio.get_running_loop().subprocess_exec(
            _CommandProcess, *command, env={**own, **variables}, start_new_session=True
        )
    )
    try:
        _, running = await asyncio.shield(starting)
    except asyncio.CancelledError:
        # Only once it has begun can it be ended together with what it has started.
        await (await starting)[1].terminate(clock)
        raise
    except FileNotFoundError:
        cure = "Give its whole path in on_change in the [alerts] table of the config; ~ is not understood."
        raise _command_error("config", f"The command {name} was not found.", cure) from None
    except PermissionError:
        cure = f"Make it executable. {_HINT}"
        raise _command_error("config", f"The command {name} may not be run.", cure) from None
    except (OSError, ValueError) as error:
        why = clean((error.strerror if isinstance(error, OSError) else None) or type(error).__name__)
        raise _command_error("config", f"The command {name} cannot be run ({why}).", _HINT) from None
    return running


def _failure_message(name: str, status: int, words: str) -> str:
    how = f"was ended by signal {-status}" if status < 0 else f"failed with exit status {status}"
    said = f": {words.rstrip('.')}" if words else ""
    return f"The command {name} {how}{said}."


def _command_error(kind: ProblemKind, message: str, cure: str) -> ProblemError:
    return ProblemError(Problem(kind, message, cure))
