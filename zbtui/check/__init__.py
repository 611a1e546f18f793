"""The same watch without a screen: for people at a terminal, for monitoring systems, for other programs.

`report` looks and judges; `text`, `json_text` and `openmetrics` print what it found; `watching` goes on
and prints what changes; `events` prints what the journal keeps of changes.
"""

from zbtui.check.forms import writer_of
from zbtui.check.report import EXIT_CODES, Finding, Report, check, judge_all

__all__ = ["EXIT_CODES", "Finding", "Report", "check", "judge_all", "writer_of"]
