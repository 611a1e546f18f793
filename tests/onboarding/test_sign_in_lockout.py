"""Lock-outs and sign-ins: a known lock-out is respected, a new one is stored."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.onboarding.onboarding_environment import (
    METHODS_WITH_REFRESH_TOKEN,
    OnboardingEnvironment,
    problem_of,
)
from zbtui.model.org import SignInMethod


@pytest.mark.parametrize("method", [method for method in METHODS_WITH_REFRESH_TOKEN if method != "device"])
async def test_a_lock_out_at_the_exchange_holds(home: OnboardingEnvironment, method: SignInMethod) -> None:
    home.simulator.forced_kinds["heron"] = "Access Denied"
    until = None
    for attempt_number in range(3):
        typed, home.consents_for = home.input_for(method), "heron"
        attempt = home.begin_sign_in(typed)
        problem = await problem_of(home.sign_in(attempt, typed))
        assert problem.forbids_early_retry
        assert problem.retry_at is not None
        until = until or problem.retry_at
        assert problem.retry_at == until
        if attempt_number == 0:
            asked = len(home.grants)
    assert len(home.grants) == asked
    del home.simulator.forced_kinds["heron"]
    home.clock.jump_wall_clock(timedelta(minutes=11))
    await home.add_org(method)
