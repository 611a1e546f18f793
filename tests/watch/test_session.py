"""The session of one org: how few access tokens it asks for, and when it asks for none."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.fake_clock import START, FakeClock, run_until_idle
from tests.support.secret_service import SecretService
from tests.support.simulator import sign_in_of
from tests.watch.zoho_environment import (
    MINUTE,
    ZohoEnvironment,
    problem_of,
    token_from_elsewhere,
    zoho_environment,
)
from zbtui.health.observe import apply_observation
from zbtui.health.snapshot import Snapshot
from zbtui.model.org import Org
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken, Secret, SignInCredentials
from zbtui.store.credentials import MemoryCredentialStore
from zbtui.store.journal import open_journal
from zbtui.store.keyring_credentials import KeyringCredentialStore
from zbtui.watch.session import Session

FOREIGN = "https://zoho.example.com"
LATER = 10 * MINUTE
"""Within the hour of an access token, and long enough after the last token request."""


class FullCredentials(MemoryCredentialStore):
    """A store that can be read, but fails to store access tokens."""

    is_full = True

    async def write_access_token(self, org: Org, access: AccessToken) -> None:
        if self.is_full:
            raise ProblemError(Problem("keyring", "The keyring failed.", "Mend it."))
        await super().write_access_token(org, access)


# The token's hour


async def test_many_polls_share_one_token(clock: FakeClock, zoho: ZohoEnvironment) -> None:
    session = zoho.session()
    for _ in range(20):
        observation = await session.poll_details()
        assert observation.backup is not None
        assert observation.backup.status == "SCHEDULED"
        clock.jump_wall_clock(MINUTE)
    assert zoho.calls == ["token 200"] + ["backup 200"] * 20


async def test_a_token_can_be_had_without_a_poll_and_says_whether_it_is_new(zoho: ZohoEnvironment) -> None:
    session = zoho.session()
    made, fresh = await session.get_access_token()
    assert fresh
    assert await session.get_access_token() == (made, False)
    assert await zoho.session().get_access_token() == (made, False)
    other, fresh = await session.get_access_token(refused=made)
    assert fresh
    assert other.token != made.token
    assert zoho.calls == ["token 200"] * 2


async def test_a_poll_shows_zohos_time_and_the_credits_left(zoho: ZohoEnvironment) -> None:
    observation = await zoho.session("kestrel").poll_details()
    assert observation.server_time == START
    assert observation.credits_remaining == 1840


async def test_processes_one_after_the_other_share_one_token(zoho: ZohoEnvironment) -> None:
    for _ in range(100):
        await zoho.session().poll_details()
    assert zoho.token_request_count == 1


async def test_processes_that_start_at_once_share_one_token(clock: FakeClock) -> None:
    async with zoho_environment(clock, during_call=lambda: asyncio.sleep(0)) as zoho:
        await asyncio.gather(*(zoho.session().poll_details() for _ in range(12)))
        assert zoho.token_request_count == 1


async def test_each_org_has_a_token_of_its_own(zoho: ZohoEnvironment) -> None:
    for name in ("nordlys", "kestrel", "nordlys", "kestrel"):
        await zoho.session(name).poll_details()
    assert zoho.token_request_count == 2


@pytest.mark.parametrize(("age", "tokens"), [(timedelta(minutes=54, seconds=59), 1), (55 * MINUTE, 2)])
@pytest.mark.parametrize("restarted", [False, True])
async def test_a_token_is_renewed_five_minutes_before_its_end(
    clock: FakeClock, age: timedelta, tokens: int, restarted: bool, zoho: ZohoEnvironment
) -> None:
    session = zoho.session()
    await session.poll_details()
    clock.jump_wall_clock(age)
    await (zoho.session() if restarted else session).poll_details()
    assert zoho.token_request_count == tokens
    assert "backup 401" not in zoho.calls


async def test_a_token_of_client_credentials_lives_as_long(clock: FakeClock, zoho: ZohoEnvironment) -> None:
    invented = zoho.simulator.world.orgs["nordlys"]
    org = Org("cc", "eu", invented.client_id, "client-credentials", f"ZohoCRM.{invented.number:011}")
    await zoho.credentials.write_sign_in(org, SignInCredentials(Secret(invented.client_secret)))
    session = Session(org, zoho.http, zoho.credentials, zoho.journal, clock)
    await session.poll_details()
    await session.poll_details()
    assert zoho.calls == ["token 200", "backup 200", "backup 200"]


@pytest.mark.parametrize("keyring", [False, True], ids=["in memory", "in a real keyring"])
async def test_twenty_sessions_at_once_on_an_expired_token_make_one_request(
    keyring: bool, clock: FakeClock, tmp_path: Path, real_keyring: SecretService
) -> None:
    """Each session stands for a process: they share keyring, lock files and journal, and nothing else."""
    path = tmp_path / "journal.db"
    async with zoho_environment(clock, during_call=lambda: asyncio.sleep(0)) as zoho:
        first = KeyringCredentialStore(tmp_path) if keyring else zoho.credentials
        await first.write_sign_in(zoho.org(), sign_in_of(zoho.simulator.world.orgs["nordlys"]))
        old = AccessToken(Secret("1000.old"), "https://www.zohoapis.eu", clock.now())
        await first.write_access_token(zoho.org(), old)
        journals = [open_journal(path) for _ in range(20)]
        sessions = [
            Session(
                zoho.org(),
                zoho.http,
                KeyringCredentialStore(tmp_path) if keyring else first,
                journal,
                clock,
            )
            for journal in journals
        ]
        observations = await asyncio.gather(*(session.poll_details() for session in sessions))
        assert all(one.backup for one in observations)
        assert zoho.token_request_count == 1
        for journal in journals:
            await journal.close()
        await first.delete(zoho.org())


# A token that is refused


async def test_a_refused_token_is_renewed_and_tried_once(clock: FakeClock, zoho: ZohoEnvironment) -> None:
    session = zoho.session()
    await session.poll_details()
    clock.jump_wall_clock(LATER)
    zoho.simulator.expire_tokens()
    observation = await session.poll_details()
    assert observation.backup is not None
    assert zoho.calls[2:] == ["backup 401", "token 200", "backup 200"]


@pytest.mark.parametrize("code", ["INVALID_TOKEN", "INVALID_OAUTHTOKEN", "AUTHENTICATION_FAILURE"])
async def test_every_name_of_a_refused_token_costs_one_renewal_and_no_more(
    clock: FakeClock, code: str, zoho: ZohoEnvironment
) -> None:
    session = zoho.session()
    await session.poll_details()
    clock.jump_wall_clock(LATER)
    zoho.simulator.forced_kinds["nordlys"] = code
    problem = await problem_of(session)
    assert zoho.calls[2:] == ["backup 401", "token 200", "backup 401", "backup 401"]
    assert (problem.kind, problem.code, problem.http_status) == ("auth", code, 401)
    assert "EU" in problem.hint  # such a refusal is most often a wrong data center


async def test_a_new_token_that_is_refused_is_tried_once_more_and_not_renewed(
    zoho: ZohoEnvironment,
) -> None:
    zoho.simulator.forced_kinds["nordlys"] = "INVALID_TOKEN"
    assert (await problem_of(zoho.session())).code == "INVALID_TOKEN"
    assert zoho.calls == ["token 200", "backup 401", "backup 401"]


async def test_a_new_token_that_zoho_knows_a_moment_later_is_good(
    clock: FakeClock, zoho: ZohoEnvironment
) -> None:
    zoho.simulator.forced_kinds["nordlys"] = "INVALID_TOKEN"
    poll = asyncio.create_task(zoho.session().poll_details())
    while len(zoho.calls) < 2:
        await run_until_idle()
    del zoho.simulator.forced_kinds["nordlys"]
    await clock.advance(2.5)
    assert zoho.calls == ["token 200", "backup 401"]
    await clock.advance(0.5)
    assert (await poll).backup is not None
    assert zoho.calls == ["token 200", "backup 401", "backup 200"]


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_young_token_that_was_accepted_and_is_ended_elsewhere_is_renewed_at_once(
    clock: FakeClock, restarted: bool, zoho: ZohoEnvironment
) -> None:
    """Zoho ends the oldest token when another program asks for too many."""
    session = zoho.session()
    before = Snapshot(zoho.org())
    before = apply_observation(before, await session.poll(before), clock.now())
    clock.jump_wall_clock(timedelta(seconds=3))
    zoho.simulator.expire_tokens()
    asked = len(zoho.calls)
    session = zoho.session() if restarted else session
    assert (await session.poll(before)).backup is not None
    assert zoho.calls[asked : asked + 3] == ["backup 401", "token 200", "backup 200"]


@pytest.mark.parametrize(
    ("pause", "restarts"),
    [
        pytest.param(timedelta(seconds=5), False, id="r pressed again and again"),
        pytest.param(timedelta(seconds=30), True, id="check run by two cron jobs each minute"),
    ],
)
async def test_tokens_that_are_refused_again_and_again_lead_to_no_lock_out(
    clock: FakeClock, pause: timedelta, restarts: bool, zoho: ZohoEnvironment
) -> None:
    """Zoho gives ten tokens in ten minutes: one per poll would be too many."""
    zoho.simulator.forced_kinds["nordlys"] = "INVALID_TOKEN"
    session = zoho.session()
    for _ in range(40):
        session = zoho.session() if restarts else session
        assert (await problem_of(session)).code == "INVALID_TOKEN"
        clock.jump_wall_clock(pause)


@pytest.mark.parametrize("code", ["OAUTH_SCOPE_MISMATCH", "NO_PERMISSION", "INTERNAL_ERROR", "HTML"])
async def test_other_refusals_cost_no_token(code: str, zoho: ZohoEnvironment) -> None:
    session = zoho.session()
    await session.poll_details()
    zoho.simulator.forced_kinds["nordlys"] = code
    await problem_of(session)
    assert zoho.token_request_count == 1
    assert len(zoho.calls) == 3


async def test_a_token_renewed_elsewhere_is_taken_over(clock: FakeClock, zoho: ZohoEnvironment) -> None:
    one, other = zoho.session(), zoho.session()
    await one.poll_details()
    await other.poll_details()
    clock.jump_wall_clock(LATER)
    zoho.simulator.expire_tokens()
    await other.poll_details()
    assert zoho.token_request_count == 2
    await one.poll_details()
    assert zoho.token_request_count == 2
    assert zoho.calls[-2:] == ["backup 401", "backup 200"]


async def test_a_token_taken_over_is_renewed_if_refused(clock: FakeClock, zoho: ZohoEnvironment) -> None:
    one, other = zoho.session(), zoho.session()
    await one.poll_details()
    clock.jump_wall_clock(LATER)
    zoho.simulator.expire_tokens()
    await other.poll_details()
    clock.jump_wall_clock(LATER)
    zoho.simulator.expire_tokens()
    assert (await one.poll_details()).backup is not None


# A new sign-in


@pytest.mark.parametrize("code", ["OAUTH_SCOPE_MISMATCH", "NO_PERMISSION", "FEATURE_NOT_SUPPORTED"])
async def test_after_a_final_refusal_a_new_sign_in_is_taken_over(code: str, zoho: ZohoEnvironment) -> None:
    session = zoho.session()
    zoho.simulator.forced_kinds["nordlys"] = code
    assert (await problem_of(session)).final
    del zoho.simulator.forced_kinds["nordlys"]
    zoho.simulator.expire_tokens()
    await zoho.credentials.write_access_token(zoho.org(), await token_from_elsewhere(zoho))
    calls = len(zoho.calls)
    assert (await session.poll_details()).backup is not None
    assert zoho.calls[calls:] == ["backup 200"]


async def test_a_dead_sign_in_that_was_replaced_is_asked_with_the_new_one(zoho: ZohoEnvironment) -> None:
    good = await zoho.credentials.read_sign_in(zoho.org())
    assert good is not None
    dead = SignInCredentials(good.client_secret, Secret("1000.revoked"))
    await zoho.credentials.write_sign_in(zoho.org(), dead)
    session = zoho.session()
    assert (await problem_of(session)).code == "invalid_code"
    await zoho.credentials.write_sign_in(zoho.org(), good)
    assert (await session.poll_details()).backup is not None


@pytest.mark.parametrize("code", ["INTERNAL_ERROR", "TOO_MANY_REQUESTS", "OUTAGE", "RESET"])
async def test_after_other_problems_the_token_is_kept_and_not_reread(clock: FakeClock, code: str) -> None:
    class Counted(MemoryCredentialStore):
        reads = 0

        async def read_access_token(self, org: Org) -> AccessToken | None:
            self.reads += 1
            return await super().read_access_token(org)

    credentials = Counted()
    async with zoho_environment(clock, credentials=credentials) as zoho:
        session = zoho.session()
        await session.poll_details()
        before = credentials.reads
        zoho.simulator.forced_kinds["nordlys"] = code
        await problem_of(session)
        del zoho.simulator.forced_kinds["nordlys"]
        await session.poll_details()
        assert credentials.reads == before
        assert zoho.token_request_count == 1


# What is stored


async def test_without_a_sign_in_nothing_is_asked(zoho: ZohoEnvironment) -> None:
    await zoho.credentials.delete(zoho.org())
    problem = await problem_of(zoho.session())
    assert (problem.kind, problem.final) == ("auth", True)
    assert problem.hint == "Sign in again."
    assert zoho.calls == []


async def test_without_the_refresh_token_it_needs_nothing_is_asked(zoho: ZohoEnvironment) -> None:
    await zoho.credentials.write_sign_in(zoho.org(), SignInCredentials(Secret("a secret alone")))
    assert (await problem_of(zoho.session())).final
    assert zoho.calls == []


async def test_a_dead_refresh_token_is_shown_and_asked_for_once(zoho: ZohoEnvironment) -> None:
    zoho.simulator.forced_kinds["nordlys"] = "invalid_code"
    problem = await problem_of(zoho.session())
    assert (problem.kind, problem.code, problem.final) == ("auth", "invalid_code", True)
    assert "EU" in problem.hint
    assert zoho.calls == ["token 200"]


async def test_a_token_that_cannot_be_cached_is_used_and_the_keyring_is_shown_beside(
    clock: FakeClock,
) -> None:
    async with zoho_environment(clock, credentials=FullCredentials()) as zoho:
        session = zoho.session()
        for _ in range(2):
            assert (await session.poll_details()).backup is not None
            assert zoho.credentials.cache_problem is not None
            assert zoho.credentials.cache_problem.kind == "keyring"
        assert zoho.token_request_count == 1


async def test_a_cache_that_can_be_written_again_is_not_shown(clock: FakeClock) -> None:
    credentials = FullCredentials()
    async with zoho_environment(clock, credentials=credentials) as zoho:
        session = zoho.session()
        await session.poll_details()
        credentials.is_full = False
        clock.jump_wall_clock(timedelta(hours=1))
        await session.poll_details()
        assert credentials.cache_problem is None


async def test_the_org_number_is_kept_with_the_sign_in_once_it_is_known(
    clock: FakeClock, zoho: ZohoEnvironment
) -> None:
    session, before = zoho.session(), Snapshot(zoho.org())
    before = apply_observation(before, await session.poll(before), clock.now())
    assert before.zoho.company is not None
    clock.jump_wall_clock(timedelta(hours=1))
    await zoho.session().poll(before)
    kept = await zoho.credentials.read_sign_in(zoho.org())
    assert kept is not None
    assert kept.org_number == before.zoho.company.org_number is not None


@pytest.mark.parametrize("known", [False, True])
async def test_no_token_goes_to_foreign_hosts(clock: FakeClock, known: bool, zoho: ZohoEnvironment) -> None:
    await zoho.session().poll_details()
    cached = await zoho.credentials.read_access_token(zoho.org())
    assert cached is not None
    token = cached.token if known else Secret("1000.not.known")
    await zoho.credentials.write_access_token(zoho.org(), AccessToken(token, FOREIGN, cached.expires_at))
    clock.jump_wall_clock(LATER)
    assert (await zoho.session().poll_details()).backup is not None
    assert {request.host for request in zoho.simulator.request_records} == {
        "accounts.zoho.eu",
        "www.zohoapis.eu",
    }
    assert zoho.token_request_count == 2


async def test_no_secret_is_ever_in_a_url(zoho: ZohoEnvironment) -> None:
    await zoho.session().poll_details()
    assert [request.query for request in zoho.simulator.request_records] == ["", ""]


async def test_a_keyring_that_cannot_be_read_is_shown_and_no_token_is_spent(clock: FakeClock) -> None:
    class Locked(MemoryCredentialStore):
        async def read_access_token(self, org: Org) -> AccessToken | None:
            raise ProblemError(Problem("keyring", "The keyring is locked.", "Unlock it."))

    async with zoho_environment(clock, credentials=Locked()) as zoho:
        assert (await problem_of(zoho.session())).kind == "keyring"
        assert zoho.calls == []
