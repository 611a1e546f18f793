"""The doctor's findings on paper: text, JSON, and the exit status."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zbtui.core.trouble import Kind, Trouble
from zbtui.doctor import Finding, Level, as_json, as_text, exit_code, lines_of, summary
from zbtui.doctor.finding import not_checked, of_trouble

CLOCK = Finding("clock", None, Level.OK, "It agrees with Zoho's.")
TOKEN = Finding("token", "nordlys", Level.PROBLEM, "It is dead.", "Sign in again.", "invalid_code")
SCOPE = not_checked("scope", "nordlys", "no token")
LATE = Finding("token", "kestrel", Level.WARNING, "Many were asked for.", "Wait.", "TOKEN_BUDGET")

FINDINGS = st.lists(
    st.builds(
        Finding,
        st.sampled_from(["clock", "token", "data center"]),
        st.sampled_from([None, "nordlys", "kestrel"]),
        st.sampled_from(Level),
        st.just("It is as it is."),
        st.sampled_from([None, "Mend it."]),
        st.sampled_from([None, "CODE"]),
    )
)


def test_the_text_has_a_summary_a_line_each_and_the_cure_below() -> None:
    assert as_text([CLOCK, TOKEN, SCOPE, LATE]).splitlines() == [
        "1 problem, 1 warning",
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
def test_printed_as_they_come_the_lines_are_those_of_the_whole(findings: list[Finding]) -> None:
    lines = []
    before = None
    for finding in findings:
        lines += lines_of(finding, before)
        before = finding
    assert "\n".join([summary(findings), *lines]) == as_text(findings)


@pytest.mark.parametrize(
    ("findings", "told", "status"),
    [
        ([], "all is well", 0),
        ([CLOCK], "all is well", 0),
        ([CLOCK, SCOPE], "all is well", 0),
        ([CLOCK, SCOPE, LATE], "1 warning", 1),
        ([LATE, LATE], "2 warnings", 1),
        ([TOKEN, CLOCK], "1 problem", 2),
        ([LATE, TOKEN, TOKEN], "2 problems, 1 warning", 2),
    ],
)
def test_the_worst_finding_decides_how_it_exits(findings: list[Finding], told: str, status: int) -> None:
    assert (summary(findings), exit_code(findings)) == (told, status)


def test_the_json_is_the_documented_one() -> None:
    assert json.loads(as_json([CLOCK, TOKEN])) == {
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
    told = json.loads(as_json(findings))
    assert list(told) == ["schema", "level", "findings"]
    assert told["level"] in ("ok", "remark", "warning", "problem")
    for finding in told["findings"]:
        assert list(finding) == ["subject", "org", "level", "message", "hint", "code"]


@pytest.mark.parametrize("kind", sorted({*get_args(Kind)} - {"throttled"}))
def test_a_trouble_is_a_problem(kind: Kind) -> None:
    assert of_trouble("token", "nordlys", Trouble(kind, "It broke.", "Mend it.")).level is Level.PROBLEM


def test_a_trouble_that_goes_by_without_help_is_a_warning() -> None:
    assert of_trouble("token", "nordlys", Trouble("throttled", "Wait.", "Wait.")).level is Level.WARNING


def test_what_came_from_outside_controls_no_terminal() -> None:
    nasty = Trouble("config", "/home/\x1b]52;c;eA==\x07a\nb: broken.", "Mend\u202e it.")
    found = of_trouble("config", None, nasty)
    assert (found.message, found.hint) == ("/home/]52;c;eA==a b: broken.", "Mend it.")
