"""How a session keeps from locking its sign-in, and what it does while it is locked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.store.store_samples import raw_database
from tests.support.fake_clock import START, FakeClock
from tests.watch.zoho_environment import MINUTE, problem_of, token_from_elsewhere, zoho_environment
from zbtui.model.problem import LOCKOUT, TOKEN_BUDGET_EXHAUSTED, ProblemError
from zbtui.model.secret import AccessToken
from zbtui.store.credentials import MemoryCredentialStore
from zbtui.store.journal import open_journal

LATER = 10 * MINUTE
"""Within a token's hour, and not so soon that asking for another one would be pushing."""
SECOND = timedelta(seconds=1)


class ForgetfulCredentials(MemoryCredentialStore):
    """Takes access tokens, and keeps none: the worst cache that can be."""

    async def write_access_token(self, org_name: str, access: AccessToken) -> None:
        pass


# Restarts again and again


async def test_a_hundred_restarts_in_ten_minutes_make_nine_token_requests_and_no_lock_out(
    clock: FakeClock, tmp_path: Path
) -> None:
    outcomes = []
    async with zoho_environment(clock, credentials=ForgetfulCredentials()) as zoho:
        for _ in range(100):
            journal = open_journal(tmp_path / "journal.db")
            try:
                looked = await zoho.session(journal=journal).poll_details()
                outcomes.append(looked.backup and looked.backup.status)
            except ProblemError as error:
                outcomes.append(error.problem.code)
                assert error.problem.retry_at == START + 11 * MINUTE
            await journal.close()
            clock.jump_wall_clock(6 * SECOND)
        assert clock.now() == START + 10 * MINUTE
        assert zoho.token_request_count == 9
        assert outcomes == ["SCHEDULED"] * 9 + [TOKEN_BUDGET_EXHAUSTED] * 91


async def test_who_restarts_for_hours_is_never_locked_out_and_sees_the_org_all_the_same(
    clock: FakeClock, tmp_path: Path
) -> None:
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


async def test_a_lock_out_is_kept_for_ten_minutes_and_across_restarts(
    clock: FakeClock, tmp_path: Path
) -> None:
    async with zoho_environment(clock, tmp_path / "journal.db") as zoho:
        zoho.simulator.forced_kinds["nordlys"] = LOCKOUT
        trouble = await problem_of(zoho.session())
        assert (trouble.kind, trouble.forbids_early_retry, trouble.final) == ("throttled", True, False)
        assert trouble.retry_at == START + 10 * MINUTE
    async with zoho_environment(clock, tmp_path / "journal.db") as zoho:
        for _ in range(10):
            trouble = await problem_of(zoho.session())
            assert (trouble.forbids_early_retry, trouble.retry_at) == (True, START + 10 * MINUTE)
            clock.jump_wall_clock(timedelta(seconds=59))
        assert zoho.calls == []
        clock.jump_wall_clock(timedelta(seconds=10))
        await zoho.session().poll_details()
        assert zoho.calls == ["token 200", "backup 200"]


async def test_each_lock_out_in_a_row_lasts_twice_as_long_up_to_forty_minutes(clock: FakeClock) -> None:
    async with zoho_environment(clock) as zoho:
        zoho.simulator.forced_kinds["nordlys"] = LOCKOUT
        lasted = []
        for _ in range(4):
            until = (await problem_of(zoho.session())).retry_at
            assert until is not None
            lasted.append((until - clock.now()) // MINUTE)
            clock.jump_wall_clock(until - clock.now())
        assert lasted == [10, 20, 40, 40]
        assert zoho.token_request_count == 4


async def test_a_new_token_ends_the_row_of_lock_outs(clock: FakeClock, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with zoho_environment(clock, path) as zoho:
        zoho.simulator.forced_kinds["nordlys"] = LOCKOUT
        session = zoho.session()
        for _ in range(2):
            await problem_of(session)
            clock.jump_wall_clock(40 * MINUTE)
        del zoho.simulator.forced_kinds["nordlys"]
        await session.poll_details()
        with raw_database(path) as kept:
            assert kept.execute("SELECT count(*) FROM lockout").fetchone() == (0,)
        clock.jump_wall_clock(55 * MINUTE)
        zoho.simulator.forced_kinds["nordlys"] = LOCKOUT
        assert (await problem_of(session)).retry_at == clock.now() + 10 * MINUTE


async def test_a_lock_out_counts_from_zohos_answer(clock: FakeClock) -> None:
    """Asked too soon, the next request would fall into the lock-out and prolong it."""

    async def travel() -> None:
        clock.jump_wall_clock(timedelta(seconds=15))

    async with zoho_environment(clock, during_call=travel) as zoho:
        zoho.simulator.forced_kinds["nordlys"] = LOCKOUT
        trouble = await problem_of(zoho.session())
        assert trouble.retry_at is not None
        assert trouble.retry_at >= clock.now() + 10 * MINUTE


async def test_a_lock_out_written_while_the_clock_was_ahead_ends_all_the_same(clock: FakeClock) -> None:
    async with zoho_environment(clock) as zoho:
        zoho.simulator.forced_kinds["nordlys"] = LOCKOUT
        clock.jump_wall_clock(timedelta(days=365))
        await problem_of(zoho.session())
        clock.jump_wall_clock(-timedelta(days=365))
        until = (await problem_of(zoho.session())).retry_at
        assert until is not None
        assert until <= clock.now() + 40 * MINUTE
        del zoho.simulator.forced_kinds["nordlys"]
        clock.jump_wall_clock(until - clock.now())
        assert (await zoho.session().poll_details()).backup is not None


async def test_a_lock_out_of_one_org_does_not_hold_up_another(clock: FakeClock) -> None:
    async with zoho_environment(clock) as zoho:
        zoho.simulator.forced_kinds["nordlys"] = LOCKOUT
        await problem_of(zoho.session("nordlys"))
        assert (await zoho.session("kestrel").poll_details()).backup is not None


async def test_a_token_that_still_lives_is_used_through_a_lock_out(clock: FakeClock) -> None:
    async with zoho_environment(clock) as zoho:
        session = zoho.session()
        await session.poll_details()
        clock.jump_wall_clock(LATER)
        zoho.simulator.expire_tokens()
        zoho.simulator.forced_kinds["nordlys"] = LOCKOUT
        assert (await problem_of(session)).forbids_early_retry
        del zoho.simulator.forced_kinds["nordlys"]
        live = await token_from_elsewhere(zoho)
        await zoho.credentials.write_access_token("nordlys", live)
        assert (await zoho.session().poll_details()).backup is not None
