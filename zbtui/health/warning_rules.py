"""The rules that give a warning: nothing is critical, but something needs attention."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from zbtui.health.case import Case, backup_awaited_since, running_duration
from zbtui.model.time_format import ago, countdown, rough_span, rough_time_left
from zbtui.model.verdict import Level, Verdict
from zbtui.zoho_api.backup_details import BackupState
from zbtui.zoho_api.errors import BACKUP_MENU
from zbtui.zoho_api.history import RunOutcome

LINKS_EXPIRY_WARNING: Final = timedelta(hours=48)
"""The time before the expiry of download links from which the links get a warning."""
_SEE_ZOHO: Final = f"See what Zoho says: {BACKUP_MENU}; look for a newer zbtui."


def ended_oddly(case: Case) -> Verdict | None:
    """Return a warning if the last run ended with a word that Zoho does not document.

    The headline shows the word unchanged.
    """
    last = case.history.last_finished if case.history else None
    if last is None or last.outcome is not RunOutcome.UNKNOWN or case.completed_run_start:
        return None
    word = last.state or ""
    when = f" {ago(case.zoho_now - last.logged_at)}" if last.logged_at else ""
    return Verdict(
        "ended_oddly", Level.WARNING, word.upper(), f"the last run ended with “{word}”{when}", _SEE_ZOHO
    )


def running_long(case: Case) -> Verdict | None:
    """Return a warning if a run has been in progress for longer than `long_run_after`."""
    if case.state is not BackupState.INPROGRESS:
        return None
    lasted = running_duration(case)
    if lasted <= case.policy.long_run_after:
        return None
    return Verdict(
        "running_long",
        Level.WARNING,
        case.status_badge,
        f"running for {rough_span(lasted)}; longer than usual",
        "If it stays, ask Zoho's support: large orgs take many hours.",
    )


def twin(case: Case) -> Verdict | None:
    """Return a warning if another watched org has the same org number."""
    other = case.snapshot.twin
    if other is None:
        return None
    return Verdict(
        "twin",
        Level.WARNING,
        "TWIN",
        f"the same org as {other}; one of them may be meant for another",
        "Sign in again to the org that is meant, or remove one of the two.",
    )


def none_set_up(case: Case) -> Verdict | None:
    """Return a warning if Zoho has no backup for this org (HTTP 204, or an equivalent answer)."""
    if case.backup is not None:
        return None
    return Verdict(
        "none", Level.WARNING, "NO BACKUP", "no backup is set up", f"Set one up in Zoho: {BACKUP_MENU}."
    )


def unknown_status(case: Case) -> Verdict | None:
    """Return a warning if Zoho does not document the status word, which the badge shows unchanged."""
    if case.state is not BackupState.UNKNOWN:
        return None
    return Verdict(
        "unknown_status",
        Level.WARNING,
        case.status_badge,
        "a status that zbtui does not know",
        _SEE_ZOHO,
    )


def one_off(case: Case) -> Verdict | None:
    """Return a warning if no run is in progress and none will begin by itself.

    There is then no recurrence rule or no next run. No warning is given while the last backup is within a
    configured `max_age`: another scheduler may order the backups.
    """
    backup, ahead = case.backup, case.time_to_next_run
    if backup is None or case.state in (BackupState.INPROGRESS, BackupState.UNKNOWN):
        return None
    if case.policy.max_age is not None and case.history and case.history.last_completed:
        since = backup_awaited_since(case)
        if since and case.zoho_now - since <= case.policy.max_age:
            return None
    if case.state is BackupState.FINISHED:
        headline = "the schedule has run out; nothing will run"
    elif backup.rrule is None and ahead is not None:
        headline = f"nothing repeats; {next_run_text(ahead)}"
    elif backup.rrule is None:
        headline = _single_backup_headline(case)
    elif ahead is None:
        headline = "Zoho names no next run"
    else:
        return None
    return Verdict(
        "one_off",
        Level.WARNING,
        case.status_badge,
        headline,
        f"Schedule a recurring one: {BACKUP_MENU} in Zoho.",
    )


def _single_backup_headline(case: Case) -> str:
    """Return the headline for a single backup.

    Zoho's backup details show only this latest job, which may hide a plan.
    """
    rows = case.history.entries if case.history else ()
    newest = next((row for row in rows if row.changes_plan), None)
    if newest is None or newest.action == "stopped" or newest.logged_at is None:
        return "nothing will run by itself; it was a single backup"
    return f"a single backup; a plan made {ago(case.zoho_now - newest.logged_at)} may stand behind it"


def links_expiring(case: Case) -> Verdict | None:
    """Return a warning if the download links expire within 48 hours, before a newer backup comes.

    With the org's setting `links_warn = "expired"`, links that have already expired get a warning, too.
    """
    links, wanted = case.snapshot.zoho.links, case.snapshot.org.links_warn
    if wanted == "expired" and case.snapshot.links_expired_at(case.now):
        return _links_verdict(case, "the download links have expired", "No copy can be fetched any more")
    if wanted == "never" or links is None or links.expires_at is None:
        return None
    left, ahead = links.expires_at - case.zoho_now, case.time_to_next_run
    comes_in_time = case.state is BackupState.INPROGRESS or (
        ahead is not None and -case.policy.overdue_after <= ahead < left
    )
    renewed = comes_in_time and case.backup is not None and case.backup.rrule
    if renewed or not timedelta() < left <= LINKS_EXPIRY_WARNING:
        return None
    return _links_verdict(
        case, f"the download links expire {rough_time_left(left)}", "Download the files in time"
    )


def _links_verdict(case: Case, headline: str, hint: str) -> Verdict:
    return Verdict(
        "links_expiring", Level.WARNING, case.status_badge, headline, f"{hint}: {BACKUP_MENU} in Zoho."
    )


def next_run_text(ahead: timedelta) -> str:
    if ahead > timedelta():
        return f"next backup in {countdown(ahead)}"
    return f"due {countdown(ahead)} ago, not seen running yet"
