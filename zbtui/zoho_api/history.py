"""The answers of `GET /crm/bulk/v7/backup/history` ("Backup history"), parsed into frozen types.

The history logs events, not runs: a run adds a row when it starts and another row when it ends. The two
rows have different ids, and nothing links them. Zoho keeps rows for a year.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from sys import intern
from typing import Any, Final

from zbtui.model.problem import ProblemError
from zbtui.zoho_api.backup_details import ZohoUser, parse_datetime, parse_user
from zbtui.zoho_api.envelope import read_raw_text, read_text, unwrap_response
from zbtui.zoho_api.errors import contract_problem

PER_PAGE: Final = 200
"""Rows per page, Zoho's maximum; always sent, as Zoho's default differs from the documented one."""
MAX_PAGES: Final = 10
"""The most pages read; a year of backups fills far fewer."""
MAX_ROWS: Final = MAX_PAGES * PER_PAGE
"""The most rows read, however long a page is: all orgs wait while rows are processed."""


class RunOutcome(Enum):
    """How a run ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """The run ended with a state that zbtui does not know; does not count as completed."""


_OUTCOMES: Final = {
    "completed": RunOutcome.COMPLETED,
    "failure": RunOutcome.FAILED,
    "failed": RunOutcome.FAILED,
    "fail": RunOutcome.FAILED,
    "paymentfailed": RunOutcome.FAILED,
}
_START_ACTIONS: Final = frozenset(
    {None, "initiated", "started", "triggered", "queued", "running", "inprogress", "in_progress"}
)
"""In a row without a state, these actions start a run. Zoho documents only a sample with `initiated`."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One row of the history, with keywords in lower case."""

    id: str | None
    action: str | None
    """`scheduled`, `stopped`, `purchased`, `initiated`, or another word, which is ignored; None on
    rows that end a run."""
    state: str | None
    """`completed`, `failure`, or another word for an end; None while queued or running."""
    repeat_type: str | None
    """`immediate`, `weekly`, `biweekly`, `monthly`."""
    file_name: str | None
    count: int
    """Extra backups bought; 0 on all other rows."""
    logged_at: datetime | None
    """None: absent or unreadable; only the row's position is known."""
    done_by: ZohoUser | None

    @property
    def outcome(self) -> RunOutcome | None:
        """How the run of this row ended; None if the row ends no run."""
        if self.state is None:
            return None
        return _OUTCOMES.get(self.state.replace("_", ""), RunOutcome.UNKNOWN)

    @property
    def starts_run(self) -> bool:
        """Whether a run started, or was queued, by this row."""
        return self.state is None and self.action in _START_ACTIONS

    def as_dict(self) -> dict[str, Any]:
        """The inverse of `parse_entry`."""
        user = self.done_by
        return {
            "id": self.id,
            "action": self.action,
            "state": self.state,
            "repeat_type": self.repeat_type,
            "file_name": self.file_name,
            "count": self.count,
            "log_time": self.logged_at and self.logged_at.isoformat(),
            "done_by": user and user.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One page of the history, in the server's order."""

    entries: tuple[HistoryEntry, ...]
    has_more: bool
    """`info.more_records`: whether there is a next page."""


def parse_history_response(status: int, body: bytes, data_center: str) -> HistoryPage:
    """The page in one answer of the history call; 204 means no backup in a year. Raises `ProblemError`."""
    answer = unwrap_response(status, body, "history", data_center)
    rows = answer.get("history") or []
    if not isinstance(rows, list):
        raise ProblemError(contract_problem("has a history that is no list"))
    if len(rows) > MAX_ROWS:
        raise ProblemError(contract_problem(f"has {len(rows)} rows of history, far more than a page holds"))
    info = answer.get("info")
    more = isinstance(info, Mapping) and str(info.get("more_records")).lower() == "true"
    return HistoryPage(tuple(parse_entry(row) for row in rows), more and bool(rows))


def parse_entry(row: object) -> HistoryEntry:
    """One row of the history. An unreadable value is None, except in keywords: there its JSON is kept.

    Raises a `ProblemError` of kind `contract` if the row is not an object.
    """
    if not isinstance(row, Mapping):
        raise ProblemError(contract_problem("has a row of the history that is no object"))
    return HistoryEntry(
        read_text(row, "id"),
        _read_word(row, "action"),
        _read_word(row, "state"),
        _read_word(row, "repeat_type"),
        read_text(row, "file_name"),
        _read_count(row),
        parse_datetime(read_text(row, "log_time")),
        parse_user(row.get("done_by")),
    )


def sort_newest_first(entries: Iterable[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """The rows, newest first. A row without a time stays right after the row before it.

    Of rows that are equal in every value, one is kept: pages shift when a row is added between two
    requests. The `id` alone does not identify a row: by "Backup history" it is the job's id, which all
    rows of a plan share.
    """
    rows = list(dict.fromkeys(entries))
    times = [row.logged_at for row in rows if row.logged_at]
    at = times[0] if times else None
    placed: list[tuple[datetime | None, HistoryEntry]] = []
    for row in rows:
        at = row.logged_at or at
        placed.append((at, row))
    if at is not None:  # then every row in `placed` has a time
        placed.sort(key=lambda pair: pair[0] or at, reverse=True)
    return tuple(row for _, row in placed)


def _read_word(row: Mapping[str, Any], key: str) -> str | None:
    text = read_raw_text(row, key)
    # A year has hundreds of rows but few keywords: all orgs share one copy of each keyword.
    return intern(text.lower().replace(" ", "_")) if text else None


def _read_count(row: Mapping[str, Any]) -> int:
    text = str(row.get("count") or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
