"""Parses the answers of `GET /crm/bulk/v7/backup/history` ("Backup history") into frozen types.

The history logs events, not runs: a backup run adds a row when it starts and another row when it ends. The
two rows have different ids, and nothing links them. Zoho keeps rows for a year.
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
"""The number of rows requested per page, Zoho's maximum.

It is always sent, as Zoho's default differs from the documented one.
"""
MAX_PAGES: Final = 10
"""The most pages read of one history; a year of backups fills far fewer."""
MAX_ROWS: Final = MAX_PAGES * PER_PAGE
"""The limit on the rows of one history, as all orgs wait while rows are processed.

No further page is read once this many rows were read; a single page with more rows is refused.
"""


class RunOutcome(Enum):
    """The outcome of a backup run."""

    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """The run ended with a state that zbtui does not know; such a run does not count as completed."""


_OUTCOMES: Final = {
    "completed": RunOutcome.COMPLETED,
    "failure": RunOutcome.FAILED,
    "failed": RunOutcome.FAILED,
    "fail": RunOutcome.FAILED,
    "paymentfailed": RunOutcome.FAILED,
}
_PLAN_ACTIONS: Final = ("scheduled", "stopped", "purchased")
"""The actions that are no run: whatever state such a row has, no backup has ended with it."""
_START_ACTIONS: Final = frozenset(
    {None, "initiated", "started", "triggered", "queued", "running", "inprogress", "in_progress"}
)
"""The actions that start a run, in a row without a state. Zoho documents only a sample with `initiated`."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One row of the history, with keywords in lower case."""

    id: str | None
    action: str | None
    """The action that the row logs; None in rows that end a run.

    It is `scheduled`, `stopped`, `purchased`, `initiated`, or another word, which is ignored.
    """
    state: str | None
    """The state in which the run ended, such as `completed` or `failure`; None while queued or running."""
    repeat_type: str | None
    """The repetition of the backup: `immediate` (once), `weekly`, `biweekly` or `monthly`."""
    file_name: str | None
    count: int
    """The number of extra backups bought, in a row of the action `purchased`; 0 in all other rows."""
    logged_at: datetime | None
    """The time when Zoho logged the row; None if it is missing or unreadable.

    Without a time, only the row's place among the other rows is known.
    """
    done_by: ZohoUser | None

    @property
    def outcome(self) -> RunOutcome | None:
        """The outcome of the run that this row ends; None if the row ends no run."""
        if self.state is None or self.action in _PLAN_ACTIONS:
            return None
        return _OUTCOMES.get(self.state.replace("_", ""), RunOutcome.UNKNOWN)

    @property
    def changes_plan(self) -> bool:
        """Whether this row records that a plan was made, changed or stopped; not a single backup."""
        return self.action in ("scheduled", "stopped") and self.repeat_type != "immediate"

    @property
    def starts_run(self) -> bool:
        """Whether this row records that a run was started or queued."""
        return self.state is None and self.action in _START_ACTIONS

    def as_dict(self) -> dict[str, Any]:
        """Return the row in Zoho's JSON form, which `parse_entry` reads."""
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
    """One page of the history, with the rows in the server's order."""

    entries: tuple[HistoryEntry, ...]
    has_more: bool
    """Whether there is a next page (`info.more_records`)."""


def parse_history_response(status: int, body: bytes, data_center: str) -> HistoryPage:
    """Parse one page of the history; HTTP 204 means that there was no backup in a year.

    Raises a `ProblemError` for an error from Zoho, and for an answer of another form.
    """
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
    """Parse one row of the history.

    An unreadable value is None, except in keywords (`action`, `state`, `repeat_type`): there its JSON is
    kept. Raises a `ProblemError` of kind `contract` if the row is not an object.
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
    """Return the rows, newest first. A row without a time stays right after the row before it.

    Of rows that are equal in every value, only one is kept: pages shift when a row is added between two
    requests. The `id` alone does not identify a row: according to "Backup history" it is the job's id,
    which all rows of a plan share.
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
