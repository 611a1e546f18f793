"""Trouble as data, and the error that carries it."""

from __future__ import annotations

import pytest

from tests.core.build import NOW, OFFLINE, SIGNED_OUT
from zbtui.core.explain import explain_api
from zbtui.core.explain_sign_in import explain_token, over_budget
from zbtui.core.trouble import Trouble, TroubleError


def test_the_error_says_its_trouble_and_no_more() -> None:
    error = TroubleError(SIGNED_OUT)
    assert error.trouble is SIGNED_OUT
    assert str(error) == SIGNED_OUT.message
    assert error.args == (SIGNED_OUT.message,)


@pytest.mark.parametrize(
    ("trouble", "barred"),
    [
        (explain_token("Access Denied", 200, "eu"), True),
        (explain_token("Access Denied", 400, "eu"), True),
        (explain_token("Access Denied", None, "eu"), True),
        (over_budget(NOW), True),
        (explain_token("access_denied", 400, "eu"), False),
        (explain_token("invalid_code", 200, "eu"), False),
        (explain_api(429, {"code": "TOO_MANY_REQUESTS"}, "eu"), False),
        (OFFLINE, False),
    ],
)
def test_only_a_lock_out_and_what_keeps_from_one_bar_whoever_asks(trouble: Trouble, barred: bool) -> None:
    assert trouble.is_barred is barred


def test_asking_again_may_help_unless_said_otherwise() -> None:
    assert not OFFLINE.final
    assert OFFLINE.retry_at is None
