"""One org's conversation with Zoho: how few tokens it asks for, and what keeps it from asking."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.clock import START, FakeClock
from tests.support.zoho import sign_in_of
from tests.watch.scene import MINUTE, Street, street
from zbtui.core.org import Org
from zbtui.core.secret import AccessToken, Secret, SignIn
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.store.memory import MemoryCredentials
from zbtui.watch.session import Session
from zbtui.zoho.datacenter import data_center_of
from zbtui.zoho.oauth import request_access_token

FOREIGN = "https://zoho.example.com"
LATER = 10 * MINUTE
"""Within a token's hour, and not so soon that asking for another one would be pushing."""


async def trouble_of(session: Session) -> Trouble:
    with pytest.raises(TroubleError) as caught:
        await session.look()
    return caught.value.trouble


class FullKeyring(MemoryCredentials):
    """Gives out what it holds, and takes no access token."""

    async def write_access(self, org_name: str, access: AccessToken) -> None:
        raise TroubleError(Trouble("keyring", "The keyring failed.", "Mend it."))


# The token's hour


async def test_many_looks_share_one_token(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        session = zoho.session()
        for _ in range(20):
            looked = await session.look()
            assert looked.backup is not None
            assert looked.backup.status == "SCHEDULED"
            clock.jump(MINUTE)
        assert zoho.calls == ["token 200"] + ["backup 200"] * 20


async def test_a_look_tells_zohos_time_and_the_credits_left(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        looked = await zoho.session("kestrel").look()
        assert looked.zoho_time == START
        assert looked.credits_remaining == 1840


async def test_processes_one_after_the_other_share_one_token(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        for _ in range(100):
            await zoho.session().look()
        assert zoho.tokens == 1


async def test_processes_that_start_at_once_share_one_token(clock: FakeClock) -> None:
    async with street(clock, pause=lambda: asyncio.sleep(0)) as zoho:
        await asyncio.gather(*(zoho.session().look() for _ in range(12)))
        assert zoho.tokens == 1


async def test_each_org_has_a_token_of_its_own(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        for name in ("nordlys", "kestrel", "nordlys", "kestrel"):
            await zoho.session(name).look()
        assert zoho.tokens == 2


@pytest.mark.parametrize(("age", "tokens"), [(timedelta(minutes=54, seconds=59), 1), (55 * MINUTE, 2)])
@pytest.mark.parametrize("restarted", [False, True])
async def test_a_token_is_renewed_five_minutes_before_its_end(
    clock: FakeClock, age: timedelta, tokens: int, restarted: bool
) -> None:
    async with street(clock) as zoho:
        session = zoho.session()
        await session.look()
        clock.jump(age)
        await (zoho.session() if restarted else session).look()
        assert zoho.tokens == tokens
        assert "backup 401" not in zoho.calls


async def test_the_token_of_client_credentials_lives_as_long(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        invented = zoho.simulator.world.orgs["nordlys"]
        org = Org("cc", "eu", invented.client_id, "client-credentials", f"ZohoCRM.{invented.number:011}")
        await zoho.credentials.write_sign_in("cc", SignIn(Secret(invented.client_secret)))
        session = Session(org, zoho.http, zoho.credentials, zoho.journal, clock)
        await session.look()
        await session.look()
        assert zoho.calls == ["token 200", "backup 200", "backup 200"]


# A token that is refused


async def test_a_refused_token_is_renewed_once_and_tried_once_more(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        session = zoho.session()
        await session.look()
        clock.jump(LATER)
        zoho.simulator.expire_tokens()
        looked = await session.look()
        assert looked.backup is not None
        assert zoho.calls[2:] == ["backup 401", "token 200", "backup 200"]


@pytest.mark.parametrize("code", ["INVALID_TOKEN", "INVALID_OAUTHTOKEN", "AUTHENTICATION_FAILURE"])
async def test_every_name_of_a_refused_token_costs_one_renewal_and_no_more(
    clock: FakeClock, code: str
) -> None:
    async with street(clock) as zoho:
        session = zoho.session()
        await session.look()
        clock.jump(LATER)
        zoho.simulator.forced["nordlys"] = code
        trouble = await trouble_of(session)
        assert zoho.calls[2:] == ["backup 401", "token 200", "backup 401"]
        assert (trouble.kind, trouble.code, trouble.http_status) == ("auth", code, 401)
        assert "EU" in trouble.hint  # such a refusal is most often a wrong data center


async def test_a_token_that_is_refused_when_it_is_fresh_is_not_renewed_again(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        zoho.simulator.forced["nordlys"] = "INVALID_TOKEN"
        assert (await trouble_of(zoho.session())).code == "INVALID_TOKEN"
        assert zoho.calls == ["token 200", "backup 401"]


@pytest.mark.parametrize(
    ("pause", "restarts"),
    [
        pytest.param(timedelta(seconds=5), False, id="r pressed again and again"),
        pytest.param(timedelta(seconds=30), True, id="check run by two cron jobs each minute"),
    ],
)
async def test_tokens_that_are_refused_again_and_again_lead_to_no_lock_out(
    clock: FakeClock, pause: timedelta, restarts: bool
) -> None:
    """Zoho gives ten tokens in ten minutes: one a look would be too many."""
    async with street(clock) as zoho:
        zoho.simulator.forced["nordlys"] = "INVALID_TOKEN"
        session = zoho.session()
        for _ in range(40):
            session = zoho.session() if restarts else session
            assert (await trouble_of(session)).code == "INVALID_TOKEN"
            clock.jump(pause)


@pytest.mark.parametrize("code", ["OAUTH_SCOPE_MISMATCH", "NO_PERMISSION", "INTERNAL_ERROR", "HTML"])
async def test_other_refusals_cost_no_token(clock: FakeClock, code: str) -> None:
    async with street(clock) as zoho:
        session = zoho.session()
        await session.look()
        zoho.simulator.forced["nordlys"] = code
        await trouble_of(session)
        assert zoho.tokens == 1
        assert len(zoho.calls) == 3


async def test_a_token_that_another_process_renewed_is_taken_over(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        one, other = zoho.session(), zoho.session()
        await one.look()
        await other.look()
        clock.jump(LATER)
        zoho.simulator.expire_tokens()
        await other.look()
        assert zoho.tokens == 2
        await one.look()
        assert zoho.tokens == 2
        assert zoho.calls[-2:] == ["backup 401", "backup 200"]


async def test_a_taken_over_token_that_is_refused_as_well_is_renewed(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        one, other = zoho.session(), zoho.session()
        await one.look()
        clock.jump(LATER)
        zoho.simulator.expire_tokens()
        await other.look()
        clock.jump(LATER)
        zoho.simulator.expire_tokens()
        assert (await one.look()).backup is not None


# Lock-outs


async def test_a_lock_out_is_kept_for_ten_minutes_and_across_restarts(
    clock: FakeClock, tmp_path: Path
) -> None:
    async with street(clock, tmp_path / "journal.db") as zoho:
        zoho.simulator.forced["nordlys"] = "Access Denied"
        trouble = await trouble_of(zoho.session())
        assert (trouble.kind, trouble.is_lockout, trouble.final) == ("throttled", True, False)
        assert trouble.retry_at == START + 10 * MINUTE
    async with street(clock, tmp_path / "journal.db") as zoho:
        for _ in range(10):
            trouble = await trouble_of(zoho.session())
            assert (trouble.is_lockout, trouble.retry_at) == (True, START + 10 * MINUTE)
            clock.jump(timedelta(seconds=59))
        assert zoho.calls == []
        clock.jump(timedelta(seconds=10))
        await zoho.session().look()
        assert zoho.calls == ["token 200", "backup 200"]


async def test_each_lock_out_in_a_row_lasts_twice_as_long_up_to_forty_minutes(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        zoho.simulator.forced["nordlys"] = "Access Denied"
        lasted = []
        for _ in range(4):
            until = (await trouble_of(zoho.session())).retry_at
            assert until is not None
            lasted.append((until - clock.now()) // MINUTE)
            clock.jump(until - clock.now())
        assert lasted == [10, 20, 40, 40]
        assert zoho.tokens == 4


async def test_a_new_token_ends_the_row_of_lock_outs(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        zoho.simulator.forced["nordlys"] = "Access Denied"
        session = zoho.session()
        for _ in range(2):
            await trouble_of(session)
            clock.jump(40 * MINUTE)
        del zoho.simulator.forced["nordlys"]
        await session.look()
        assert await zoho.journal.lockout(zoho.org()) is None
        clock.jump(55 * MINUTE)
        zoho.simulator.forced["nordlys"] = "Access Denied"
        assert (await trouble_of(session)).retry_at == clock.now() + 10 * MINUTE


async def test_a_lock_out_counts_from_zohos_answer(clock: FakeClock) -> None:
    """Asked too soon, the next request would fall into the lock-out and prolong it."""

    async def travel() -> None:
        clock.jump(timedelta(seconds=15))

    async with street(clock, pause=travel) as zoho:
        zoho.simulator.forced["nordlys"] = "Access Denied"
        trouble = await trouble_of(zoho.session())
        assert trouble.retry_at is not None
        assert trouble.retry_at >= clock.now() + 10 * MINUTE


async def test_a_lock_out_written_while_the_clock_was_ahead_ends_all_the_same(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        zoho.simulator.forced["nordlys"] = "Access Denied"
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
        zoho.simulator.forced["nordlys"] = "Access Denied"
        await trouble_of(zoho.session("nordlys"))
        assert (await zoho.session("kestrel").look()).backup is not None


async def test_a_token_that_still_lives_is_used_through_a_lock_out(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        session = zoho.session()
        await session.look()
        clock.jump(LATER)
        zoho.simulator.expire_tokens()
        zoho.simulator.forced["nordlys"] = "Access Denied"
        assert (await trouble_of(session)).is_lockout
        del zoho.simulator.forced["nordlys"]
        live = await _token_from_elsewhere(zoho)
        await zoho.credentials.write_access("nordlys", live)
        assert (await zoho.session().look()).backup is not None


async def _token_from_elsewhere(zoho: Street) -> AccessToken:
    """Made by a machine that shares the sign-in, but not the journal."""
    org = zoho.org()
    sign_in = sign_in_of(zoho.simulator.world.orgs[org.name])
    return await request_access_token(zoho.http, org, data_center_of(org), sign_in, zoho.clock.now())


# What is stored


async def test_without_a_sign_in_nothing_is_asked(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        await zoho.credentials.delete("nordlys")
        trouble = await trouble_of(zoho.session())
        assert (trouble.kind, trouble.final) == ("auth", True)
        assert "zbtui add" in trouble.hint
        assert zoho.calls == []


async def test_without_the_refresh_token_that_its_grant_needs_nothing_is_asked(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        await zoho.credentials.write_sign_in("nordlys", SignIn(Secret("a secret alone")))
        assert (await trouble_of(zoho.session())).final
        assert zoho.calls == []


async def test_a_dead_refresh_token_is_told_and_asked_for_once(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        zoho.simulator.forced["nordlys"] = "invalid_code"
        trouble = await trouble_of(zoho.session())
        assert (trouble.kind, trouble.code, trouble.final) == ("auth", "invalid_code", True)
        assert "EU" in trouble.hint
        assert zoho.calls == ["token 200"]


async def test_a_cache_that_cannot_be_written_is_told_but_the_token_is_kept(clock: FakeClock) -> None:
    async with street(clock, credentials=FullKeyring()) as zoho:
        session = zoho.session()
        assert (await trouble_of(session)).kind == "keyring"
        assert (await session.look()).backup is not None
        assert zoho.tokens == 1


@pytest.mark.parametrize("known", [False, True])
async def test_a_cached_token_never_goes_to_a_foreign_host(clock: FakeClock, known: bool) -> None:
    async with street(clock) as zoho:
        await zoho.session().look()
        cached = await zoho.credentials.read_access("nordlys")
        assert cached is not None
        token = cached.token if known else Secret("1000.not.known")
        await zoho.credentials.write_access("nordlys", AccessToken(token, FOREIGN, cached.expires_at))
        clock.jump(LATER)
        assert (await zoho.session().look()).backup is not None
        assert {request.host for request in zoho.simulator.requests} == {
            "accounts.zoho.eu",
            "www.zohoapis.eu",
        }
        assert zoho.tokens == 2


async def test_no_secret_is_ever_in_a_url(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        await zoho.session().look()
        assert [request.query for request in zoho.simulator.requests] == ["", ""]


async def test_a_keyring_that_cannot_be_read_is_told_and_no_token_is_spent(clock: FakeClock) -> None:
    class Locked(MemoryCredentials):
        async def read_access(self, org_name: str) -> AccessToken | None:
            raise TroubleError(Trouble("keyring", "The keyring is locked.", "Unlock it."))

    async with street(clock, credentials=Locked()) as zoho:
        assert (await trouble_of(zoho.session())).kind == "keyring"
        assert zoho.calls == []
