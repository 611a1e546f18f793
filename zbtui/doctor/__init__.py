"""`zbtui doctor`: from the clock to the last org's backup, a line and a cure each.

`examination` asks, `judging` makes findings of what was seen, `finding` prints them.
"""

from zbtui.doctor.examination import Doctor
from zbtui.doctor.finding import (
    Finding,
    FindingLevel,
    exit_code,
    finding_lines,
    findings_as_json,
    findings_as_text,
    findings_summary,
)

__all__ = [
    "Doctor",
    "Finding",
    "FindingLevel",
    "exit_code",
    "finding_lines",
    "findings_as_json",
    "findings_as_text",
    "findings_summary",
]
