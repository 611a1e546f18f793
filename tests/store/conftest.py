"""A journal in a file, and what belongs to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from zbtui.store.alerts import AlertBook
from zbtui.store.journal import Journal, open_journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.db"


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[Journal]:
    """One that works, to the end."""
    journal = open_journal(path)
    yield journal
    assert journal.trouble is None
    await journal.close()


@pytest.fixture
def book(journal: Journal) -> AlertBook:
    return journal.alerts


@pytest.fixture
async def other(path: Path, journal: Journal) -> AsyncIterator[AlertBook]:
    """Another process's."""
    journal = open_journal(path)
    yield journal.alerts
    assert journal.trouble is None
    await journal.close()
