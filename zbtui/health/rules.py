"""The rules of judging: pure functions, each of which returns a verdict, or None if it does not apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from zbtui.health.snapshot import Snapshot
from zbtui.model.org import WatchPolicy
from zbtui.model.time_format import MONTHS, ago, countdown, month_bounds, rough_span, rough_time_left
from zbtui.model.verdict import Level, Verdict, VerdictName
from zbtui.zoho_api.backup import Backup, BackupState
from zbtui.zoho_api.errors import BACKUP_MENU
from zbtui.zoho_api.history import HistoryEntry, RunOutcome
from zbtui.zoho_api.recurrence import later_runs, parse_rrule
from zbtui.zoho_api.runs import MAX_RUN_DURATION

LINKS_EXPIRY_WARNING: Final = timedelta(hours=48)
"""Download links that expire within this are worth a warning."""
_MONTH: Final = timedelta(days=31)
_MIN_GRACE, _MAX_GRACE = timedelta(days=1), timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Case:
    """The input of every rule: an org with a recent observation."""

    snapshot: Snapshot
    policy: WatchPolicy
    """With the org's own settings applied."""
    now: datetime

    @property
    def backup(self) -> Backup | None:
        return self.snapshot.zoho.backup

    @property
    def state(self) -> BackupState | None:
        return self.backup.state if self.backup else None

    @property
    def status_badge(self) -> str:
        """Zoho's status word, for the badge."""
        if self.backup is None:
            return "NO BACKUP"
        return self.backup.status or "NO STATUS"

    @property
    def time_to_next_run(self) -> timedelta | None:
        """Time until the next run; negative once it is due."""
        return self.snapshot.time_to_next_run(self.now)

    @property
    def zoho_now(self) -> datetime:
        return self.snapshot.zoho_now(self.now)


Rule = Callable[[Case], Verdict | None]


def failed(case: Case) -> Verdict | None:
    """The details say FAILED or PAYMENT_FAILED, or the last finished run in the history failed.

    An org whose last run failed stays `failed` while a new run is in progress.
    """
    state, snapshot = case.state, case.snapshot
    in_details = state in (BackupState.FAILED, BackupState.PAYMENT_FAILED)
    last = snapshot.zoho.history.last_finished if snapshot.zoho.history else None
    in_history = last is not None and last.outcome is RunOutcome.FAILED
    if _completed_run_start(case):
        in_history = False
    before_this_run = state is BackupState.INPROGRESS and snapshot.zoho.previous_run_failed
    if not (in_details or in_history or before_this_run):
        return None
    unpaid = state is BackupState.PAYMENT_FAILED
    headline = "the backup was not paid for" if unpaid else "the last backup failed"
    if in_history and not unpaid and last and last.logged_at:
        headline += f" {ago(case.zoho_now - last.logged_at)}"
    hint = f"Order one by hand in Zoho: {BACKUP_MENU}."
    if unpaid:
        hint = "Settle the payment in Zoho: Setup > Subscriptions."
    elif state is BackupState.INPROGRESS:
        hint = "Wait for its end: until one completes, there is no newer backup."
    # If only the history shows the failure, Zoho's status word would look healthy.
    word = case.status_badge if in_details or state is BackupState.INPROGRESS else "FAILED"
    return Verdict("failed", Level.CRITICAL, word, headline + _next_step_text(case), hint)


def _completed_run_start(case: Case) -> HistoryEntry | None:
    """The start of a run that has completed by the details, but has no end in the history yet."""
    history = case.snapshot.zoho.history
    return history.unfinished_start if history and case.state is BackupState.COMPLETED else None


def _next_step_text(case: Case) -> str:
    ahead = case.time_to_next_run
    if case.state is BackupState.INPROGRESS:
        return "; another is running"
    if case.state is BackupState.STOPPED:
        return "; the schedule is stopped"
    if case.backup is None:
        return "; none is set up"
    return f"; next try in {countdown(ahead)}" if ahead is not None and ahead > timedelta() else ""


def stopped(case: Case) -> Verdict | None:
    """The details say STOPPED."""
    if case.state is not BackupState.STOPPED:
        return None
    history = case.snapshot.zoho.history
    row = history.newest_with_action("stopped") if history else None
    who = f" by {row.done_by.name}" if row and row.done_by and row.done_by.name else ""
    # An age, as a date differs between time zones.
    when = f" {ago(case.zoho_now - row.logged_at)}" if row and row.logged_at else ""
    headline, hint = f"stopped{who}{when}; no backup will run", f"Schedule it anew in Zoho: {BACKUP_MENU}."
    return Verdict("stopped", Level.CRITICAL, case.status_badge, headline, hint)


def overdue(case: Case) -> Verdict | None:
    """The next run is due for longer than `overdue_after`, and none is in progress."""
    ahead = case.time_to_next_run
    if ahead is None or case.state in (BackupState.INPROGRESS, BackupState.FINISHED):
        return None
    if -ahead <= case.policy.overdue_after:
        return None
    headline = f"the run did not start; overdue {countdown(ahead)}"
    hint = f"Zoho still says {case.status_badge}: see {BACKUP_MENU} there."
    return Verdict("overdue", Level.CRITICAL, "OVERDUE", headline, hint)


def too_old(case: Case) -> Verdict | None:
    """The last completed backup is older than `max_backup_age`.

    If none ever completed, the age counts from the first due date, or from when the plan was made.
    """
    limit, since = max_backup_age(case), backup_awaited_since(case)
    if limit is None or since is None or case.zoho_now - since <= limit:
        return None
    history = case.snapshot.zoho.history
    headline = f"the last good backup is {rough_span(case.zoho_now - since)} old"
    if not ((history and history.last_completed) or _completed_run_start(case)):
        headline = f"no backup has completed; the plan is {rough_span(case.zoho_now - since)} old"
    if case.state is BackupState.INPROGRESS:
        headline = f"{headline.partition('; ')[0]}; one is running"
    hint = f"Order one by hand in Zoho: {BACKUP_MENU}."
    return Verdict("too_old", Level.CRITICAL, "TOO OLD", headline, hint)


def backup_awaited_since(case: Case) -> datetime | None:
    """The time from which the age counts: the last good backup, or the plan if none ever completed."""
    history, newer = case.snapshot.zoho.history, _completed_run_start(case)
    if history is None:
        return None
    if newer:
        return newer.logged_at
    if history.last_completed:
        return history.latest_possible_time(history.last_completed)
    return _planned_since(case)


def max_backup_age(case: Case) -> timedelta | None:
    """How old the last good backup may be: 8 days for a weekly plan, 16 for two weeks, 33 for a month.

    A plan that cannot be parsed counts as monthly, at least. None: there is no plan.
    """
    if case.policy.max_age is not None:
        return case.policy.max_age
    if case.backup is None or case.backup.rrule is None:
        return None
    rule = parse_rrule(case.backup.rrule)
    gap = rule.longest_gap if rule else None
    if gap is None:
        gap = max(rule.documented_gap or _MONTH, _MONTH) if rule else _MONTH
    return gap + min(max(_MIN_GRACE, gap / 7), _MAX_GRACE)


def _planned_since(case: Case) -> datetime | None:
    history = case.snapshot.zoho.history
    row = history.newest_with_action("scheduled") if history else None
    known = (case.backup.first_run if case.backup else None, row.logged_at if row else None)
    return max((moment for moment in known if moment), default=None)


def never_completed(case: Case) -> Verdict | None:
    """No backup ever completed, and no date says since when one is due: the org cannot be `ok`."""
    history, backup = case.snapshot.zoho.history, case.backup
    if history is None or backup is None or not backup.rrule:
        return None
    if case.state in (BackupState.INPROGRESS, BackupState.COMPLETED):
        return None
    if history.last_completed or _completed_run_start(case) or _planned_since(case):
        return None
    headline = "no backup has completed; since when one is due is not told"
    hint = f"See what Zoho says: {BACKUP_MENU}."
    return Verdict("cannot_look", Level.UNKNOWN, "NO HISTORY", headline, hint)


def running_long(case: Case) -> Verdict | None:
    """A run is in progress for longer than `long_run_after`."""
    if case.state is not BackupState.INPROGRESS:
        return None
    lasted = running_duration(case)
    if lasted <= case.policy.long_run_after:
        return None
    headline = f"running for {rough_span(lasted)}; longer than usual"
    hint = "If it stays, ask Zoho's support: large orgs take many hours."
    return Verdict("running_long", Level.WARNING, case.status_badge, headline, hint)


def running_duration(case: Case) -> timedelta:
    """Time since the run's start in the history, or since it was first seen, whichever is longer."""
    seen = max(case.now - (case.snapshot.zoho.running_since or case.now), timedelta())
    start = case.snapshot.zoho.history.unfinished_start if case.snapshot.zoho.history else None
    logged = case.zoho_now - start.logged_at if start and start.logged_at else timedelta()
    # A start that is older still belongs to a run whose end was never logged.
    return logged if seen < logged <= seen + MAX_RUN_DURATION else seen


def none_set_up(case: Case) -> Verdict | None:
    """Zoho has no backup for this org (204, or an equivalent answer)."""
    if case.backup is not None:
        return None
    hint = f"Set one up in Zoho: {BACKUP_MENU}."
    return Verdict("none", Level.WARNING, "NO BACKUP", "no backup is set up", hint)


def unknown_status(case: Case) -> Verdict | None:
    """A status word that Zoho does not document; shown unchanged."""
    if case.state is not BackupState.UNKNOWN:
        return None
    headline = "a status that zbtui does not know"
    hint = f"See what Zoho says: {BACKUP_MENU}; look for a newer zbtui."
    return Verdict("unknown_status", Level.WARNING, case.status_badge, headline, hint)


def one_off(case: Case) -> Verdict | None:
    """No recurrence rule or no next run, and no run in progress: nothing will run by itself."""
    backup, ahead = case.backup, case.time_to_next_run
    if backup is None or case.state in (BackupState.INPROGRESS, BackupState.UNKNOWN):
        return None
    if case.state is BackupState.FINISHED:
        headline = "the schedule has run out; nothing will run"
    elif backup.rrule is None and ahead is not None:
        headline = f"nothing repeats; {_next_run_text(ahead)}"
    elif backup.rrule is None:
        headline = _single_backup_headline(case)
    elif ahead is None:
        headline = "Zoho names no next run"
    else:
        return None
    hint = f"Schedule a recurring one: {BACKUP_MENU} in Zoho."
    return Verdict("one_off", Level.WARNING, case.status_badge, headline, hint)


def _single_backup_headline(case: Case) -> str:
    """The details describe the latest job only: a plan may exist behind one ordered by hand."""
    rows = case.snapshot.zoho.history.entries if case.snapshot.zoho.history else ()
    plans = (row for row in rows if row.action in ("scheduled", "stopped"))
    newest = next((row for row in plans if row.repeat_type != "immediate"), None)
    if newest is None or newest.action == "stopped" or newest.logged_at is None:
        return "nothing will run by itself; it was a single backup"
    return f"a single backup; a plan made {ago(case.zoho_now - newest.logged_at)} may stand behind it"


def links_expiring(case: Case) -> Verdict | None:
    """The download links expire within 48 hours."""
    links = case.snapshot.zoho.links
    if links is None or links.expires_at is None:
        return None
    left = links.expires_at - case.zoho_now
    if not timedelta() < left <= LINKS_EXPIRY_WARNING:
        return None
    headline = f"the download links expire {rough_time_left(left)}"
    hint = f"Download the files in time: {BACKUP_MENU} in Zoho."
    return Verdict("links_expiring", Level.WARNING, case.status_badge, headline, hint)


def quota_risk(case: Case) -> Verdict | None:
    """In the calendar month of the next run the plan needs more runs than the edition includes.

    Counts the runs of that month, at the org's UTC offset: those done, and those the rule will bring.
    Extra backups bought in that month count as included. None if the edition is unknown.
    """
    snapshot, backup = case.snapshot, case.backup
    included = snapshot.zoho.company.included_backups if snapshot.zoho.company else None
    if included is None or backup is None or not backup.rrule or not backup.next_run:
        return None
    ahead = case.time_to_next_run
    if ahead is None or ahead <= timedelta():
        return None
    next_run = backup.next_run
    begin, end = month_bounds(next_run)
    to_come = 1 + len(later_runs(backup.rrule, next_run, end - timedelta(microseconds=1)))
    history = snapshot.zoho.history
    done = history.count_runs(begin, end) if history else 0
    bought = history.count_bought(begin, end) if history else 0
    needed = done + to_come
    if needed <= included + bought:
        return None
    runs = "1 run" if needed == 1 else f"{needed} runs"
    headline = f"{MONTHS[begin.month - 1]} needs {runs}; {included + bought} are included"
    hint = "Buy more, or plan fewer: Zoho does not run what is not included."
    return Verdict("quota_risk", Level.WARNING, case.status_badge, headline, hint)


RULES: Final[tuple[Rule, ...]] = (
    # Critical: no good backup can be counted on. A cause comes before its consequences.
    # 1. A failure comes first: it soon makes the org too old as well, and its headline
    #    already says when the schedule is stopped, too.
    failed,
    # 2. A stopped schedule has no next run, so it can never be overdue, but it becomes too old.
    stopped,
    # 3. A missed run shows within hours; the age that it leads to shows days later.
    overdue,
    # 4. The age is the last critical rule: it names a consequence, and the rules above know no cause.
    too_old,
    # The details alone say what is unusual. From here on nothing is critical.
    # 5. A long run comes after the age, whose headline mentions a run in progress.
    running_long,
    # 6. No backup at all: most rules below need one.
    none_set_up,
    # 7. An unknown status leaves open whether anything will run, so `one_off` does not judge it.
    unknown_status,
    # 8. Nothing will run. What passes this rule has a next run or one in progress, which
    #    `healthy_verdict` relies on.
    one_off,
    # 9. No backup ever completed. 7 and 8 come first, as they name a reason.
    never_completed,
    # A good backup exists or is under way, but something threatens to be lost.
    # 10. The files of the last backup, within 48 hours.
    links_expiring,
    # 11. A future run: the least urgent, so it comes last.
    quota_risk,
)
"""In order of precedence: the first rule that gives a verdict wins."""


def healthy_verdict(case: Case) -> Verdict:
    """The verdict when no rule applies: a run is ahead, or in progress."""
    if case.state is BackupState.INPROGRESS:
        lasted = rough_span(running_duration(case))
        since = "" if lasted == "now" else f", seen running for {lasted}"
        return Verdict("running", Level.OK, case.status_badge, f"a backup is running{since}")
    ahead = case.time_to_next_run
    assert ahead is not None  # otherwise `one_off` applies
    name: VerdictName = "completed" if case.state is BackupState.COMPLETED else "scheduled"
    return Verdict(name, Level.OK, case.status_badge, _next_run_text(ahead))


def _next_run_text(ahead: timedelta) -> str:
    if ahead > timedelta():
        return f"next backup in {countdown(ahead)}"
    return f"due {countdown(ahead)} ago, not seen running yet"
