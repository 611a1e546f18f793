"""The screen in terminals and under settings that are not the usual ones."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.support.pseudo_terminal import run_in_terminal

ZBTUI = str(Path(sys.executable).parent / "zbtui")
DEMO = [ZBTUI, "demo", "--speed", "0.001"]


def test_stderr_may_go_into_a_file(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with run_in_terminal(["sh", "-c", 'exec "$@" 2> "$0"', str(log), *DEMO]) as terminal:
        terminal.wait_for_text("nordlys")
        terminal.send("q")
        assert terminal.wait_for_exit() == 0
    assert log.read_bytes() == b""


def test_an_exported_size_does_not_stand_for_that_of_the_terminal() -> None:
    with run_in_terminal(["env", "COLUMNS=60", "LINES=12", *DEMO], columns=120) as terminal:
        terminal.wait_until(lambda text: any(len(line.rstrip()) > 110 for line in text.splitlines()))
        terminal.resize(90, 40)
        terminal.wait_until(lambda text: any(len(line.rstrip()) > 80 for line in text.splitlines()[15:]))


def test_a_dumb_terminal_gets_a_sentence_and_no_escape_sequence() -> None:
    with run_in_terminal(["env", "TERM=dumb", *DEMO]) as terminal:
        assert terminal.wait_for_exit() == 3
    assert b"zbtui: This terminal cannot show the screen" in terminal.output
    assert b"\x1b" not in terminal.output


def test_where_our_glyphs_cannot_be_encoded_the_screen_is_ascii() -> None:
    with run_in_terminal(["env", "PYTHONIOENCODING=ascii", *DEMO]) as terminal:
        text = terminal.wait_for_text("nordlys", "X 4 critical", "! 4 warning", "* 5 ok")
        assert text.count("?") == text.count("? ")
        terminal.send("2")
        terminal.wait_for_text("# STOPPED", "@ OVERDUE")
    assert terminal.output.isascii()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGTSTP, signal.SIGSTOP])
def test_after_a_stop_and_fg_the_screen_is_repainted(number: int) -> None:
    with run_in_terminal(DEMO) as terminal:
        terminal.wait_for_text("nordlys", "4 critical")
        os.kill(terminal.process.pid, number)
        terminal.wait_until(lambda text: is_stopped(terminal.process.pid))
        terminal.blank()
        os.kill(terminal.process.pid, signal.SIGCONT)
        terminal.wait_for_text("nordlys", "4 critical", "merlion", "sakura")


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
