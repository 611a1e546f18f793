"""A watch without a screen ends by a signal, or when its reader is gone."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fake_clock import FakeClock, run_until_idle
from zbtui.check.shutdown import reader_is_gone, stopped_by_signals
from zbtui.clock import StopSignal


@pytest.fixture(autouse=True)
def handlers_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    assert {number: signal.getsignal(number) for number in before} == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_requests_a_stop(clock: FakeClock, number: signal.Signals) -> None:
    stop = StopSignal(clock)
    with stopped_by_signals(stop):
        assert not stop.is_requested
        signal.raise_signal(number)
        await run_until_idle()
    assert stop.is_requested


async def test_the_next_signal_does_what_it_always_does(clock: FakeClock) -> None:
    came: list[int] = []
    own = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    try:
        with stopped_by_signals(StopSignal(clock)):
            signal.raise_signal(signal.SIGTERM)
            assert came == []
            signal.raise_signal(signal.SIGTERM)
            assert came == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, own)


async def test_a_signal_that_is_to_be_ignored_stays_ignored(clock: FakeClock) -> None:
    """A shell script starts background jobs with SIGINT ignored."""
    own, stop = signal.signal(signal.SIGINT, signal.SIG_IGN), StopSignal(clock)
    try:
        with stopped_by_signals(stop):
            signal.raise_signal(signal.SIGINT)
            await run_until_idle()
        assert not stop.is_requested
    finally:
        signal.signal(signal.SIGINT, own)


# Who reads


def test_a_pipe_is_gone_once_its_reader_is() -> None:
    reading, writing = os.pipe()
    with open(writing, "w") as stream:  # noqa: PTH123
        assert not reader_is_gone(stream)
        stream.write("a line that nobody has read yet\n")
        stream.flush()
        assert not reader_is_gone(stream)
        os.close(reading)
        assert reader_is_gone(stream)


def test_a_terminal_is_gone_once_it_hung_up() -> None:
    master, slave = os.openpty()
    with open(slave, "w") as stream:  # noqa: PTH123
        assert not reader_is_gone(stream)
        os.close(master)
        assert reader_is_gone(stream)


def test_a_file_is_never_gone(tmp_path: Path) -> None:
    with (tmp_path / "changes.jsonl").open("w") as stream:
        assert not reader_is_gone(stream)
    with Path(os.devnull).open("w") as stream:
        assert not reader_is_gone(stream)


def test_what_has_no_file_behind_it_is_never_gone(tmp_path: Path) -> None:
    assert not reader_is_gone(io.StringIO())
    assert not reader_is_gone(None)
    closed = (tmp_path / "closed").open("w")
    closed.close()
    assert not reader_is_gone(closed)
