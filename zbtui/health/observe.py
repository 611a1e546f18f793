"""Applies the result of a poll to an org's snapshot."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from zbtui.health.due_dates import HISTORY_REACH, update_due_dates
from zbtui.health.snapshot import HistoryAndLinks, Observation, PollState, Snapshot, ZohoData
from zbtui.model.problem import Problem
from zbtui.zoho_api.backup_details import Backup, BackupState
from zbtui.zoho_api.errors import OLD_ANSWER_PROBLEM, contract_problem
from zbtui.zoho_api.history import HistoryEntry
from zbtui.zoho_api.runs import History, build_history

_CLOCK_RESOLUTION: Final = timedelta(seconds=3)
"""The largest difference between Zoho's clock and this machine's that is ignored.

The `Date` header has whole seconds, and answers take time.
"""
_FUTURE_TOLERANCE: Final = timedelta(minutes=5)
"""History rows dated further ahead of Zoho's clock than this are dropped."""
_SINCE_UNKNOWN: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The value of `history_behind_since` for an unknown time.

It is used if the history was behind at the first poll, or has lost rows.
"""


def apply_observation(before: Snapshot, observation: Observation, now: datetime) -> Snapshot:
    """Return the snapshot after a good answer at `now`; an old answer is treated as a failed poll."""
    if _is_old_answer(before.zoho, observation):
        return apply_failure(before, OLD_ANSWER_PROBLEM, now)
    offset = observation.server_time - now if observation.server_time else before.zoho.clock_offset
    offset = offset if abs(offset) > _CLOCK_RESOLUTION else timedelta()
    zoho_now = now.astimezone(UTC) + offset
    fetched = _check_history(observation.history_and_links, before.zoho.history, zoho_now)
    zoho = _after_answer(before.zoho, replace(observation, history_and_links=fetched), now, offset)
    polls = PollState(
        attempted_at=now,
        history_tried_at=before.polls.history_tried_at,
        history_problem=before.polls.history_problem,
        links_problem=before.polls.links_problem,
        history_failures=before.polls.history_failures,
        unsettled_history_reads=before.polls.unsettled_history_reads,
    )
    if fetched:
        polls = _after_history_and_links(polls, fetched, zoho, before.zoho.backup, now)
    was_read = fetched is not None and fetched.history is not None
    since = _behind_since(before.zoho, zoho, polls, now, was_read)
    return replace(
        before,
        zoho=replace(zoho, history_behind_since=since),
        polls=polls,
        activity=replace(before.activity, polling=False),
    )


def apply_failure(before: Snapshot, problem: Problem, now: datetime) -> Snapshot:
    """Return the snapshot after a failed poll at `now`; the data of Zoho's last good answer stays."""
    polls = replace(
        before.polls,
        attempted_at=now,
        problem=problem,
        failures=before.polls.failures + 1,
        failing_since=before.polls.failing_since or now,
    )
    return replace(before, polls=polls, activity=replace(before.activity, polling=False))


def _is_old_answer(before: ZohoData, observation: Observation) -> bool:
    """Whether an answer is an old copy: its `Date` is no later than that of the previous answer.

    This is checked only if the request was sent at least two seconds after the previous answer came.
    """
    was, sent, date = before.observed_at, observation.requested_at, observation.server_time
    if was is None or sent is None or date is None or before.server_time is None:
        return False
    # Dates have whole seconds.
    return date <= before.server_time and sent - was >= timedelta(seconds=2)


def _check_history(
    fetched: HistoryAndLinks | None, known: History | None, zoho_now: datetime
) -> HistoryAndLinks | None:
    """Return `fetched` without history rows from the future.

    Rows of `known` that the fetched history wrongly lacks are added, and the result then has a problem.
    """
    if fetched is None or fetched.history is None:
        return fetched
    history = fetched.history.until(zoho_now + _FUTURE_TOLERANCE)
    lost = _vanished_rows(known, history, zoho_now - HISTORY_REACH) if known else []
    if not lost:
        return replace(fetched, history=history)
    problem = contract_problem("lacks rows that its history had before")
    return replace(fetched, history=build_history([*lost, *history.entries]), problem=problem)


def _vanished_rows(known: History, history: History, since: datetime) -> list[HistoryEntry]:
    """Return the rows of `known` after `since` that `history` lacks.

    A row is returned only if `history` has no newer row of the same kind. Rows that start a run are never
    returned, as a start may become an end; nor is a row without a time that has now got a time.
    """
    there = {(row.id, row.action, row.state, row.logged_at) for row in history.entries}
    there |= {(row.id, row.action, row.state, None) for row in history.entries}
    newest: dict[str | None, datetime] = {}
    for row in history.entries:
        if row.logged_at and not row.starts_run:
            newest.setdefault(None if row.outcome else row.action, row.logged_at)

    def counts(row: HistoryEntry) -> bool:
        at = known.earliest_possible_time(row)
        newer = max(filter(None, (newest.get(None), newest.get(row.action))), default=None)
        return at is None or (at > since and (newer is None or at > newer))

    gone = (row for row in known.entries if (row.id, row.action, row.state, row.logged_at) not in there)
    return [row for row in gone if not row.starts_run and counts(row)]


def _after_answer(before: ZohoData, observation: Observation, now: datetime, offset: timedelta) -> ZohoData:
    fetched = observation.history_and_links or HistoryAndLinks(None, None)
    links = fetched.links if fetched.links is not None else before.links
    history = fetched.history or before.history
    zoho_now = now.astimezone(UTC) + offset
    dates = update_due_dates(before.due_dates, before.backup, observation.backup, history, zoho_now)
    company, other_number = before.company, before.other_org_number
    if observation.company:
        known, number = company.org_number if company else None, observation.company.org_number
        if known is None or number == known:
            company, other_number = observation.company, None
        elif number is None:  # that it is the same org is not known: the number stays
            company = replace(observation.company, org_number=known)
        else:
            other_number = number
    return ZohoData(
        backup=observation.backup,
        observed_at=now,
        server_time=observation.server_time or before.server_time,
        running_since=_running_since(before, observation.backup, now),
        previous_run_failed=_previous_run_failed(before, observation.backup),
        clock_offset=offset,
        credits_remaining=observation.credits_remaining,
        company=company,
        company_requested_at=now if observation.company_requested else before.company_requested_at,
        history=history,
        history_read_at=now if fetched.history else before.history_read_at,
        due_dates=dates,
        links=links,
        last_links_expiry=(links and links.expires_at) or before.last_links_expiry,
        other_org_number=other_number,
    )


def _after_history_and_links(
    polls: PollState, fetched: HistoryAndLinks, zoho: ZohoData, was: Backup | None, now: datetime
) -> PollState:
    reads = polls.unsettled_history_reads if was == zoho.backup else 0
    failed = fetched.problem or fetched.links_problem
    is_open = fetched.history is not None and (contradicts(zoho) or _has_open_date(zoho, now))
    return replace(
        polls,
        history_tried_at=now,
        history_problem=fetched.problem,
        links_problem=fetched.links_problem,
        history_failures=polls.history_failures + 1 if failed else 0,
        unsettled_history_reads=reads + 1 if is_open else 0,
    )


def contradicts(zoho: ZohoData) -> bool:
    """Whether the history lacks the end of a run that is over according to Zoho's backup details."""
    state, history = zoho.backup and zoho.backup.state, zoho.history
    if history is None or state is BackupState.INPROGRESS:
        return False
    lacks_end = state is BackupState.COMPLETED and history.last_finished is None
    return lacks_end or history.unfinished_start is not None or any(due.began for due in zoho.due_dates)


def _has_open_date(zoho: ZohoData, now: datetime) -> bool:
    return any(due.at <= now.astimezone(UTC) + zoho.clock_offset for due in zoho.due_dates)


def _behind_since(
    before: ZohoData, zoho: ZohoData, polls: PollState, now: datetime, was_read: bool
) -> datetime | None:
    """Return since when the history has been behind Zoho's backup details; None if it is not behind.

    The history is behind if the backup details have changed since it was read, if it contradicts them, or
    if a due date has passed and the last read of the history failed.
    """
    if was_read and polls.history_problem:  # rows have vanished
        return _SINCE_UNKNOWN
    is_behind = contradicts(zoho) or (polls.history_problem is not None and _has_open_date(zoho, now))
    if not was_read and before.observed_at is not None:
        is_outdated = before.backup != zoho.backup or before.history_behind_since is not None
        is_behind = is_behind or is_outdated
    if not is_behind:
        return None
    if before.observed_at is None:
        return _SINCE_UNKNOWN
    # If the history was not read, the change may have happened right after the answer before.
    return before.history_behind_since or (now if was_read else before.observed_at)


def _running_since(before: ZohoData, backup: Backup | None, now: datetime) -> datetime | None:
    if backup is None or backup.state is not BackupState.INPROGRESS:
        return None
    was = before.backup
    same_run = (
        was is not None
        and was.state is BackupState.INPROGRESS
        and (was.id, was.scheduled_date) == (backup.id, backup.scheduled_date)
    )
    return before.running_since if same_run and before.running_since else now


def _previous_run_failed(before: ZohoData, backup: Backup | None) -> bool:
    if backup is None or backup.state is not BackupState.INPROGRESS or before.backup is None:
        return False
    failed_before = before.backup.state in (BackupState.FAILED, BackupState.PAYMENT_FAILED)
    return failed_before or (before.previous_run_failed and before.backup.state is BackupState.INPROGRESS)
