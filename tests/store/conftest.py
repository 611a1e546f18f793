"""A journal in a file, and its outbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.fake_clock import FakeClock
from zbtui.store.journal import Journal, open_journal
from zbtui.store.outbox import Outbox


@pytest.fixture
def journal_path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.db"


@pytest.fixture
async def journal(journal_path: Path, clock: FakeClock) -> AsyncIterator[Journal]:
    """A journal in a file; it must have no problem at the end of the test."""
    journal = open_journal(journal_path, clock)
    yield journal
    assert journal.problem is None
    await journal.close()


@pytest.fixture
def outbox(journal: Journal) -> Outbox:
    return journal.outbox


@pytest.fixture
async def other_outbox(journal_path: Path, journal: Journal) -> AsyncIterator[Outbox]:
    """The outbox of the same journal, opened as by another process."""
    journal = open_journal(journal_path)
    yield journal.outbox
    assert journal.problem is None
    await journal.close()
