"""A program in a real pseudo-terminal, with its output interpreted as a terminal does."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyte


class Terminal:
    """A program in a terminal of `columns` x `lines`."""

    def __init__(self, master: int, process: subprocess.Popen[bytes], columns: int, lines: int) -> None:
        self.process = process
        self.master = master
        self.output = bytearray()
        """All bytes that the program has written."""
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def text(self) -> str:
        # pyte's own `display` fails on the right half of a wide character whose left half was written over.
        rows = (self._screen.buffer[y] for y in range(self._screen.lines))
        return "\n".join("".join(row[x].data for x in range(self._screen.columns)) for row in rows)

    @property
    def title(self) -> str:
        """The window's title."""
        return str(self._screen.title)

    @property
    def _time(self) -> float:
        """A clock in seconds that stands still while the program or this process waits for a CPU."""
        return time.monotonic() - _held_up(self.process.pid) - _held_up(os.getpid())

    def send(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def wait_until(self, condition: Callable[[str], bool], patience: float = 30.0) -> str:
        """Read until the screen meets `condition`: the program takes real time.

        Args:
            patience: seconds, as `_time` counts them.

        Raises:
            AssertionError: it never does; with the screen's text.
        """
        deadline = self._time + patience
        while not condition(self.text):
            assert self._time < deadline, f"still not on the screen:\n{self.text}"
            if not self.read_output():
                assert condition(self.text), f"ended ({self.process.wait()}):\n{self.text}"
        return self.text

    def wait_for_text(self, *texts: str) -> str:
        return self.wait_until(lambda screen: all(text in screen for text in texts))

    def wait_for_exit(self, patience: float = 30.0) -> int:
        """Read all output until the program has ended; its exit status."""
        deadline = self._time + patience
        while self.process.poll() is None:
            assert self._time < deadline, f"still running:\n{self.text}"
            self.read_output()
        while self.master >= 0 and select.select([self.master], [], [], 0)[0] and self.read_output():
            pass
        return self.process.returncode

    def resize(self, columns: int, lines: int) -> None:
        """Resize, as when a person drags the window's corner; the program is notified."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._screen.resize(lines, columns)

    def blank(self) -> None:
        """Clear the screen: what it shows afterwards is newly drawn."""
        self._screen.erase_in_display(2)

    def hang_up(self) -> None:
        """Close the terminal, as when ssh drops."""
        os.close(self.master)
        self.master = -1

    def read_output(self) -> bool:
        """Read what was written; False: the other side is closed."""
        if self.master < 0:
            self.process.wait(1) if self.process.poll() is not None else select.select([], [], [], 0.1)
            return True
        if select.select([self.master], [], [], 0.1)[0]:
            try:
                data = os.read(self.master, 1 << 16)
            except OSError:
                return False
            self.output += data
            self._stream.feed(data)
        return True


@contextmanager
def run_in_terminal(
    command: list[str], columns: int = 120, lines: int = 40, *, controlling: bool = True
) -> Iterator[Terminal]:
    """Args:
    controlling: whether the program gets SIGHUP when the terminal closes; else no signal.
    """
    # COLUMNS and LINES would override the terminal's size.
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    process = subprocess.Popen(
        command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        start_new_session=True,
        preexec_fn=_take_terminal if controlling else None,
    )
    os.close(slave)
    terminal = Terminal(master, process, columns, lines)
    try:
        yield terminal
    finally:
        process.kill()
        process.wait()
        if terminal.master >= 0:
            os.close(terminal.master)


def _held_up(pid: int) -> float:
    """Seconds that a process's threads waited for a CPU; 0 where the system has no such figure."""
    waited = 0
    for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError):  # the process has ended
            _running, waiting, _turns = thread.read_text().split()
            waited += int(waiting)
    return waited / 1e9


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
