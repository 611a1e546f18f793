"""Runs the user's program for an alert, without a shell, and limits the program's time and output."""

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
OUTPUT_GRACE_SECONDS: Final = 1.0
"""How long to wait for output after the program has ended: its child processes may still hold the pipes."""
MAX_OUTPUT_BYTES: Final = 4096
"""The number of bytes kept of stdout, and of stderr; the rest is read and dropped."""

_VARIABLE_PREFIX: Final = "ZBTUI_"
_HINT: Final = "Correct on_change in the [alerts] table of the config."


async def run_command(command: Sequence[str], stored: StoredAlert, clock: Clock) -> str:
    """Run a program for one alert, which it gets as a line of JSON on stdin and as `ZBTUI_*` variables.

    No shell expands the arguments. Returns a text with the program's name, its exit status and the first
    line that it printed. Raises a `ProblemError`: of kind `config` if the program cannot be started,
    `server` if it takes too long, `contract` if its exit status is not 0. A problem of kind `contract`
    concerns only this alert, so the dispatcher then goes on with the next alert.
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
        message = f"The command {name} was ended: it took over {COMMAND_TIMEOUT_SECONDS:.0f} s."
        raise _command_error("server", message, "Have it do its work in the background, or faster.")
    if status != 0:
        message = _failure_message(name, status, running.first_output_line())
        raise _command_error("contract", message, "See what is wrong with it; it is run again by itself.")
    printed = running.first_output_line()
    return f"{name} ended with exit status 0{': ' if printed else ''}{printed}"


class _CommandProcess(asyncio.SubprocessProtocol):
    """A running program and its output.

    `asyncio.Process` is not used, because its `wait` lasts as long as any process holds one of the pipes.
    """

    transport: asyncio.SubprocessTransport

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.outputs_closed = asyncio.Event()
        """The event that is set once the program has ended and no process holds its output pipes."""
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
        # A program need not read stdin: asyncio handles the broken pipe.
        stdin.write(line)
        stdin.close()

    async def terminate(self, clock: Clock) -> None:
        """Kill the program and its child processes if it still runs; read more output; close the pipes."""
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
        """Return the first line of stderr that is not empty, or else of stdout; empty without output."""
        for fd in (2, 1):
            text = self._outputs[fd].decode(errors="replace")
            if line := next(filter(None, map(clean, text.splitlines())), ""):
                return line
        return ""


async def _start_process(
    command: Sequence[str], name: str, variables: Mapping[str, str], clock: Clock
) -> _CommandProcess:
    # Without zbtui's own settings, which could be mistaken for variables of the alert.
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(_VARIABLE_PREFIX)}
    # In a new session, the program has no terminal, and can be killed with its child processes.
    starting = asyncio.ensure_future(
        asyncio.get_running_loop().subprocess_exec(
            _CommandProcess, *command, env={**inherited, **variables}, start_new_session=True
        )
    )
    try:
        _, running = await asyncio.shield(starting)
    except asyncio.CancelledError:
        # Wait for the start: only a started program can be killed with its child processes.
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


def _failure_message(name: str, status: int, output: str) -> str:
    how = f"was ended by signal {-status}" if status < 0 else f"failed with exit status {status}"
    said = f": {output.rstrip('.')}" if output else ""
    return f"The command {name} {how}{said}."


def _command_error(kind: ProblemKind, message: str, cure: str) -> ProblemError:
    return ProblemError(Problem(kind, message, cure))
