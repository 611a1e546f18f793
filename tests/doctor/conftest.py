"""A doctor for one healthy invented org."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.doctor.doctor_environment import DoctorEnvironment, doctor_environment


@pytest.fixture
async def scene() -> AsyncIterator[DoctorEnvironment]:
    async with doctor_environment() as made:
        yield made
