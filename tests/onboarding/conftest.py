"""Fixture: the empty stores of one user."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.onboarding.onboarding_environment import OnboardingEnvironment, open_environment


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[OnboardingEnvironment]:
    async with open_environment(tmp_path) as made:
        yield made
