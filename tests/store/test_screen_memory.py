"""The file that keeps the screen's state: each change is written, and nothing waits for the write."""

from __future__ import annotations

import json
import logging
import os
import stat
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zbtui.model.text import clean
from zbtui.store import screen_memory as module
from zbtui.store.screen_memory import SORTS, VIEWS, ScreenMemory, ScreenState, read_state
from zbtui.store.worker import WorkerTimeoutError

DEFAULT = ScreenState()
LEFT = ScreenState("table", "next", True, "dc:eu !muted", "nord")
STATES = st.builds(
    ScreenState,
    view=st.sampled_from(VIEWS),
    sort=st.sampled_from(SORTS),
    reverse=st.booleans(),
    find=st.text(max_size=100).map(clean),
    theme=st.none() | st.text(min_size=1, max_size=40).map(clean).filter(bool),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "screen.json"


@pytest.fixture
def memory(path: Path) -> ScreenMemory:
    return ScreenMemory(path)


async def save(memory: ScreenMemory, *states: ScreenState) -> None:
    for state in states:
        memory.save(state)
    await memory.close()


def fail_to_write(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def write(path: Path, text: str) -> None:
        raise error

    monkeypatch.setattr(module, "write_atomically", write)


# The file's content


@given(STATES)
def test_what_was_kept_comes_back(state: ScreenState) -> None:
    assert read_state(json.loads(json.dumps(asdict(state)))) == state


@given(JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(asdict(LEFT), JSON)))
def test_whatever_was_kept_it_is_a_screen_that_there_is(body: object) -> None:
    state = read_state(body)
    assert state.view in VIEWS and state.sort in SORTS
    assert isinstance(state.reverse, bool)
    assert state.find == clean(state.find)
    assert state.theme is None or (state.theme and state.theme == clean(state.theme))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("view", "map"),
        ("view", ["table"]),
        ("sort", None),
        ("reverse", 1),
        ("find", 7),
        ("find", "x" * 100_000),
        ("theme", ""),
        ("theme", {"name": "nord"}),
    ],
)
def test_a_value_that_makes_no_sense_falls_back_by_itself(key: str, value: object) -> None:
    assert read_state(asdict(LEFT) | {key: value}) == replace(LEFT, **{key: getattr(DEFAULT, key)})


def test_what_a_newer_zbtui_keeps_beside_it_does_no_harm() -> None:
    assert read_state(asdict(LEFT) | {"columns": [1, 2]}) == LEFT


def test_a_filter_never_brings_a_control_character_back() -> None:
    assert read_state({"find": "a\x1b]0;x\x07\u202eb"}).find == "a]0;xb"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe{", b'{"view": ', b"[" * 100_000, b"\0" * 100])
def test_a_senseless_file_is_the_default_screen(content: bytes, path: Path, memory: ScreenMemory) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    assert memory.load() == DEFAULT
    assert memory.trouble is None


# Reading and writing


async def test_of_several_changes_the_last_outlives_a_restart(path: Path, memory: ScreenMemory) -> None:
    await save(memory, *(replace(LEFT, view=view) for view in VIEWS), LEFT)
    assert ScreenMemory(path).load() == LEFT
    assert memory.trouble is None


@pytest.mark.skipif(sys.platform == "win32", reason="the modes of POSIX")
async def test_it_is_for_this_user_alone(path: Path, memory: ScreenMemory) -> None:
    before = os.umask(0)
    try:
        await save(memory, LEFT)
    finally:
        os.umask(before)
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent)] == [0o600, 0o700]
    assert list(path.parent.iterdir()) == [path]


async def test_where_nothing_changed_nothing_is_written(path: Path, memory: ScreenMemory) -> None:
    assert memory.load() == DEFAULT
    assert memory.trouble is None
    await memory.close()
    assert not path.parent.exists()


@pytest.fixture
def folder_in_its_place(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


async def test_a_failure_to_read_or_write_is_shown(folder_in_its_place: Path, memory: ScreenMemory) -> None:
    assert memory.load() == DEFAULT
    assert memory.trouble and "cannot be read" in memory.trouble.message
    await save(memory, LEFT)
    assert memory.trouble and "cannot be written" in memory.trouble.message
    assert str(folder_in_its_place) in memory.trouble.hint
    os.rmdir(folder_in_its_place)  # noqa: PTH106
    await save(memory, LEFT)
    assert memory.trouble is None


async def test_a_problem_is_logged_once(
    memory: ScreenMemory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fail_to_write(monkeypatch, OSError(28, "No space left on device"))
    with caplog.at_level(logging.WARNING, "zbtui"):
        await save(memory, LEFT, DEFAULT)
    message = "How the screen was left cannot be written (No space left on device)."
    assert memory.trouble and memory.trouble.message == message
    assert [record.getMessage() for record in caplog.records] == [message]


async def test_a_hung_disk_holds_nobody_up(memory: ScreenMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stuck(function: object, limit: float | None = None) -> None:
        assert limit is not None and limit <= 5
        raise WorkerTimeoutError

    monkeypatch.setattr(memory._worker, "call", stuck)
    await save(memory, LEFT)
    assert memory.trouble and "no answer within 3 s" in memory.trouble.message


async def test_without_a_place_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_to_write(monkeypatch, AssertionError("written"))
    memory = ScreenMemory(None)
    await save(memory, LEFT)
    assert memory.load() == DEFAULT
