"""Who signs in heeds a lock-out of Zoho's, and keeps one that comes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.onboarding.onboarding_environment import (
    METHODS_WITH_REFRESH_TOKEN,
    OnboardingEnvironment,
    problem_of,
)
from zbtui.model.org import SignInMethod


@pytest.mark.parametrize("way", [way for way in METHODS_WITH_REFRESH_TOKEN if way != "device"])
async def test_a_lock_out_at_the_exchange_holds(home: OnboardingEnvironment, way: SignInMethod) -> None:
    home.simulator.forced_kinds["heron"] = "Access Denied"
    until = None
    for attempt_number in range(3):
        typed, home.consents_for = home.input_for(way), "heron"
        attempt = home.begin_sign_in(typed)
        trouble = await problem_of(home.sign_in(attempt, typed))
        assert trouble.forbids_early_retry
        assert trouble.retry_at is not None
        until = until or trouble.retry_at
        assert trouble.retry_at == until
        if attempt_number == 0:
            asked = len(home.grants)
    assert len(home.grants) == asked
    del home.simulator.forced_kinds["heron"]
    home.clock.jump_wall_clock(timedelta(minutes=11))
    await home.add_org(way)
