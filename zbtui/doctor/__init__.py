"""`zbtui doctor`: examines this machine and each org, and names a cure for each problem.

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
