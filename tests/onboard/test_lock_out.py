"""Who signs in heeds a lock-out of Zoho's, and keeps one that comes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.onboard.home import GRANTING, Home, refused
from zbtui.core.org import Way


@pytest.mark.parametrize("way", [way for way in GRANTING if way != "device"])
async def test_a_lock_out_at_the_exchange_is_kept_and_not_asked_through(home: Home, way: Way) -> None:
    home.simulator.forced["heron"] = "Access Denied"
    until = None
    for attempt_number in range(3):
        typed, home.person = home.typed(way), "heron"
        attempt = home.begin(typed)
        trouble = await refused(home.sign_in(attempt, typed))
        assert trouble.is_barred
        assert trouble.retry_at is not None
        until = until or trouble.retry_at
        assert trouble.retry_at == until
        if attempt_number == 0:
            asked = len(home.grants)
    assert len(home.grants) == asked
    del home.simulator.forced["heron"]
    home.clock.jump(timedelta(minutes=11))
    await home.add(way)
