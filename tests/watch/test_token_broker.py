"""The token broker: never so many requests that Zoho locks out, and none during a lock-out."""

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

from tests.store.store_samples import raw_database
from tests.support.fake_clock import START, FakeClock
from tests.support.memory_journal import MemoryJournal
from tests.support.simulator import sign_in_of
from tests.watch.zoho_environment import MINUTE, ZohoEnvironment, zoho_environment
from zbtui.health.poll_schedule import MAX_LOCKOUT
from zbtui.model.problem import LOCKOUT, TOKEN_BUDGET_EXHAUSTED, Problem, ProblemError
from zbtui.model.secret import AccessToken, Secret, SignInCredentials
from zbtui.store.journal import Journal, open_journal
from zbtui.store.token_budget import Lockout, TokenBudget
from zbtui.watch.token_broker import MAX_TOKENS_PER_WINDOW, REQUEST_WINDOW, TokenBroker
from zbtui.zoho_api.data_centers import DATA_CENTERS, DataCenter

SECOND = timedelta(seconds=1)
ZOHOS_WINDOW = timedelta(minutes=10)
ZOHOS_LIMIT = 10
CODE = Secret("1000.the-code.of-a-self-client")


class BrokerUnderTest:
    """A token broker, and an org's requests to it."""

    def __init__(
        self, zoho: ZohoEnvironment, name: str = "nordlys", journal: Journal | None = None
    ) -> None:
        self.zoho = zoho
        self.journal = journal or zoho.journal
        self.broker = TokenBroker(zoho.http, self.journal, zoho.clock)
        self.org = zoho.org(name)
        self.sign_in = sign_in_of(zoho.simulator.world.orgs[name])

    async def request(self, dc: DataCenter | None = None) -> AccessToken:
        return await self.broker.request_access_token(self.org, self.sign_in, dc)

    async def problem(self, dc: DataCenter | None = None) -> Problem:
        with pytest.raises(ProblemError) as caught:
            await self.request(dc)
        return caught.value.problem

    async def use_up(self) -> None:
        for _ in range(MAX_TOKENS_PER_WINDOW):
            await self.request()


@pytest.fixture
def broker(zoho: ZohoEnvironment) -> BrokerUnderTest:
    return BrokerUnderTest(zoho)


def same_token(broker: BrokerUnderTest) -> BrokerUnderTest:
    """Another org under watch that signs in with the same refresh token."""
    other = BrokerUnderTest(broker.zoho, journal=broker.journal)
    other.org = replace(other.org, name="another name")
    return other


@asynccontextmanager
async def restarted(
    zoho: ZohoEnvironment, path: Path, name: str = "nordlys"
) -> AsyncIterator[BrokerUnderTest]:
    """A broker as in a new process, with the journal at `path`."""
    journal = open_journal(path)
    yield BrokerUnderTest(zoho, name, journal)
    await journal.close()


# Lock-outs


async def test_nothing_is_asked_within_a_lock_out_and_its_end_is_shown(
    clock: FakeClock, zoho: ZohoEnvironment, broker: BrokerUnderTest
) -> None:
    zoho.simulator.forced_kinds["nordlys"] = LOCKOUT
    for _ in range(60):
        problem = await broker.problem()
        assert (problem.kind, problem.code, problem.final) == ("throttled", LOCKOUT, False)
        assert problem.retry_at == START + 10 * MINUTE
        clock.jump_wall_clock(10 * SECOND)
    assert zoho.token_request_count == 1
    await broker.problem()
    assert zoho.token_request_count == 2


async def test_each_lock_out_in_a_row_lasts_twice_as_long_up_to_forty_minutes(
    clock: FakeClock, zoho: ZohoEnvironment, broker: BrokerUnderTest
) -> None:
    zoho.simulator.forced_kinds["nordlys"] = LOCKOUT
    lasted = []
    for _ in range(4):
        until = (await broker.problem()).retry_at
        assert until is not None
        lasted.append((until - clock.now()) // MINUTE)
        clock.jump_wall_clock(until - clock.now())
    assert lasted == [10, 20, 40, 40]
    assert zoho.token_request_count == 4


async def test_a_lock_out_and_its_count_outlive_a_restart(clock: FakeClock, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with zoho_environment(clock) as zoho:
        zoho.simulator.forced_kinds["nordlys"] = LOCKOUT
        for minutes in (10, 20, 40):
            began = clock.now()
            for _ in range(3):
                async with restarted(zoho, path) as broker:
                    assert (await broker.problem()).retry_at == began + minutes * MINUTE
                clock.jump_wall_clock(minutes * MINUTE / 3)
        assert zoho.token_request_count == 3


async def test_a_good_token_ends_the_row(clock: FakeClock, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with zoho_environment(clock, path) as zoho:
        broker = BrokerUnderTest(zoho)
        zoho.simulator.forced_kinds["nordlys"] = LOCKOUT
        for _ in range(2):
            await broker.problem()
            clock.jump_wall_clock(20 * MINUTE)
        del zoho.simulator.forced_kinds["nordlys"]
        await broker.request()
        with raw_database(path) as kept:
            assert kept.execute("SELECT count(*) FROM lockout").fetchone() == (0,)
        zoho.simulator.forced_kinds["nordlys"] = LOCKOUT
        assert (await broker.problem()).retry_at == clock.now() + 10 * MINUTE


async def test_another_refusal_neither_begins_nor_ends_a_row(
    clock: FakeClock, zoho: ZohoEnvironment, broker: BrokerUnderTest
) -> None:
    for kind in (LOCKOUT, "invalid_code", "general_error", LOCKOUT):
        zoho.simulator.forced_kinds["nordlys"] = kind
        problem = await broker.problem()
        assert problem.code == kind
        clock.jump_wall_clock(10 * MINUTE)
    assert problem.retry_at == clock.now() + 10 * MINUTE


async def test_orgs_with_one_token_share_its_lock_out(
    zoho: ZohoEnvironment, broker: BrokerUnderTest
) -> None:
    zoho.simulator.forced_kinds["nordlys"] = LOCKOUT
    await broker.problem()
    del zoho.simulator.forced_kinds["nordlys"]
    assert (await same_token(broker).problem()).retry_at == START + 10 * MINUTE
    assert zoho.token_request_count == 1
    await BrokerUnderTest(zoho, "kestrel").request()


async def test_who_signs_in_again_is_not_held_up_by_the_lock_out_of_the_token_before(
    zoho: ZohoEnvironment, broker: BrokerUnderTest
) -> None:
    zoho.simulator.forced_kinds["nordlys"] = LOCKOUT
    await broker.problem()
    del zoho.simulator.forced_kinds["nordlys"]
    broker.sign_in = SignInCredentials(broker.sign_in.client_secret, Secret("1000.another.refresh-token"))
    assert (await broker.problem()).code == "invalid_code"
    assert zoho.token_request_count == 2


async def test_a_lock_out_counts_from_zohos_answer(clock: FakeClock) -> None:
    """A request made too soon would fall into the lock-out and prolong it."""

    async def travel() -> None:
        clock.jump_wall_clock(15 * SECOND)

    async with zoho_environment(clock, during_call=travel) as zoho:
        zoho.simulator.forced_kinds["nordlys"] = LOCKOUT
        assert (await BrokerUnderTest(zoho).problem()).retry_at == clock.now() + 10 * MINUTE
        assert clock.now() > START


@pytest.mark.parametrize("strikes", [1, 2, 3, 9])
async def test_a_lock_out_written_while_the_clock_was_ahead_lasts_no_longer_than_the_longest(
    clock: FakeClock, strikes: int
) -> None:
    class Ahead(TokenBudget):
        async def find_lockout(self, token: str) -> Lockout | None:
            return await super().find_lockout(token) or Lockout(START + timedelta(days=365), strikes)

    journal = MemoryJournal()
    journal.tokens = Ahead(journal._database)
    async with zoho_environment(clock, journal) as zoho:
        broker = BrokerUnderTest(zoho)
        assert (await broker.problem()).retry_at == START + MAX_LOCKOUT
        clock.jump_wall_clock(MINUTE)
        assert (await broker.problem()).retry_at == START + MAX_LOCKOUT
        assert zoho.calls == []


# The budget


async def test_nine_tokens_may_be_asked_for_at_once_and_the_tenth_is_put_off(clock: FakeClock) -> None:
    assert ZOHOS_LIMIT - 1 == MAX_TOKENS_PER_WINDOW
    async with zoho_environment(clock) as zoho:
        broker = BrokerUnderTest(zoho)
        await broker.use_up()
        problem = await broker.problem()
        assert (problem.kind, problem.code, problem.final) == ("throttled", TOKEN_BUDGET_EXHAUSTED, False)
        assert problem.retry_at == START + REQUEST_WINDOW
        assert zoho.calls == ["token 200"] * 9
        clock.jump_wall_clock(REQUEST_WINDOW - SECOND)
        assert (await broker.problem()).forbids_early_retry
        clock.jump_wall_clock(SECOND)
        await broker.request()


async def test_a_failed_request_counts_like_any_other(
    zoho: ZohoEnvironment, broker: BrokerUnderTest
) -> None:
    for kind in ("invalid_code", "general_error", "invalid_client_secret") * 3:
        zoho.simulator.forced_kinds["nordlys"] = kind
        assert (await broker.problem()).code == kind
    assert (await broker.problem()).code == TOKEN_BUDGET_EXHAUSTED
    assert zoho.token_request_count == 9


async def test_what_we_put_off_ourselves_is_no_lock_out(clock: FakeClock, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with zoho_environment(clock, path) as zoho:
        broker = BrokerUnderTest(zoho)
        await broker.use_up()
        for _ in range(50):
            await broker.problem()
        with raw_database(path) as kept:
            assert kept.execute("SELECT count(*) FROM lockout").fetchone() == (0,)


async def test_orgs_with_one_token_share_its_budget(zoho: ZohoEnvironment, broker: BrokerUnderTest) -> None:
    await broker.use_up()
    assert (await same_token(broker).problem()).code == TOKEN_BUDGET_EXHAUSTED
    await BrokerUnderTest(zoho, "kestrel").request()


async def test_another_data_center_counts_for_itself(
    zoho: ZohoEnvironment, broker: BrokerUnderTest
) -> None:
    """Zoho's data centers count separately; a search for the right one asks several."""
    await broker.use_up()
    assert (await broker.problem(DATA_CENTERS["eu"])).code == TOKEN_BUDGET_EXHAUSTED
    assert (await broker.problem(DATA_CENTERS["us"])).code == "invalid_client"
    assert zoho.simulator.request_records[-1].host == "accounts.zoho.com"


async def test_processes_share_one_budget(clock: FakeClock, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with (
        zoho_environment(clock) as zoho,
        restarted(zoho, path) as one,
        restarted(zoho, path) as other,
    ):
        asked = [broker.request() for broker in (one, other) * 10]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(outcome, AccessToken) for outcome in outcomes) == 9
        assert zoho.calls == ["token 200"] * 9


async def test_without_a_journal_a_process_keeps_to_the_budget(clock: FakeClock, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with zoho_environment(clock, tmp_path / "file" / "journal.db") as zoho:
        broker = BrokerUnderTest(zoho)
        await broker.use_up()
        assert (await broker.problem()).code == TOKEN_BUDGET_EXHAUSTED


async def test_the_token_of_a_new_sign_in_counts(zoho: ZohoEnvironment, broker: BrokerUnderTest) -> None:
    await broker.broker.record_first_token(broker.org, broker.sign_in)
    for _ in range(8):
        await broker.request()
    assert (await broker.problem()).code == TOKEN_BUDGET_EXHAUSTED


async def test_a_new_sign_in_needs_no_budget_left(zoho: ZohoEnvironment, broker: BrokerUnderTest) -> None:
    await broker.use_up()
    await broker.broker.record_first_token(broker.org, broker.sign_in)
    assert (await broker.problem()).retry_at == START + REQUEST_WINDOW


# Client credentials, which have no refresh token


def broker_for_client_credentials(zoho: ZohoEnvironment, name: str = "nordlys") -> BrokerUnderTest:
    broker = BrokerUnderTest(zoho, name)
    invented = zoho.simulator.world.orgs[name]
    soid = f"ZohoCRM.{invented.number:011}"
    broker.org = replace(broker.org, grant="client-credentials", soid=soid)
    broker.sign_in = SignInCredentials(broker.sign_in.client_secret)
    return broker


async def test_client_credentials_are_counted_by_client_and_org(zoho: ZohoEnvironment) -> None:
    broker = broker_for_client_credentials(zoho)
    await broker.use_up()
    assert (await broker.problem()).code == TOKEN_BUDGET_EXHAUSTED
    await BrokerUnderTest(zoho).request()  # by the refresh token, which has a count of its own
    broker.org = replace(broker.org, soid="ZohoCRM.1")
    assert (await broker.problem()).code == "missing_org_info"
    await broker_for_client_credentials(zoho, "kestrel").request()


async def test_a_left_over_refresh_token_is_nothing_to_client_credentials(zoho: ZohoEnvironment) -> None:
    broker = broker_for_client_credentials(zoho)
    await broker.use_up()
    broker.sign_in = SignInCredentials(broker.sign_in.client_secret, Secret("1000.left.over"))
    assert (await broker.problem()).code == TOKEN_BUDGET_EXHAUSTED


# Grant codes


async def test_a_code_is_spent_once(clock: FakeClock, zoho: ZohoEnvironment) -> None:
    broker = TokenBroker(zoho.http, zoho.journal, clock)
    await broker.claim_code(CODE)
    for _ in range(3):
        with pytest.raises(ProblemError) as caught:
            await broker.claim_code(CODE)
        assert (caught.value.problem.code, caught.value.problem.final) == ("USED_CODE", True)
        clock.jump_wall_clock(9 * MINUTE)
    await broker.claim_code(Secret("1000.another.code"))


async def test_a_spent_code_is_known_to_all_by_its_fingerprint(clock: FakeClock, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with zoho_environment(clock) as zoho:
        async with restarted(zoho, path) as first:
            await first.broker.claim_code(CODE)
        async with restarted(zoho, path) as second:
            with pytest.raises(ProblemError):
                await second.broker.claim_code(CODE)
        assert zoho.calls == []


def content_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_no_secret_is_written_down_or_shown(clock: FakeClock, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with zoho_environment(clock) as zoho, restarted(zoho, path) as broker:
        zoho.simulator.forced_kinds["nordlys"] = LOCKOUT
        problems = [await broker.problem(), await broker.problem()]
        del zoho.simulator.forced_kinds["nordlys"]
        clock.jump_wall_clock(10 * MINUTE)
        access = await broker.request()
        await broker.broker.claim_code(CODE)
        refresh = broker.sign_in.refresh_token
        assert refresh is not None
        written = content_of(tmp_path)
        for secret in (CODE, access.token, refresh, broker.sign_in.client_secret):
            assert secret.reveal().encode() not in written
            assert secret.reveal() not in repr(problems)


# Any sequence of requests


def exceeds_limit(at: list[datetime]) -> bool:
    """Whether ten of these times are within ten minutes."""
    return any(
        later - sooner < ZOHOS_WINDOW for sooner, later in zip(at, at[ZOHOS_LIMIT - 1 :], strict=False)
    )


WHO = st.sampled_from(["ask", "ask", "restart", "other"])
STEPS = st.lists(
    st.tuples(st.sampled_from([0, 0, 1, 20, 58, 240]), st.sampled_from([0, 0, 15, 59]), WHO),
    min_size=20,
    max_size=60,
)
"""Steps: seconds that pass, seconds that the request takes, and who asks."""


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_zoho_never_sees_ten_requests_in_ten_minutes(steps: list[tuple[int, int, str]]) -> None:
    async def live(path: Path) -> None:
        clock, travels = FakeClock(), timedelta()

        async def travel() -> None:
            nonlocal travels
            clock.jump_wall_clock(travels)
            travels = timedelta()

        async with zoho_environment(clock, during_call=travel) as zoho:
            journal = open_journal(path)
            for seconds, late, who in steps:
                clock.jump_wall_clock(seconds * SECOND)
                travels = late * SECOND
                if who == "restart":
                    await journal.close()
                    journal = open_journal(path)
                broker = BrokerUnderTest(zoho, journal=journal)
                await _ask(same_token(broker) if who == "other" else broker)
            await journal.close()
            assert "token 200" in zoho.calls
            assert not exceeds_limit([request.at for request in zoho.simulator.request_records])

    async def _ask(broker: BrokerUnderTest) -> None:
        try:
            await broker.request()
        except ProblemError as error:
            assert error.problem.code == TOKEN_BUDGET_EXHAUSTED
            assert error.problem.retry_at is not None
            assert (
                broker.zoho.clock.now() < error.problem.retry_at <= broker.zoho.clock.now() + REQUEST_WINDOW
            )

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder) / "journal.db"))
