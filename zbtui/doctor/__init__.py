"""`zbtui doctor`: from the clock to the last org's backup, a line and a cure each.

`examination` asks, `judging` makes findings of what was seen, `finding` prints them.
"""

from zbtui.doctor.examination import Doctor
from zbtui.doctor.finding import Finding, Level, as_json, as_text, exit_code, lines_of, summary

__all__ = ["Doctor", "Finding", "Level", "as_json", "as_text", "exit_code", "lines_of", "summary"]
