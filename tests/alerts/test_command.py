"""The command run for an alert: what real programs get, how they fail, and what they cannot do."""

from __future__ import annotations

import asyncio
import json
import os
import select
import sys
import tracemalloc
from pathlib import Path

import pytest

from tests.alerts.sample_alerts import HOSTILE_TEXTS, make_stored_alert
from tests.support.fake_clock import FakeClock
from zbtui.alerts.command import (
    COMMAND_TIMEOUT_SECONDS,
    MAX_OUTPUT_BYTES,
    OUTPUT_GRACE_SECONDS,
    run_command,
)
from zbtui.alerts.payload import alert_environment, alert_payload
from zbtui.model.problem import Problem, ProblemError

TIMEOUT_SECONDS = 10
"""Seconds after which a test fails that would else wait for ever."""


class WatchedClock(FakeClock):
    """A clock that signals when the command's remaining output is waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.listening = asyncio.Event()

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        if seconds == OUTPUT_GRACE_SECONDS:
            self.listening.set()
        await super().wait(event, seconds)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the programs run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shell(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-I", "-c", code, *arguments]


async def problem_of(*command: str, clock: FakeClock | None = None) -> Problem:
    with pytest.raises(ProblemError) as caught:
        await run_command(command, make_stored_alert(), clock or FakeClock())
    return caught.value.problem


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def reading_end(path: Path) -> int:
    """Make a named pipe and open its reading end."""
    os.mkfifo(path)
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK)


async def read_all(end: int) -> bytes:
    """Read what comes next; b"" once no process holds the writing end."""
    ready, _, _ = await asyncio.to_thread(select.select, [end], [], [], TIMEOUT_SECONDS)
    assert ready, "nothing came"
    return os.read(end, 100)


# What the command gets


async def test_it_gets_the_alert_as_one_line_of_json(folder: Path) -> None:
    await run_command(shell("cat > output"), make_stored_alert(), FakeClock())
    output = (folder / "output").read_bytes()
    assert output.count(b"\n") == 1
    assert output.endswith(b"\n")
    assert json.loads(output) == alert_payload(make_stored_alert())


async def test_it_gets_variables_and_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_USER", "1")
    for name in ("ZBTUI_CONFIG", "ZBTUI_ALLOW_INSECURE_KEYRING", "ZBTUI_OTHER"):
        monkeypatch.setenv(name, "1")
    code = "import json, os; json.dump(dict(os.environ), open('output', 'w'))"
    await run_command(python(code), make_stored_alert(), FakeClock())
    output = json.loads((folder / "output").read_text())
    assert (output["OF_THE_USER"], output["PATH"]) == ("1", os.environ["PATH"])
    assert {key: output[key] for key in output if key.startswith("ZBTUI_")} == alert_environment(
        make_stored_alert()
    )


async def test_no_shell_reads_its_arguments(folder: Path) -> None:
    code = "import json, sys; json.dump(sys.argv[1:], open('output', 'w'))"
    await run_command(python(code, *HOSTILE_TEXTS, ""), make_stored_alert(), FakeClock())
    assert json.loads((folder / "output").read_text()) == [*HOSTILE_TEXTS, ""]
    assert names_in(folder) == {"output"}


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
async def test_no_shell_reads_what_the_alert_says(text: str, folder: Path) -> None:
    said = make_stored_alert(org=text, headline=text, hint=text)
    script = 'printf %s "$ZBTUI_ORG" > org; printf %s "$ZBTUI_HEADLINE" > headline; cat > json'
    await run_command(shell(script), said, FakeClock())
    assert (folder / "org").read_text() == text
    assert (folder / "headline").read_text() == text
    assert json.loads((folder / "json").read_text())["hint"] == text
    assert names_in(folder) == {"org", "headline", "json"}


async def test_a_program_may_lie_in_a_folder_whose_name_a_shell_would_part(folder: Path) -> None:
    program = folder / "a $(touch touched) name"
    program.write_text("#!/bin/sh\ntouch output\n")
    program.chmod(0o700)
    await run_command([str(program)], make_stored_alert(), FakeClock())
    assert (folder / "output").exists()
    assert not (folder / "touched").exists()


async def test_it_has_a_session_of_its_own_and_so_no_terminal(folder: Path) -> None:
    code = "import os; open('output', 'w').write(str(os.getsid(0) == os.getpid()))"
    await run_command(python(code), make_stored_alert(), FakeClock())
    assert (folder / "output").read_text() == "True"


async def test_a_program_that_does_not_read_what_it_gets_is_fine() -> None:
    long = make_stored_alert(hint="x" * 100_000)  # more than a pipe holds
    for script in ("true", "exec 0<&-; true", "head -c 1 > /dev/null"):
        await run_command(shell(script), long, FakeClock())


async def test_nothing_that_it_prints_reaches_the_screen(capfd: pytest.CaptureFixture[str]) -> None:
    await run_command(shell("echo out; echo err >&2"), make_stored_alert(), FakeClock())
    assert capfd.readouterr() == ("", "")


# How the command fails


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 3", "The command /bin/sh failed with exit status 3."),
        ("echo no such bus >&2; exit 1", "The command /bin/sh failed with exit status 1: no such bus."),
        ("echo 'it fails.' >&2; exit 1", "The command /bin/sh failed with exit status 1: it fails."),
        ("echo one >&2; echo two >&2; exit 1", "The command /bin/sh failed with exit status 1: one."),
        ("printf '\\n \\n  why\\n' >&2; exit 1", "The command /bin/sh failed with exit status 1: why."),
        ("echo only here; exit 1", "The command /bin/sh failed with exit status 1: only here."),
        ("echo out; echo err >&2; exit 1", "The command /bin/sh failed with exit status 1: err."),
        ("kill -9 $$", "The command /bin/sh was ended by signal 9."),
        ("echo oh >&2; kill -15 $$", "The command /bin/sh was ended by signal 15: oh."),
    ],
)
async def test_a_bad_end_is_shown_with_the_first_thing_that_it_said(script: str, message: str) -> None:
    problem = await problem_of(*shell(script))
    assert (problem.kind, problem.message) == ("contract", message)


async def test_what_is_said_on_its_behalf_after_its_end_is_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "gate")
    gate = os.open(folder / "gate", os.O_RDWR)
    clock = WatchedClock()
    script = "(read line < gate; echo late >&2) & exit 3"
    running = asyncio.create_task(run_command(shell(script), make_stored_alert(), clock))
    await asyncio.wait_for(clock.listening.wait(), TIMEOUT_SECONDS)
    os.write(gate, b"on\n")
    with pytest.raises(ProblemError, match="exit status 3: late"):
        await running
    os.close(gate)


async def test_what_it_says_is_cleaned() -> None:
    code = (
        "import sys; sys.stderr.buffer.write(b'\\x1b[31mre\\xffd\\x07\\xe2\\x80\\xae!\\r\\n'); sys.exit(1)"
    )
    problem = await problem_of(*python(code))
    assert problem.message.endswith(" failed with exit status 1: [31mre\ufffdd!.")


async def test_its_arguments_may_be_secret_and_are_not_shown() -> None:
    for command in (["/no/such/program", "s3cret"], shell("exit 1 # s3cret")):
        problem = await problem_of(*command)
        assert "s3cret" not in f"{problem}"


@pytest.mark.parametrize("program", ["/no/such/program", "no-such-program-on-the-path", "~/program"])
async def test_a_program_that_is_not_there_is_a_problem_of_the_config(program: str) -> None:
    problem = await problem_of(program)
    assert (problem.kind, problem.message) == ("config", f"The command {program} was not found.")
    assert "on_change" in problem.hint


async def test_each_other_reason_not_to_start_has_a_sentence_of_its_own(folder: Path) -> None:
    plain = folder / "plain"
    plain.write_text("#!/bin/sh\n")
    unreadable = folder / "unreadable"
    unreadable.write_bytes(b"\x00\x01")
    unreadable.chmod(0o700)
    assert "may not be run" in (await problem_of(str(plain))).message
    assert "may not be run" in (await problem_of(str(folder))).message
    assert "format" in (await problem_of(str(unreadable))).message.lower()
    assert "cannot be run (ValueError)" in (await problem_of("/bin/sh", "\0")).message


# What the command cannot do


async def test_a_program_that_goes_on_is_ended_after_its_time_and_all_it_started(folder: Path) -> None:
    held = reading_end(folder / "held")
    clock = FakeClock()
    # A process that still runs keeps the named pipe open.
    script = "exec 9> held; sleep 60 & echo started >&9; sleep 60"
    running = asyncio.create_task(run_command(shell(script), make_stored_alert(), clock))
    assert await read_all(held) == b"started\n"
    await clock.advance(COMMAND_TIMEOUT_SECONDS - 0.1)
    assert not running.done()
    await clock.advance(0.1)
    with pytest.raises(ProblemError, match="The command /bin/sh was ended: it took over 10 s"):
        await asyncio.wait_for(running, TIMEOUT_SECONDS)
    assert await read_all(held) == b""
    os.close(held)


async def test_a_program_that_ignores_being_asked_to_end_is_ended_all_the_same(folder: Path) -> None:
    held = reading_end(folder / "held")
    clock = FakeClock()
    script = "trap '' TERM INT HUP; exec 9> held; echo started >&9; while :; do sleep 60; done"
    running = asyncio.create_task(run_command(shell(script), make_stored_alert(), clock))
    await read_all(held)
    await clock.advance(COMMAND_TIMEOUT_SECONDS)
    with pytest.raises(ProblemError, match="ended"):
        await asyncio.wait_for(running, TIMEOUT_SECONDS)
    assert await read_all(held) == b""
    os.close(held)


@pytest.mark.parametrize("turns", [2, 200])
async def test_a_cancelled_command_leaves_nothing_running(turns: int, folder: Path) -> None:
    """With few turns of the loop, the program has only just been started."""
    held = reading_end(folder / "held")
    script = "exec 9> held; sleep 60 & echo started >&9; sleep 60"
    running = asyncio.create_task(run_command(shell(script), make_stored_alert(), FakeClock()))
    for _ in range(turns):
        await asyncio.sleep(0)
    assert select.select([held], [], [], TIMEOUT_SECONDS)[0]
    assert os.read(held, 100) == b"started\n"
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, TIMEOUT_SECONDS)
    assert await read_all(held) == b""
    os.close(held)


@pytest.mark.parametrize("status", [0, 3])
async def test_a_child_that_outlives_the_command_is_not_waited_for_and_runs_on(
    status: int, folder: Path
) -> None:
    """A child outlives the command and keeps the command's outputs open."""
    output = reading_end(folder / "output")
    os.mkfifo(folder / "gate")
    gate = os.open(folder / "gate", os.O_RDWR)
    clock = WatchedClock()
    script = f"(read line < gate; echo $line > output) & echo why >&2; exit {status}"
    running = asyncio.create_task(run_command(shell(script), make_stored_alert(), clock))
    await asyncio.wait_for(clock.listening.wait(), TIMEOUT_SECONDS)
    await clock.advance(OUTPUT_GRACE_SECONDS)
    if status:
        with pytest.raises(ProblemError, match="exit status 3: why"):
            await running
    else:
        await running
    os.write(gate, b"on\n")
    assert await read_all(output) == b"on\n"
    os.close(gate)
    os.close(output)


async def test_a_flood_takes_no_memory() -> None:
    flood = "import sys\nfor _ in range(512): sys.stdout.write('x' * 65536), sys.stderr.write('y' * 65536)"
    tracemalloc.start()
    try:
        await run_command(python(flood), make_stored_alert(), FakeClock())
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 << 20  # of 64 MiB


async def test_of_a_flood_the_first_line_is_shown_as_far_as_it_fits() -> None:
    code = f"import sys; sys.stderr.write('why' + ' y' * {MAX_OUTPUT_BYTES}); sys.exit(1)"
    problem = await problem_of(*python(code))
    assert "failed with exit status 1: why y y" in problem.message
    assert len(problem.message) < 400


async def test_the_name_of_the_program_is_cleaned_and_cut() -> None:
    problem = await problem_of("/no/\x1b[31m" + "x" * 300)
    assert "\x1b" not in problem.message
    assert len(problem.message) < 120
