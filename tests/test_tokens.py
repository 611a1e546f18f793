"""Token requests: never so many that Zoho locks the door, and none while it is locked."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.builders import database
from tests.support.clock import START, FakeClock
from tests.support.notebook import Notebook
from tests.support.zoho import sign_in_of
from tests.watch.scene import MINUTE, Street, street
from zbtui.core.cadence import LONGEST_LOCKOUT
from zbtui.core.data_centers import DATA_CENTERS, DataCenter
from zbtui.core.secret import AccessToken, Secret, SignIn
from zbtui.core.trouble import LOCKOUT, TOKEN_BUDGET, Trouble, TroubleError
from zbtui.store.budget import Lockout, TokenBudget
from zbtui.store.journal import Journal, open_journal
from zbtui.tokens import TOKENS_PER_WINDOW, WINDOW, TokenDesk

SECOND = timedelta(seconds=1)
ZOHOS_WINDOW = timedelta(minutes=10)
ZOHOS_LIMIT = 10
CODE = Secret("1000.the-code.of-a-self-client")


class Desk:
    """A desk, and what an org of the street asks it for."""

    def __init__(self, zoho: Street, name: str = "nordlys", journal: Journal | None = None) -> None:
        self.zoho = zoho
        self.journal = journal or zoho.journal
        self.desk = TokenDesk(zoho.http, self.journal, zoho.clock)
        self.org = zoho.org(name)
        self.sign_in = sign_in_of(zoho.simulator.world.orgs[name])

    async def request(self, dc: DataCenter | None = None) -> AccessToken:
        return await self.desk.request(self.org, self.sign_in, dc)

    async def trouble(self, dc: DataCenter | None = None) -> Trouble:
        with pytest.raises(TroubleError) as caught:
            await self.request(dc)
        return caught.value.trouble

    async def use_up(self) -> None:
        for _ in range(TOKENS_PER_WINDOW):
            await self.request()


def same_token(desk: Desk) -> Desk:
    """Another org under watch that signs in with the same refresh token."""
    other = Desk(desk.zoho, journal=desk.journal)
    other.org = replace(other.org, name="another name")
    return other


@asynccontextmanager
async def restarted(zoho: Street, path: Path, name: str = "nordlys") -> AsyncIterator[Desk]:
    """A process of its own, on the journal at `path`."""
    journal = open_journal(path)
    yield Desk(zoho, name, journal)
    await journal.close()


# Lock-outs


async def test_nothing_is_asked_within_a_lock_out_and_its_end_is_told(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        desk = Desk(zoho)
        zoho.simulator.forced["nordlys"] = LOCKOUT
        for _ in range(60):
            trouble = await desk.trouble()
            assert (trouble.kind, trouble.code, trouble.final) == ("throttled", LOCKOUT, False)
            assert trouble.retry_at == START + 10 * MINUTE
            clock.jump(10 * SECOND)
        assert zoho.tokens == 1
        await desk.trouble()
        assert zoho.tokens == 2


async def test_each_lock_out_in_a_row_lasts_twice_as_long_up_to_forty_minutes(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        desk = Desk(zoho)
        zoho.simulator.forced["nordlys"] = LOCKOUT
        lasted = []
        for _ in range(4):
            until = (await desk.trouble()).retry_at
            assert until is not None
            lasted.append((until - clock.now()) // MINUTE)
            clock.jump(until - clock.now())
        assert lasted == [10, 20, 40, 40]
        assert zoho.tokens == 4


async def test_a_lock_out_is_kept_across_restarts_with_how_often_it_was(
    clock: FakeClock, tmp_path: Path
) -> None:
    path = tmp_path / "journal.db"
    async with street(clock) as zoho:
        zoho.simulator.forced["nordlys"] = LOCKOUT
        for minutes in (10, 20, 40):
            began = clock.now()
            for _ in range(3):
                async with restarted(zoho, path) as desk:
                    assert (await desk.trouble()).retry_at == began + minutes * MINUTE
                clock.jump(minutes * MINUTE / 3)
        assert zoho.tokens == 3


async def test_a_good_token_ends_the_row(clock: FakeClock, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with street(clock, path) as zoho:
        desk = Desk(zoho)
        zoho.simulator.forced["nordlys"] = LOCKOUT
        for _ in range(2):
            await desk.trouble()
            clock.jump(20 * MINUTE)
        del zoho.simulator.forced["nordlys"]
        await desk.request()
        with database(path) as kept:
            assert kept.execute("SELECT count(*) FROM lockout").fetchone() == (0,)
        zoho.simulator.forced["nordlys"] = LOCKOUT
        assert (await desk.trouble()).retry_at == clock.now() + 10 * MINUTE


async def test_another_refusal_neither_begins_nor_ends_a_row(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        desk = Desk(zoho)
        for kind in (LOCKOUT, "invalid_code", "general_error", LOCKOUT):
            zoho.simulator.forced["nordlys"] = kind
            trouble = await desk.trouble()
            assert trouble.code == kind
            clock.jump(10 * MINUTE)
        assert trouble.retry_at == clock.now() + 10 * MINUTE


async def test_orgs_that_share_a_refresh_token_share_its_lock_out(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        desk = Desk(zoho)
        zoho.simulator.forced["nordlys"] = LOCKOUT
        await desk.trouble()
        del zoho.simulator.forced["nordlys"]
        assert (await same_token(desk).trouble()).retry_at == START + 10 * MINUTE
        assert zoho.tokens == 1
        await Desk(zoho, "kestrel").request()


async def test_who_signs_in_anew_is_not_held_up_by_the_lock_out_of_the_token_before(
    clock: FakeClock,
) -> None:
    async with street(clock) as zoho:
        desk = Desk(zoho)
        zoho.simulator.forced["nordlys"] = LOCKOUT
        await desk.trouble()
        del zoho.simulator.forced["nordlys"]
        desk.sign_in = SignIn(desk.sign_in.client_secret, Secret("1000.another.refresh-token"))
        assert (await desk.trouble()).code == "invalid_code"
        assert zoho.tokens == 2


async def test_a_lock_out_counts_from_zohos_answer(clock: FakeClock) -> None:
    """Asked too soon, the next request would fall into the lock-out and prolong it."""

    async def travel() -> None:
        clock.jump(15 * SECOND)

    async with street(clock, pause=travel) as zoho:
        zoho.simulator.forced["nordlys"] = LOCKOUT
        assert (await Desk(zoho).trouble()).retry_at == clock.now() + 10 * MINUTE
        assert clock.now() > START


@pytest.mark.parametrize("strikes", [1, 2, 3, 9])
async def test_a_lock_out_written_while_the_clock_was_ahead_lasts_no_longer_than_the_longest(
    clock: FakeClock, strikes: int
) -> None:
    class Ahead(TokenBudget):
        async def lockout(self, token: str) -> Lockout | None:
            return await super().lockout(token) or Lockout(START + timedelta(days=365), strikes)

    journal = Notebook()
    journal.tokens = Ahead(journal._database)
    async with street(clock, journal) as zoho:
        desk = Desk(zoho)
        assert (await desk.trouble()).retry_at == START + LONGEST_LOCKOUT
        clock.jump(MINUTE)
        assert (await desk.trouble()).retry_at == START + LONGEST_LOCKOUT
        assert zoho.calls == []


# The budget


async def test_nine_tokens_may_be_asked_for_at_once_and_the_tenth_is_put_off(clock: FakeClock) -> None:
    assert ZOHOS_LIMIT - 1 == TOKENS_PER_WINDOW
    async with street(clock) as zoho:
        desk = Desk(zoho)
        await desk.use_up()
        trouble = await desk.trouble()
        assert (trouble.kind, trouble.code, trouble.final) == ("throttled", TOKEN_BUDGET, False)
        assert trouble.retry_at == START + WINDOW
        assert zoho.calls == ["token 200"] * 9
        clock.jump(WINDOW - SECOND)
        assert (await desk.trouble()).is_barred
        clock.jump(SECOND)
        await desk.request()


async def test_a_request_that_fails_counts_like_any_other(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        desk = Desk(zoho)
        for kind in ("invalid_code", "general_error", "invalid_client_secret") * 3:
            zoho.simulator.forced["nordlys"] = kind
            assert (await desk.trouble()).code == kind
        assert (await desk.trouble()).code == TOKEN_BUDGET
        assert zoho.tokens == 9


async def test_what_is_put_off_by_ourselves_is_no_lock_out_and_lengthens_none(
    clock: FakeClock, tmp_path: Path
) -> None:
    path = tmp_path / "journal.db"
    async with street(clock, path) as zoho:
        desk = Desk(zoho)
        await desk.use_up()
        for _ in range(50):
            await desk.trouble()
        with database(path) as kept:
            assert kept.execute("SELECT count(*) FROM lockout").fetchone() == (0,)


async def test_orgs_that_share_a_refresh_token_share_its_budget(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        desk = Desk(zoho)
        await desk.use_up()
        assert (await same_token(desk).trouble()).code == TOKEN_BUDGET
        await Desk(zoho, "kestrel").request()


async def test_another_data_center_counts_for_itself(clock: FakeClock) -> None:
    """As when the right one is searched for: Zoho's data centers know nothing of each other."""
    async with street(clock) as zoho:
        desk = Desk(zoho)
        await desk.use_up()
        assert (await desk.trouble(DATA_CENTERS["eu"])).code == TOKEN_BUDGET
        assert (await desk.trouble(DATA_CENTERS["us"])).code == "invalid_client"
        assert zoho.simulator.requests[-1].host == "accounts.zoho.com"


async def test_processes_share_one_budget(clock: FakeClock, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with street(clock) as zoho, restarted(zoho, path) as one, restarted(zoho, path) as other:
        asked = [desk.request() for desk in (one, other) * 10]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(outcome, AccessToken) for outcome in outcomes) == 9
        assert zoho.calls == ["token 200"] * 9


async def test_without_a_journal_a_process_keeps_to_the_budget_by_itself(
    clock: FakeClock, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    async with street(clock, tmp_path / "file" / "journal.db") as zoho:
        desk = Desk(zoho)
        await desk.use_up()
        assert (await desk.trouble()).code == TOKEN_BUDGET


async def test_the_token_that_comes_with_a_new_sign_in_counts(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        desk = Desk(zoho)
        await desk.desk.note_first(desk.org, desk.sign_in)
        for _ in range(8):
            await desk.request()
        assert (await desk.trouble()).code == TOKEN_BUDGET


async def test_a_new_sign_in_is_never_refused_for_want_of_budget(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        desk = Desk(zoho)
        await desk.use_up()
        await desk.desk.note_first(desk.org, desk.sign_in)
        assert (await desk.trouble()).retry_at == START + WINDOW


# Client credentials, which have no refresh token


def by_credentials(zoho: Street, name: str = "nordlys") -> Desk:
    desk = Desk(zoho, name)
    invented = zoho.simulator.world.orgs[name]
    soid = f"ZohoCRM.{invented.number:011}"
    desk.org = replace(desk.org, grant="client-credentials", soid=soid)
    desk.sign_in = SignIn(desk.sign_in.client_secret)
    return desk


async def test_client_credentials_are_counted_by_client_and_org(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        desk = by_credentials(zoho)
        await desk.use_up()
        assert (await desk.trouble()).code == TOKEN_BUDGET
        await Desk(zoho).request()  # by its refresh token
        desk.org = replace(desk.org, soid="ZohoCRM.1")
        assert (await desk.trouble()).code == "missing_org_info"
        await by_credentials(zoho, "kestrel").request()


async def test_a_refresh_token_that_is_left_over_does_not_count_for_client_credentials(
    clock: FakeClock,
) -> None:
    async with street(clock) as zoho:
        desk = by_credentials(zoho)
        await desk.use_up()
        desk.sign_in = SignIn(desk.sign_in.client_secret, Secret("1000.left.over"))
        assert (await desk.trouble()).code == TOKEN_BUDGET


# Codes


async def test_a_code_is_spent_once(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        desk = TokenDesk(zoho.http, zoho.journal, clock)
        await desk.spend_code(CODE)
        for _ in range(3):
            with pytest.raises(TroubleError) as caught:
                await desk.spend_code(CODE)
            assert (caught.value.trouble.code, caught.value.trouble.final) == ("USED_CODE", True)
            clock.jump(9 * MINUTE)
        await desk.spend_code(Secret("1000.another.code"))


async def test_a_code_that_was_spent_is_known_to_every_process_but_by_its_fingerprint(
    clock: FakeClock, tmp_path: Path
) -> None:
    path = tmp_path / "journal.db"
    async with street(clock) as zoho:
        async with restarted(zoho, path) as first:
            await first.desk.spend_code(CODE)
        async with restarted(zoho, path) as second:
            with pytest.raises(TroubleError):
                await second.desk.spend_code(CODE)
        assert zoho.calls == []


def content_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_no_secret_is_written_down_or_told(clock: FakeClock, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with street(clock) as zoho, restarted(zoho, path) as desk:
        zoho.simulator.forced["nordlys"] = LOCKOUT
        told = [await desk.trouble(), await desk.trouble()]
        del zoho.simulator.forced["nordlys"]
        clock.jump(10 * MINUTE)
        access = await desk.request()
        await desk.desk.spend_code(CODE)
        refresh = desk.sign_in.refresh_token
        assert refresh is not None
        written = content_of(tmp_path)
        for secret in (CODE, access.token, refresh, desk.sign_in.client_secret):
            assert secret.reveal().encode() not in written
            assert secret.reveal() not in repr(told)


# Whatever anybody does


def crowded(at: list[datetime]) -> bool:
    """Whether ten of these are within ten minutes."""
    return any(
        later - sooner < ZOHOS_WINDOW for sooner, later in zip(at, at[ZOHOS_LIMIT - 1 :], strict=False)
    )


WHO = st.sampled_from(["ask", "ask", "restart", "other"])
STEPS = st.lists(
    st.tuples(st.sampled_from([0, 0, 1, 20, 58, 240]), st.sampled_from([0, 0, 15, 59]), WHO),
    min_size=20,
    max_size=60,
)
"""Seconds that go by, seconds that the request travels, and who asks."""


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_whenever_tokens_are_asked_for_zoho_never_sees_ten_in_ten_minutes(
    steps: list[tuple[int, int, str]],
) -> None:
    async def live(path: Path) -> None:
        clock, travels = FakeClock(), timedelta()

        async def travel() -> None:
            nonlocal travels
            clock.jump(travels)
            travels = timedelta()

        async with street(clock, pause=travel) as zoho:
            journal = open_journal(path)
            for seconds, late, who in steps:
                clock.jump(seconds * SECOND)
                travels = late * SECOND
                if who == "restart":
                    await journal.close()
                    journal = open_journal(path)
                desk = Desk(zoho, journal=journal)
                await _ask(same_token(desk) if who == "other" else desk)
            await journal.close()
            assert "token 200" in zoho.calls
            assert not crowded([request.at for request in zoho.simulator.requests])

    async def _ask(desk: Desk) -> None:
        try:
            await desk.request()
        except TroubleError as error:
            assert error.trouble.code == TOKEN_BUDGET
            assert error.trouble.retry_at is not None
            assert desk.zoho.clock.now() < error.trouble.retry_at <= desk.zoho.clock.now() + WINDOW

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder) / "journal.db"))
