"""Judging, without I/O: snapshots, verdicts, poll schedule, events, and which alerts are due."""
