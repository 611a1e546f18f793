"""The org service's tasks: they finish even if no caller waits."""

from __future__ import annotations

import asyncio

import pytest

from tests.onboarding.onboarding_environment import OnboardingEnvironment
from zbtui.onboarding import org_service as org_service_module


async def test_what_was_begun_is_waited_for_at_the_end(home: OnboardingEnvironment) -> None:
    org_service, gate, done = home.org_service, asyncio.Event(), list[str]()

    async def work() -> None:
        await gate.wait()
        done.append("revoked")

    org_service.start_task(work())
    finishing = asyncio.create_task(org_service.finish_tasks())
    await asyncio.sleep(0)
    assert not finishing.done()
    gate.set()
    await finishing
    assert done == ["revoked"]


async def test_with_nothing_begun_the_end_comes_at_once(home: OnboardingEnvironment) -> None:
    finishing = asyncio.create_task(home.org_service.finish_tasks())
    await asyncio.sleep(0)
    assert finishing.done()


async def test_what_does_not_come_to_its_end_is_not_waited_for_without_end(
    home: OnboardingEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(org_service_module, "_FINISH_TIMEOUT_SECONDS", 0.01)
    org_service, gate, done = home.org_service, asyncio.Event(), list[str]()

    async def work() -> None:
        await gate.wait()
        done.append("too late")

    org_service.start_task(work())
    await org_service.finish_tasks()
    assert done == []
    gate.set()  # the end of the wait has not cancelled the task
    await org_service.finish_tasks()
    assert done == ["too late"]
