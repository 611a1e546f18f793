"""Fixtures for the tests of the simulator."""

from __future__ import annotations

import pytest

from tests.demo.desk import SimulatorClient
from tests.support.clock import FakeClock


@pytest.fixture
def client(clock: FakeClock) -> SimulatorClient:
    return SimulatorClient(clock)
