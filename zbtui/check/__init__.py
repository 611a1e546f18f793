"""The watch without a screen, for terminals, monitoring systems and other programs.

`report` polls and judges; `text_format`, `json_format` and `openmetrics_format` print the report.
`change_stream` keeps watching and prints changes; `event_format` prints the journal's events.
"""

from zbtui.check.formats import formatter_for
from zbtui.check.report import EXIT_STATUS_BY_LEVEL, OrgResult, Report, check_orgs, report_on

__all__ = ["EXIT_STATUS_BY_LEVEL", "OrgResult", "Report", "check_orgs", "formatter_for", "report_on"]
