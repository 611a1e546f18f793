"""`zbtui doctor`: checks this machine and each org, with a cure each.

`examination` collects the facts, `diagnosis` turns them into findings, `finding` prints them.
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
