"""Problems, and the error that carries a problem."""

from __future__ import annotations

import pytest

from tests.support.samples import NOW, OFFLINE, SIGNED_OUT
from zbtui.model.problem import Problem, ProblemError
from zbtui.zoho_api.errors import api_problem
from zbtui.zoho_api.sign_in_errors import token_budget_problem, token_problem


def test_the_error_says_its_problem_and_no_more() -> None:
    error = ProblemError(SIGNED_OUT)
    assert error.problem is SIGNED_OUT
    assert str(error) == SIGNED_OUT.message
    assert error.args == (SIGNED_OUT.message,)


@pytest.mark.parametrize(
    ("problem", "barred"),
    [
        (token_problem("Access Denied", 200, "eu"), True),
        (token_problem("Access Denied", 400, "eu"), True),
        (token_problem("Access Denied", None, "eu"), True),
        (token_budget_problem(NOW), True),
        (token_problem("access_denied", 400, "eu"), False),
        (token_problem("invalid_code", 200, "eu"), False),
        (api_problem(429, {"code": "TOO_MANY_REQUESTS"}, "eu"), False),
        (OFFLINE, False),
    ],
)
def test_only_a_lock_out_and_a_used_up_budget_forbid_an_early_retry(problem: Problem, barred: bool) -> None:
    assert problem.forbids_early_retry is barred


def test_asking_again_may_help_unless_said_otherwise() -> None:
    assert not OFFLINE.final
    assert OFFLINE.retry_at is None
