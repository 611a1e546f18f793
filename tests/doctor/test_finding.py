"""The doctor's findings as text, as JSON, and as an exit status."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zbtui.doctor import (
    Finding,
    FindingLevel,
    exit_code,
    finding_lines,
    findings_as_json,
    findings_as_text,
    findings_summary,
)
from zbtui.doctor.finding import not_checked_finding, problem_finding
from zbtui.model.problem import Problem, ProblemKind

CLOCK = Finding("clock", None, FindingLevel.OK, "It agrees with Zoho's.")
TOKEN = Finding("token", "nordlys", FindingLevel.PROBLEM, "It is dead.", "Sign in again.", "invalid_code")
SCOPE = not_checked_finding("scope", "nordlys", "no token")
LATE = Finding("token", "kestrel", FindingLevel.WARNING, "Many were asked for.", "Wait.", "TOKEN_BUDGET")
BACKUP = Finding("backup", "kestrel", FindingLevel.PROBLEM, "FAILED.", "See why.", "FAILED")
WORST_LATE = "the worst is kestrel's token: Many were asked for."
WORST_TOKEN = "the worst is nordlys's token: It is dead."

FINDINGS = st.lists(
    st.builds(
        Finding,
        st.sampled_from(["clock", "token", "data center"]),
        st.sampled_from([None, "nordlys", "kestrel"]),
        st.sampled_from(FindingLevel),
        st.just("It is as it is."),
        st.sampled_from([None, "Mend it."]),
        st.sampled_from([None, "CODE"]),
    )
)


def test_the_text_has_a_summary_a_line_each_and_the_cure_below() -> None:
    assert findings_as_text([CLOCK, TOKEN, SCOPE, LATE]).splitlines() == [
        "1 problem, 1 warning; the worst is nordlys's token: It is dead.",
        "✔ clock        It agrees with Zoho's.",
        "",
        "nordlys",
        "  ✖ token        It is dead.",
        "                 → Sign in again.",
        "  · scope        not checked: no token",
        "",
        "kestrel",
        "  ▲ token        Many were asked for.",
        "                 → Wait.",
    ]


@given(FINDINGS)
def test_lines_printed_one_by_one_are_those_of_the_whole_text(findings: list[Finding]) -> None:
    lines = []
    before = None
    for finding in findings:
        lines += finding_lines(finding, before)
        before = finding
    assert "\n".join([findings_summary(findings), *lines]) == findings_as_text(findings)


@pytest.mark.parametrize(
    ("findings", "summary", "status"),
    [
        ([], "all is well", 0),
        ([CLOCK], "all is well", 0),
        ([CLOCK, SCOPE], "all is well", 0),
        ([CLOCK, SCOPE, LATE], f"1 warning; {WORST_LATE}", 1),
        ([LATE, LATE], f"2 warnings; {WORST_LATE}", 1),
        ([TOKEN, CLOCK], f"1 problem; {WORST_TOKEN}", 2),
        ([LATE, TOKEN, TOKEN], f"2 problems, 1 warning; {WORST_TOKEN}", 2),
        ([TOKEN, BACKUP, LATE], "2 problems, 1 warning; the worst is kestrel's backup: FAILED.", 2),
    ],
)
def test_the_worst_finding_decides_how_it_exits(findings: list[Finding], summary: str, status: int) -> None:
    assert (findings_summary(findings), exit_code(findings)) == (summary, status)


def test_the_json_is_the_documented_one() -> None:
    assert json.loads(findings_as_json([CLOCK, TOKEN])) == {
        "schema": 1,
        "level": "problem",
        "findings": [
            {
                "subject": "clock",
                "org": None,
                "level": "ok",
                "message": "It agrees with Zoho's.",
                "hint": None,
                "code": None,
            },
            {
                "subject": "token",
                "org": "nordlys",
                "level": "problem",
                "message": "It is dead.",
                "hint": "Sign in again.",
                "code": "invalid_code",
            },
        ],
    }


@given(FINDINGS)
def test_every_key_is_always_there(findings: list[Finding]) -> None:
    output = json.loads(findings_as_json(findings))
    assert list(output) == ["schema", "level", "findings"]
    assert output["level"] in ("ok", "remark", "warning", "problem")
    for finding in output["findings"]:
        assert list(finding) == ["subject", "org", "level", "message", "hint", "code"]


@pytest.mark.parametrize("kind", sorted({*get_args(ProblemKind)} - {"throttled"}))
def test_a_problem_becomes_a_finding_of_that_level(kind: ProblemKind) -> None:
    assert (
        problem_finding("token", "nordlys", Problem(kind, "It broke.", "Mend it.")).level
        is FindingLevel.PROBLEM
    )


def test_a_problem_that_goes_by_without_help_is_a_warning() -> None:
    assert (
        problem_finding("token", "nordlys", Problem("throttled", "Wait.", "Wait.")).level
        is FindingLevel.WARNING
    )


def test_what_came_from_outside_controls_no_terminal() -> None:
    nasty = Problem("config", "/home/\x1b]52;c;eA==\x07a\nb: broken.", "Mend\u202e it.")
    found = problem_finding("config", None, nasty)
    assert (found.message, found.hint) == ("/home/]52;c;eA==a b: broken.", "Mend it.")
