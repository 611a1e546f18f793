"""Fixtures for the tests of the simulator."""

from __future__ import annotations

import pytest

from tests.demo.simulator_client import SimulatorClient
from tests.support.fake_clock import FakeClock


@pytest.fixture
def client(clock: FakeClock) -> SimulatorClient:
    return SimulatorClient(clock)
