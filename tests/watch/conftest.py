"""Fixtures: the simulated Zoho with a journal in memory, and a fleet of two orgs with its config file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.fake_clock import FakeClock
from tests.watch.fleet_driver import EditedConfig, FleetDriver
from tests.watch.zoho_environment import ZohoEnvironment, zoho_environment


@pytest.fixture
async def zoho(clock: FakeClock) -> AsyncIterator[ZohoEnvironment]:
    async with zoho_environment(clock) as made:
        yield made


@pytest.fixture
def config(tmp_path: Path) -> EditedConfig:
    made = EditedConfig(tmp_path)
    made.write_orgs("acme", "brook")
    return made


@pytest.fixture
def watch(clock: FakeClock, config: EditedConfig) -> FleetDriver:
    return FleetDriver(clock, "acme", "brook", config=config)
