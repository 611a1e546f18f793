"""How a session keeps from locking its sign-in, and what it does while it is locked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.store.builders import database
from tests.support.clock import START, FakeClock
from tests.watch.scene import MINUTE, street, token_from_elsewhere, trouble_of
from zbtui.core.secret import AccessToken
from zbtui.core.trouble import LOCKOUT, TOKEN_BUDGET, TroubleError
from zbtui.store.journal import open_journal
from zbtui.store.memory import MemoryCredentials

LATER = 10 * MINUTE
"""Within a token's hour, and not so soon that asking for another one would be pushing."""
SECOND = timedelta(seconds=1)


class Forgetful(MemoryCredentials):
    """Takes access tokens, and keeps none: the worst cache that can be."""

    async def write_access(self, org_name: str, access: AccessToken) -> None:
        pass


# Restarts again and again


async def test_a_hundred_restarts_in_ten_minutes_make_nine_token_requests_and_no_lock_out(
    clock: FakeClock, tmp_path: Path
) -> None:
    outcomes = []
    async with street(clock, credentials=Forgetful()) as zoho:
        for _ in range(100):
            journal = open_journal(tmp_path / "journal.db")
            try:
                looked = await zoho.session(journal=journal).look()
                outcomes.append(looked.backup and looked.backup.status)
            except TroubleError as error:
                outcomes.append(error.trouble.code)
                assert error.trouble.retry_at == START + 11 * MINUTE
            await journal.close()
            clock.jump(6 * SECOND)
        assert clock.now() == START + 10 * MINUTE
        assert zoho.tokens == 9
        assert outcomes == ["SCHEDULED"] * 9 + [TOKEN_BUDGET] * 91


async def test_who_restarts_for_hours_is_never_locked_out_and_sees_the_org_all_the_same(
    clock: FakeClock, tmp_path: Path
) -> None:
    codes, seen = set(), 0
    async with street(clock, credentials=Forgetful()) as zoho:
        for _ in range(240):
            journal = open_journal(tmp_path / "journal.db")
            try:
                await zoho.session(journal=journal).look()
                seen += 1
            except TroubleError as error:
                codes.add(error.trouble.code)
            await journal.close()
            clock.jump(30 * SECOND)
        assert codes == {TOKEN_BUDGET}
        assert 90 <= seen == zoho.tokens <= 99


async def test_a_token_that_still_lives_is_used_when_no_more_may_be_asked_for(clock: FakeClock) -> None:
    async with street(clock, credentials=Forgetful()) as zoho:
        first = zoho.session()
        await first.look()
        for _ in range(8):
            await zoho.session().look()
        assert (await trouble_of(zoho.session())).code == TOKEN_BUDGET
        assert (await first.look()).backup is not None


# Lock-outs


async def test_a_lock_out_is_kept_for_ten_minutes_and_across_restarts(
    clock: FakeClock, tmp_path: Path
) -> None:
    async with street(clock, tmp_path / "journal.db") as zoho:
        zoho.simulator.forced["nordlys"] = LOCKOUT
        trouble = await trouble_of(zoho.session())
        assert (trouble.kind, trouble.is_barred, trouble.final) == ("throttled", True, False)
        assert trouble.retry_at == START + 10 * MINUTE
    async with street(clock, tmp_path / "journal.db") as zoho:
        for _ in range(10):
            trouble = await trouble_of(zoho.session())
            assert (trouble.is_barred, trouble.retry_at) == (True, START + 10 * MINUTE)
            clock.jump(timedelta(seconds=59))
        assert zoho.calls == []
        clock.jump(timedelta(seconds=10))
        await zoho.session().look()
        assert zoho.calls == ["token 200", "backup 200"]


async def test_each_lock_out_in_a_row_lasts_twice_as_long_up_to_forty_minutes(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        zoho.simulator.forced["nordlys"] = LOCKOUT
        lasted = []
        for _ in range(4):
            until = (await trouble_of(zoho.session())).retry_at
            assert until is not None
            lasted.append((until - clock.now()) // MINUTE)
            clock.jump(until - clock.now())
        assert lasted == [10, 20, 40, 40]
        assert zoho.tokens == 4


async def test_a_new_token_ends_the_row_of_lock_outs(clock: FakeClock, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with street(clock, path) as zoho:
        zoho.simulator.forced["nordlys"] = LOCKOUT
        session = zoho.session()
        for _ in range(2):
            await trouble_of(session)
            clock.jump(40 * MINUTE)
        del zoho.simulator.forced["nordlys"]
        await session.look()
        with database(path) as kept:
            assert kept.execute("SELECT count(*) FROM lockout").fetchone() == (0,)
        clock.jump(55 * MINUTE)
        zoho.simulator.forced["nordlys"] = LOCKOUT
        assert (await trouble_of(session)).retry_at == clock.now() + 10 * MINUTE


async def test_a_lock_out_counts_from_zohos_answer(clock: FakeClock) -> None:
    """Asked too soon, the next request would fall into the lock-out and prolong it."""

    async def travel() -> None:
        clock.jump(timedelta(seconds=15))

    async with street(clock, pause=travel) as zoho:
        zoho.simulator.forced["nordlys"] = LOCKOUT
        trouble = await trouble_of(zoho.session())
        assert trouble.retry_at is not None
        assert trouble.retry_at >= clock.now() + 10 * MINUTE


async def test_a_lock_out_written_while_the_clock_was_ahead_ends_all_the_same(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        zoho.simulator.forced["nordlys"] = LOCKOUT
        clock.jump(timedelta(days=365))
        await trouble_of(zoho.session())
        clock.jump(-timedelta(days=365))
        until = (await trouble_of(zoho.session())).retry_at
        assert until is not None
        assert until <= clock.now() + 40 * MINUTE
        del zoho.simulator.forced["nordlys"]
        clock.jump(until - clock.now())
        assert (await zoho.session().look()).backup is not None


async def test_a_lock_out_of_one_org_does_not_hold_up_another(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        zoho.simulator.forced["nordlys"] = LOCKOUT
        await trouble_of(zoho.session("nordlys"))
        assert (await zoho.session("kestrel").look()).backup is not None


async def test_a_token_that_still_lives_is_used_through_a_lock_out(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        session = zoho.session()
        await session.look()
        clock.jump(LATER)
        zoho.simulator.expire_tokens()
        zoho.simulator.forced["nordlys"] = LOCKOUT
        assert (await trouble_of(session)).is_barred
        del zoho.simulator.forced["nordlys"]
        live = await token_from_elsewhere(zoho)
        await zoho.credentials.write_access("nordlys", live)
        assert (await zoho.session().look()).backup is not None
