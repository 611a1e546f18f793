"""How a session avoids a lock-out of its sign-in, and what it does during one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.support.fake_clock import START, FakeClock
from tests.watch.zoho_environment import (
    MINUTE,
    ZohoEnvironment,
    problem_of,
    token_from_elsewhere,
    zoho_environment,
)
from zbtui.model.org import Org
from zbtui.model.problem import LOCKOUT, TOKEN_BUDGET_EXHAUSTED, ProblemError
from zbtui.model.secret import AccessToken
from zbtui.store.credentials import MemoryCredentialStore
from zbtui.store.journal import open_journal

LATER = 10 * MINUTE
"""Within the hour of an access token, and long enough after the last token request."""
SECOND = timedelta(seconds=1)


class ForgetfulCredentials(MemoryCredentialStore):
    """A store that keeps no access token: the worst possible cache."""

    async def write_access_token(self, org: Org, access: AccessToken) -> None:
        pass


# Restarts again and again


async def test_a_hundred_restarts_make_nine_token_requests(clock: FakeClock, tmp_path: Path) -> None:
    outcomes = []
    async with zoho_environment(clock, credentials=ForgetfulCredentials()) as zoho:
        for _ in range(100):
            journal = open_journal(tmp_path / "journal.db")
            try:
                observation = await zoho.session(journal=journal).poll_details()
                outcomes.append(observation.backup and observation.backup.status)
            except ProblemError as error:
                outcomes.append(error.problem.code)
                assert error.problem.retry_at == START + 11 * MINUTE
            await journal.close()
            clock.jump_wall_clock(6 * SECOND)
        assert clock.now() == START + 10 * MINUTE
        assert zoho.token_request_count == 9
        assert outcomes == ["SCHEDULED"] * 9 + [TOKEN_BUDGET_EXHAUSTED] * 91


async def test_hours_of_restarts_lock_nobody_out_and_show_it(clock: FakeClock, tmp_path: Path) -> None:
    codes, seen = set(), 0
    async with zoho_environment(clock, credentials=ForgetfulCredentials()) as zoho:
        for _ in range(240):
            journal = open_journal(tmp_path / "journal.db")
            try:
                await zoho.session(journal=journal).poll_details()
                seen += 1
            except ProblemError as error:
                codes.add(error.problem.code)
            await journal.close()
            clock.jump_wall_clock(30 * SECOND)
        assert codes == {TOKEN_BUDGET_EXHAUSTED}
        assert 90 <= seen == zoho.token_request_count <= 99


async def test_a_token_that_still_lives_is_used_when_no_more_may_be_asked_for(clock: FakeClock) -> None:
    async with zoho_environment(clock, credentials=ForgetfulCredentials()) as zoho:
        first = zoho.session()
        await first.poll_details()
        for _ in range(8):
            await zoho.session().poll_details()
        assert (await problem_of(zoho.session())).code == TOKEN_BUDGET_EXHAUSTED
        assert (await first.poll_details()).backup is not None


# Lock-outs


async def test_a_lock_out_lasts_ten_minutes_across_restarts(clock: FakeClock, tmp_path: Path) -> None:
    async with zoho_environment(clock, tmp_path / "journal.db") as zoho:
        zoho.simulator.forced_kinds["nordlys"] = LOCKOUT
        problem = await problem_of(zoho.session())
        assert (problem.kind, problem.forbids_early_retry, problem.final) == ("throttled", True, False)
        assert problem.retry_at == START + 10 * MINUTE
    async with zoho_environment(clock, tmp_path / "journal.db") as zoho:
        for _ in range(10):
            problem = await problem_of(zoho.session())
            assert (problem.forbids_early_retry, problem.retry_at) == (True, START + 10 * MINUTE)
            clock.jump_wall_clock(timedelta(seconds=59))
        assert zoho.calls == []
        clock.jump_wall_clock(timedelta(seconds=10))
        await zoho.session().poll_details()
        assert zoho.calls == ["token 200", "backup 200"]


async def test_a_live_token_is_used_through_a_lock_out(clock: FakeClock, zoho: ZohoEnvironment) -> None:
    session = zoho.session()
    await session.poll_details()
    clock.jump_wall_clock(LATER)
    zoho.simulator.expire_tokens()
    zoho.simulator.forced_kinds["nordlys"] = LOCKOUT
    assert (await problem_of(session)).forbids_early_retry
    del zoho.simulator.forced_kinds["nordlys"]
    live = await token_from_elsewhere(zoho)
    await zoho.credentials.write_access_token(zoho.org(), live)
    assert (await zoho.session().poll_details()).backup is not None
