"""How the screen was left, in a file: written once for many changes, and never in anybody's way."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import stat
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.clock import FakeClock
from zbtui.core.screen_state import USUAL, ScreenState, read_state
from zbtui.private_files import write_atomically
from zbtui.store import screen_memory as room
from zbtui.store.screen_memory import ScreenMemory
from zbtui.store.worker import WorkerStuckError

LEFT = ScreenState("table", "next", True, "dc:eu", "nord")
HALF_A_SECOND = 0.5


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "screen.json"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def memory(path: Path, clock: FakeClock) -> ScreenMemory:
    return ScreenMemory(path, clock)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[ScreenState]:
    """What was written, in order."""
    states: list[ScreenState] = []
    write = write_atomically

    def note(path: Path, text: str) -> None:
        states.append(read_state(json.loads(text)))
        write(path, text)

    monkeypatch.setattr(room, "write_atomically", note)
    return states


def refuse(monkeypatch: pytest.MonkeyPatch, error: Exception | None) -> None:
    def write(path: Path, text: str) -> None:
        if error:
            raise error

    monkeypatch.setattr(room, "write_atomically", write)


async def test_what_was_left_is_there_after_a_restart(path: Path, memory: ScreenMemory) -> None:
    await asyncio.gather(memory.save(LEFT), memory.close())
    assert ScreenMemory(path).load() == LEFT
    assert memory.trouble is None


@pytest.mark.skipif(sys.platform == "win32", reason="the modes of POSIX")
async def test_it_is_for_this_user_alone(path: Path, memory: ScreenMemory) -> None:
    before = os.umask(0)
    try:
        await asyncio.gather(memory.save(LEFT), memory.close())
    finally:
        os.umask(before)
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent)] == [0o600, 0o700]
    assert list(path.parent.iterdir()) == [path]


async def test_a_burst_is_written_once_and_its_last_one_counts(
    memory: ScreenMemory, clock: FakeClock, written: list[ScreenState]
) -> None:
    typed = [replace(LEFT, find="acme"[:length]) for length in range(1, 5)]
    saving = asyncio.gather(*map(memory.save, typed))
    await clock.advance(HALF_A_SECOND)
    await saving
    assert written == [typed[-1]]


async def test_what_comes_while_it_writes_is_written_after_it(
    memory: ScreenMemory, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, states = asyncio.get_running_loop(), list[ScreenState]()
    later = replace(LEFT, view="events")

    def write(path: Path, text: str) -> None:
        states.append(read_state(json.loads(text)))
        if len(states) == 1:
            asyncio.run_coroutine_threadsafe(memory.save(later), loop).result(10)

    monkeypatch.setattr(room, "write_atomically", write)
    saving = asyncio.create_task(memory.save(LEFT))
    await clock.advance(HALF_A_SECOND)
    await saving
    assert states == [LEFT, later]


async def test_the_same_state_again_is_written_again_for_another_window_wrote_meanwhile(
    path: Path, memory: ScreenMemory, clock: FakeClock
) -> None:
    other = ScreenMemory(path, clock)
    for window, state in ((memory, LEFT), (other, USUAL), (memory, LEFT)):
        saving = asyncio.create_task(window.save(state))
        await clock.advance(HALF_A_SECOND)
        await saving
        assert ScreenMemory(path).load() == state


async def test_a_save_that_is_cancelled_at_the_end_is_not_lost(path: Path, memory: ScreenMemory) -> None:
    saving = asyncio.create_task(memory.save(LEFT))
    await asyncio.sleep(0)
    saving.cancel()
    await asyncio.gather(saving, return_exceptions=True)
    assert memory.load() == USUAL
    await memory.close()
    assert memory.load() == LEFT


async def test_a_save_that_is_cancelled_while_it_writes_is_written_at_the_end(
    memory: ScreenMemory, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[ScreenState] = []
    begun, go_on = threading.Event(), threading.Event()

    def write(path: Path, text: str) -> None:
        states.append(read_state(json.loads(text)))
        begun.set()
        assert go_on.wait(30)

    monkeypatch.setattr(room, "write_atomically", write)
    saving = asyncio.create_task(memory.save(LEFT))
    await clock.advance(HALF_A_SECOND)
    assert await asyncio.to_thread(begun.wait, 30)
    saving.cancel()
    await asyncio.gather(saving, return_exceptions=True)
    go_on.set()
    await memory.close()
    assert states == [LEFT, LEFT], "nobody knows how the first one ended"


async def test_where_nothing_changed_nothing_is_written(path: Path, memory: ScreenMemory) -> None:
    memory.load()
    await memory.close()
    assert not path.parent.exists()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe{", b'{"view": ', b"[" * 100_000, b"\0" * 100])
def test_a_file_that_makes_no_sense_is_the_usual_screen(
    content: bytes, path: Path, memory: ScreenMemory
) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    assert memory.load() == USUAL
    assert memory.trouble is None


def test_no_more_of_a_file_is_read_than_zbtui_would_write(path: Path, memory: ScreenMemory) -> None:
    path.parent.mkdir()
    path.write_text(json.dumps(LEFT.as_dict()) + " " * room._LARGEST)
    assert memory.load() == LEFT
    path.write_text(" " * room._LARGEST + json.dumps(LEFT.as_dict()))
    assert memory.load() == USUAL


def test_a_missing_file_is_no_trouble(memory: ScreenMemory) -> None:
    assert memory.load() == USUAL
    assert memory.trouble is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of POSIX")
def test_nothing_waits_for_a_pipe_in_its_place(path: Path, memory: ScreenMemory) -> None:
    path.parent.mkdir()
    os.mkfifo(path)
    assert memory.load() == USUAL


def test_a_file_that_cannot_be_read_is_the_usual_screen_and_is_told(
    path: Path, memory: ScreenMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", refuse)
    assert memory.load() == USUAL
    assert memory.trouble
    assert memory.trouble.message == "How the screen was left cannot be read (Permission denied)."
    assert str(path) in memory.trouble.hint


async def test_what_cannot_be_written_is_told_once_until_it_works_again(
    memory: ScreenMemory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refuse(monkeypatch, OSError(28, "No space left on device"))
    with caplog.at_level(logging.WARNING, "zbtui"):
        for state in (LEFT, USUAL):
            await asyncio.gather(memory.save(state), memory.close())
    said = "How the screen was left cannot be written (No space left on device)."
    assert memory.trouble and memory.trouble.message == said
    assert [record.getMessage() for record in caplog.records] == [said]
    refuse(monkeypatch, None)
    await asyncio.gather(memory.save(LEFT), memory.close())
    assert memory.trouble is None


@pytest.fixture
def circle(path: Path) -> None:
    """The file is a link to itself."""
    path.parent.mkdir()
    path.symlink_to(path)


@pytest.mark.usefixtures("circle")
async def test_links_in_a_circle_are_told_too(memory: ScreenMemory) -> None:
    assert memory.load() == USUAL
    await asyncio.gather(memory.save(LEFT), memory.close())
    assert memory.trouble


async def test_a_disk_that_hangs_holds_nobody_up(
    memory: ScreenMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck(function: object, limit: float | None = None) -> None:
        assert limit is not None and limit <= 5
        raise WorkerStuckError

    monkeypatch.setattr(memory._worker, "call", stuck)
    await asyncio.gather(memory.save(LEFT), memory.close())
    assert memory.trouble and "no answer within 3 s" in memory.trouble.message


async def test_without_a_place_nothing_is_kept(written: list[ScreenState]) -> None:
    memory = ScreenMemory(None)
    await memory.save(LEFT)
    await memory.close()
    assert memory.load() == USUAL
    assert written == []
