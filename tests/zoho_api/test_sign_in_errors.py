"""Problems of signing in: each error has its own message and hint, depending on the step."""

from __future__ import annotations

from datetime import timedelta
from textwrap import wrap
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import NOW, reproducible
from zbtui.model.problem import TOKEN_BUDGET_EXHAUSTED, Problem, ProblemKind
from zbtui.model.text import clean
from zbtui.zoho_api.errors import BACKUP_SCOPE, SIGN_IN_SCOPES
from zbtui.zoho_api.sign_in_errors import (
    MALFORMED_CODE_PROBLEM,
    NO_REFRESH_TOKEN_PROBLEM,
    USED_CODE_PROBLEM,
    TokenStep,
    missing_scope_problem,
    token_budget_problem,
    token_problem,
)

TOKEN_ERRORS: list[tuple[str, ProblemKind, bool]] = [
    ("invalid_client", "auth", True),
    ("invalid_client_secret", "auth", True),
    ("invalid_code", "auth", True),
    ("invalid_redirect_uri", "auth", True),
    ("redirect_uri_mismatch", "auth", True),
    ("invalid_scope", "auth", True),
    ("missing_org_info", "auth", True),
    ("access_denied", "auth", True),
    ("expired", "auth", True),
    ("expired_token", "auth", True),
    ("Access Denied", "throttled", False),
    ("general_error", "server", False),
]
"""Errors of Zoho's accounts pages on tokens: the error, its kind, and whether the problem is final."""

STEPS: tuple[TokenStep, ...] = get_args(TokenStep)
FIRST_TOKENS: tuple[TokenStep, ...] = ("code", "device", "browser")
"""The token steps of a sign-in; the other steps are those of a running watch."""


def full_text(problem: Problem) -> str:
    return f"{problem.message} {problem.hint}"


# Errors of the accounts host


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("status", [200, 400, None])
@pytest.mark.parametrize(("error", "kind", "final"), TOKEN_ERRORS)
def test_every_error_of_the_accounts_host_is_known_whatever_its_status_and_step(
    error: str, kind: ProblemKind, final: bool, status: int | None, step: TokenStep
) -> None:
    problem = token_problem(error, status, "eu", step)
    assert (problem.kind, problem.final) == (kind, final)
    assert (problem.code, problem.http_status) == (error, status)
    assert problem.retry_at is None
    assert error not in full_text(problem)
    assert problem.message.endswith(".")
    assert problem.hint


def test_unless_set_otherwise_a_running_watch_asked() -> None:
    assert token_problem("invalid_code", 200, "eu") == token_problem("invalid_code", 200, "eu", "refresh")
    assert "refresh token is dead" in token_problem("invalid_code", 200, "eu").message


@pytest.mark.parametrize("step", FIRST_TOKENS)
def test_a_code_that_came_too_late_is_not_shown_as_a_dead_refresh_token(step: TokenStep) -> None:
    problem = token_problem("invalid_code", 200, "eu", step)
    assert "refresh token" not in full_text(problem)
    assert "used already" in problem.message


@pytest.mark.parametrize(
    ("step", "client"),
    [
        ("code", "Self Client"),
        ("client-credentials", "Self Client"),
        ("device", "Non-browser Application"),
        ("browser", "server-based application"),
    ],
)
def test_a_client_that_is_not_known_is_shown_with_the_type_that_the_step_needs(
    step: TokenStep, client: str
) -> None:
    assert client in full_text(token_problem("invalid_client", 200, "eu", step))


@pytest.mark.parametrize(
    ("error", "step"),
    [
        *((error, "refresh") for error in ("invalid_client", "invalid_client_secret", "invalid_code")),
        *(("invalid_client", step) for step in STEPS),
        *(("invalid_client_secret", step) for step in STEPS),
        ("invalid_code", "code"),
    ],
)
@pytest.mark.parametrize(("data_center", "named"), [("eu", "EU"), ("custom", "custom")])
def test_a_client_token_or_code_of_another_data_center_is_shown_as_a_cause(
    error: str, step: TokenStep, data_center: str, named: str
) -> None:
    hint = token_problem(error, 200, data_center, step).hint
    assert named in hint
    assert "data center" in hint.lower()


@pytest.mark.parametrize(
    ("one", "other"), [("invalid_redirect_uri", "redirect_uri_mismatch"), ("expired", "expired_token")]
)
def test_both_names_of_one_problem_are_shown_alike(one: str, other: str) -> None:
    assert full_text(token_problem(one, 200, "eu")) == full_text(token_problem(other, 200, "eu"))


def test_a_person_who_declined_is_not_taken_for_a_lock_out() -> None:
    declined, locked = (
        token_problem(error, 400, "eu", "device") for error in ("access_denied", "Access Denied")
    )
    assert (declined.kind, declined.forbids_early_retry) == ("auth", False)
    assert (locked.kind, locked.forbids_early_retry) == ("throttled", True)


def test_client_credentials_without_an_org_ask_for_soid() -> None:
    assert "soid" in full_text(token_problem("missing_org_info", 200, "eu"))


def test_a_scope_that_is_refused_is_named_with_all_that_should_be_asked_for() -> None:
    assert SIGN_IN_SCOPES == "ZohoCRM.bulk.backup.READ,ZohoCRM.org.READ"
    assert SIGN_IN_SCOPES in full_text(token_problem("invalid_scope", 200, "eu"))


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("error", ["brand_new", "access denied", "ACCESS DENIED", "Access_Denied"])
def test_an_error_of_the_accounts_host_that_is_not_known_is_shown_and_asked_again(
    error: str, step: TokenStep
) -> None:
    problem = token_problem(error, 400, "eu", step)
    assert (problem.kind, problem.final, problem.code) == ("auth", False, error)
    assert error in problem.message
    assert "EU" in problem.hint


def test_an_error_is_shown_only_so_far() -> None:
    problem = token_problem("x" * 1000, 400, "eu")
    assert problem.code is not None
    assert len(problem.code) == 60


# Problems found by zbtui


def test_a_request_that_would_be_one_too_many_is_put_off_by_ourselves() -> None:
    until = NOW + timedelta(minutes=7)
    problem = token_budget_problem(until)
    assert (problem.kind, problem.code, problem.final) == ("throttled", TOKEN_BUDGET_EXHAUSTED, False)
    assert (problem.retry_at, problem.http_status) == (until, None)
    assert problem.forbids_early_retry
    assert "zbtui waits" in problem.message


@pytest.mark.parametrize(
    ("problem", "kind", "final"),
    [
        (NO_REFRESH_TOKEN_PROBLEM, "auth", True),
        (MALFORMED_CODE_PROBLEM, "config", False),
        (USED_CODE_PROBLEM, "auth", True),
    ],
    ids=["no refresh token", "not a code", "used code"],
)
def test_what_zbtui_finds_out_by_itself_is_shown_without_having_asked(
    problem: Problem, kind: ProblemKind, final: bool
) -> None:
    assert (problem.kind, problem.final) == (kind, final)
    assert problem.http_status is None
    assert problem.code is None or problem.code not in full_text(problem)


# Scopes of a consent


@pytest.mark.parametrize(
    "granted",
    [
        None,
        frozenset({BACKUP_SCOPE}),
        frozenset(SIGN_IN_SCOPES.split(",")),
        frozenset({"ZohoCRM.bulk.backup.ALL", "ZohoCRM.modules.ALL"}),
    ],
    ids=["unknown", "the one", "both", "more than asked for"],
)
def test_a_consent_that_covers_backups_or_does_not_show_is_enough(granted: frozenset[str] | None) -> None:
    assert missing_scope_problem(granted) is None


@pytest.mark.parametrize(
    ("granted", "message"),
    [
        (frozenset({"ZohoCRM.org.READ"}), "ZohoCRM.org.READ"),
        (frozenset({"b.READ", "a.READ"}), "a.READ, b.READ"),
        (frozenset({"ZohoCRM.bulk.READ"}), "ZohoCRM.bulk.READ"),
        (frozenset({BACKUP_SCOPE.lower()}), BACKUP_SCOPE.lower()),
        (frozenset[str](), "none"),
    ],
)
def test_a_consent_without_backups_is_shown_with_what_it_covers_and_what_to_ask_for(
    granted: frozenset[str], message: str
) -> None:
    problem = missing_scope_problem(granted)
    assert problem is not None
    assert (problem.kind, problem.code, problem.final) == ("auth", "OAUTH_SCOPE_MISMATCH", True)
    assert message in problem.message
    assert SIGN_IN_SCOPES in problem.hint


# All problems: length and text


def of_a_watch() -> list[Problem]:
    steps: tuple[TokenStep, ...] = ("refresh", "client-credentials")
    dc = "custom"  # the longest label
    return [
        *(token_problem(error, 200, dc, step) for error, _, _ in TOKEN_ERRORS for step in steps),
        token_budget_problem(NOW),
    ]


def everything() -> list[Problem]:
    of_a_form = [
        token_problem(error, 200, "custom", step) for error, _, _ in TOKEN_ERRORS for step in FIRST_TOKENS
    ]
    without_backups = missing_scope_problem(frozenset({"ZohoCRM.org.READ"}))
    assert without_backups is not None
    return [
        *of_a_watch(),
        *of_a_form,
        NO_REFRESH_TOKEN_PROBLEM,
        MALFORMED_CODE_PROBLEM,
        USED_CODE_PROBLEM,
        without_backups,
    ]


def problem_id(problem: Problem) -> str:
    return f"{problem.code}"


@pytest.mark.parametrize("problem", of_a_watch(), ids=problem_id)
def test_what_a_running_watch_meets_fits_the_smallest_useful_panel(problem: Problem) -> None:
    assert len(wrap(problem.message, 35)) + len(wrap(problem.hint, 35)) <= 5


@pytest.mark.parametrize("problem", everything(), ids=problem_id)
def test_no_placeholder_is_left_in_a_sentence_and_each_ends(problem: Problem) -> None:
    assert not set("{}") & set(full_text(problem))
    assert problem.message.endswith(".")
    assert problem.hint.endswith((".", "?"))


hostile = st.text(st.characters() | st.sampled_from("\x1b\u202e\ud800\n"), max_size=80)


@reproducible
@given(hostile, st.sampled_from([200, 400, 503, None]), st.sampled_from(STEPS))
def test_every_sentence_about_the_accounts_host_is_clean(
    error: str, status: int | None, step: TokenStep
) -> None:
    problem = token_problem(error, status, "eu", step)
    assert clean(full_text(problem), 1000) == full_text(problem)
    assert problem.code is None or clean(problem.code) == problem.code


@reproducible
@given(st.frozensets(hostile))
def test_every_sentence_about_a_consent_is_clean(granted: frozenset[str]) -> None:
    problem = missing_scope_problem(granted)
    assert problem is not None
    assert clean(full_text(problem), 1000) == full_text(problem)
