"""The log file."""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from zbtui.store.log import MAX_LOG_BYTES, log_to_file


@pytest.fixture(autouse=True)
def own_logger() -> Iterator[logging.Logger]:
    """zbtui's logger; its state is restored after the test."""
    logger = logging.getLogger("zbtui")
    handlers, propagate = logger.handlers[:], logger.propagate
    yield logger
    for handler in set(logger.handlers) - set(handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = propagate


def log() -> None:
    logging.getLogger("zbtui.watch.poller").warning("%s: %s", "acme", "Zoho is out of order (HTTP 503).")
    logging.getLogger("zbtui.watch.poller").info("nobody needs to know")
    logging.getLogger("another.library").error("not ours")


def test_warnings_are_kept_and_nothing_less(tmp_path: Path) -> None:
    log_to_file(tmp_path / "zbtui.log")
    log()
    (line,) = (tmp_path / "zbtui.log").read_text().splitlines()
    assert line.endswith("WARNING zbtui.watch.poller: acme: Zoho is out of order (HTTP 503).")


def test_nothing_of_it_reaches_another_log_or_the_terminal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    log_to_file(tmp_path / "zbtui.log")
    log()
    assert [record.name for record in caplog.records] == ["another.library"]
    assert "acme" not in "".join(capfd.readouterr())


def test_it_is_made_for_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "zbtui.log"
    log_to_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_was_open_to_others_is_closed_to_them(tmp_path: Path) -> None:
    files = [tmp_path / "zbtui.log", tmp_path / "zbtui.log.1"]
    for file in files:
        file.touch(mode=0o644)
    log_to_file(files[0])
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]


def test_it_goes_on_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "zbtui.log"
    path.write_text("before\n")
    log_to_file(path)
    log()
    assert path.read_text().startswith("before\n")
    assert "acme" in path.read_text()


def test_a_large_log_file_is_renamed(tmp_path: Path) -> None:
    path = tmp_path / "zbtui.log"
    path.write_text("x" * ((1 << 20) + 1))
    log_to_file(path)
    log()
    assert (tmp_path / "zbtui.log.1").stat().st_size == (1 << 20) + 1
    assert len(path.read_text().splitlines()) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("place", ["folder", "beneath a file"])
def test_one_that_cannot_be_written_stops_nothing(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    log_to_file(tmp_path if place == "folder" else tmp_path / "file" / "zbtui.log")
    log()


def test_what_cannot_be_encoded_is_replaced(tmp_path: Path) -> None:
    log_to_file(tmp_path / "zbtui.log")
    logging.getLogger("zbtui").warning("half a character: \udcff")
    assert "half a character: ?" in (tmp_path / "zbtui.log").read_text()


def test_however_long_it_runs_there_are_two_files_of_a_limited_size(tmp_path: Path) -> None:
    path = tmp_path / "zbtui.log"
    log_to_file(path)
    for number in range(3 * MAX_LOG_BYTES // 1000):
        logging.getLogger("zbtui").warning("%d: %s", number, "x" * 1000)
    files = {file.name: file.stat().st_size for file in tmp_path.iterdir()}
    assert set(files) == {"zbtui.log", "zbtui.log.1"}
    assert all(0 < size <= MAX_LOG_BYTES for size in files.values())
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in tmp_path.iterdir())
    assert f"{3 * MAX_LOG_BYTES // 1000 - 1}: " in path.read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk, as Linux plays it")
def test_a_full_disk_keeps_the_screen_clean(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "zbtui.log"
    path.symlink_to("/dev/full")
    log_to_file(path)
    log()
    assert "".join(capfd.readouterr()) == ""
