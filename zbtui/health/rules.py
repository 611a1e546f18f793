"""The rules in their order, and the verdict on an org to which no rule applies."""

from __future__ import annotations

from typing import Final

from zbtui.health.case import Case, Rule, running_duration
from zbtui.health.critical_rules import (
    failed,
    missed,
    never_completed,
    no_date,
    no_history,
    overdue,
    stopped,
    too_old,
    wrong_org,
)
from zbtui.health.notes import notes
from zbtui.health.warning_rules import (
    ended_oddly,
    links_expiring,
    next_run_text,
    none_set_up,
    one_off,
    running_long,
    twin,
    unknown_status,
)
from zbtui.model.time_format import rough_span
from zbtui.model.verdict import Level, Verdict, VerdictName
from zbtui.zoho_api.backup_details import BackupState

RULES: Final[tuple[Rule, ...]] = (
    # Critical: no good backup can be counted on. A cause comes before its consequences.
    # 1. The wrong org, as all other rules would judge an org that nobody meant.
    wrong_org,
    # 2. A failure, before the rules on the next run: it soon makes the backup too old as well, and its
    #    headline also says if the schedule is stopped.
    failed,
    # 3. A stopped schedule: it has no next run, so it is never overdue, but its backup becomes too old.
    stopped,
    # 4. A run that never began: first a run that Zoho no longer announces, then the announced one. Both
    #    show within hours; that the backup is too old as a consequence shows days later.
    missed,
    overdue,
    # 5. Unknown. The rules above need only the backup details, or rows that were read; those below need the
    #    whole history: without it, an age is no evidence, and a planned run proves no backup.
    no_history,
    # 6. The age is the last critical rule: it is a consequence, and no rule above found a cause.
    too_old,
    # 7. Unknown: an unreadable date of the next run shows neither that a run will come nor that none will.
    no_date,
    # From here on nothing is critical: a good backup exists, or nobody ordered one.
    # 8. The last run ended with an unknown word. Before the run in progress, which may put it right.
    ended_oddly,
    # 9. A long run, after the age (6), whose headline mentions a run in progress.
    running_long,
    # 10. Two names for one org.
    twin,
    # 11. No backup at all: most rules below need a backup.
    none_set_up,
    # 12. An unknown status: it leaves open whether anything will run, so `one_off` does not apply.
    unknown_status,
    # 13. Nothing will run.
    one_off,
    # 14. Unknown: no backup ever completed. After 12 and 13, which name a reason.
    never_completed,
    # 15. A good backup exists, but its files may be lost.
    links_expiring,
)
"""All rules in order of precedence: the first rule that gives a verdict wins."""


def healthy_verdict(case: Case) -> Verdict:
    """Return the verdict if no rule applies: a run is planned or in progress, or `max_age` is kept."""
    if case.state is BackupState.INPROGRESS:
        lasted = rough_span(running_duration(case))
        since = "" if lasted == "now" else f", seen running for {lasted}"
        return Verdict("running", Level.OK, case.status_badge, f"a backup is running{since}")
    ahead, last = case.time_to_next_run, case.snapshot.last_completed
    name: VerdictName = "completed" if ahead is None or case.state is BackupState.COMPLETED else "scheduled"
    if ahead is not None:
        headline = next_run_text(ahead)
    else:
        assert last is not None  # otherwise `one_off` applies
        headline = f"the last good backup is {rough_span(case.zoho_now - last)} old; Zoho plans none"
    return Verdict(name, Level.OK, case.status_badge, headline, notes=notes(case))
