"""The same watch without a screen: for people at a terminal, for monitoring systems, for other programs.

`report` looks and judges; `text`, `json_text` and `openmetrics` print what it found; `watching` goes on
and prints what changes; `events` prints what the journal keeps of changes.
"""

from zbtui.check.formats import formatter_for
from zbtui.check.report import EXIT_STATUS_BY_LEVEL, OrgResult, Report, check_orgs, report_on

__all__ = ["EXIT_STATUS_BY_LEVEL", "OrgResult", "Report", "check_orgs", "formatter_for", "report_on"]
