"""Fixtures for the tests of the simulator."""

from __future__ import annotations

import pytest

from tests.demo.desk import Desk
from tests.support.clock import FakeClock


@pytest.fixture
def desk(clock: FakeClock) -> Desk:
    return Desk(clock)
