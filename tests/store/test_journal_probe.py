"""The journal's probe: writes a row and takes it out again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from zbtui.store.journal import open_journal

REFUSAL = "CREATE TRIGGER full BEFORE INSERT ON token_request BEGIN SELECT RAISE(ABORT, 'disk full'); END"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def no_file(path: Path) -> Path:
    """A path at which there is a folder instead of the journal's file."""
    path.mkdir()
    return path


async def test_a_journal_that_can_be_written_has_no_problem_and_keeps_nothing_of_it(path: Path) -> None:
    journal = open_journal(path)
    assert await journal.probe() is None
    await journal.close()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM token_request").fetchone() == (0,)


async def test_a_journal_that_cannot_be_opened_shows_why(no_file: Path) -> None:
    journal = open_journal(no_file)
    problem = await journal.probe()
    assert problem is not None
    assert str(no_file) in problem.message
    await journal.close()


async def test_a_journal_that_takes_no_row_is_shown_although_none_can_be_deleted(path: Path) -> None:
    journal = open_journal(path)
    with closing(sqlite3.connect(path)) as database:
        database.execute(REFUSAL)
    problem = await journal.probe()
    assert problem is not None
    assert "disk full" in problem.message
    await journal.close()
