"""Whether a config file is settled: an editor may leave it empty or half written for a moment."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.config.config_files import File
from tests.store.store_samples import sample_org
from tests.support.fake_clock import START
from zbtui.config.config_file import SETTLES_AFTER_SECONDS, ConfigFile

WHILE = timedelta(seconds=SETTLES_AFTER_SECONDS)
SHORTER = WHILE - timedelta(seconds=1)


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path)


def changed_at_start(file: File) -> ConfigFile:
    file.put("")
    os.utime(file.path, (START.timestamp(), START.timestamp()))
    return file.store()


def last_change(file: File) -> datetime:
    return datetime.fromtimestamp(file.path.stat().st_mtime, UTC)


@pytest.mark.parametrize(
    ("after", "settled"), [(timedelta(), False), (SHORTER, False), (WHILE, True), (-WHILE, True)]
)
def test_a_file_is_settled_after_some_seconds_also_by_a_clock_that_is_behind(
    after: timedelta, settled: bool, file: File
) -> None:
    assert changed_at_start(file).is_settled(START + after) is settled


def test_an_own_change_is_settled_at_once_and_that_of_another_process_is_not(file: File) -> None:
    own, other = file.store(), file.store()
    own.add(sample_org())
    now = last_change(file)
    assert (own.is_settled(now), other.is_settled(now)) == (True, False)
    other.remove("acme")
    now = last_change(file)
    assert (own.is_settled(now), other.is_settled(now)) == (False, True)


def test_a_missing_file_is_not_settled_at_once(file: File) -> None:
    store = changed_at_start(file)
    file.path.unlink()
    os.utime(file.path.parent, (START.timestamp(), START.timestamp()))
    assert [store.is_settled(START + after) for after in (SHORTER, WHILE)] == [False, True]


def test_without_a_folder_there_is_nothing_to_wait_for(file: File) -> None:
    assert ConfigFile(file.path.parent / "none" / "config.toml", file.path).is_settled(START)
