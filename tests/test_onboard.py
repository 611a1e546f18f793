"""Putting an org under watch and taking it off: all of it, or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.build import seen
from tests.support.clock import FakeClock
from tests.support.zoho import make_simulator, sign_in_of
from tests.watch.scene import MINUTE
from zbtui.core.org import Org
from zbtui.core.secret import AccessToken, Secret, SignIn
from zbtui.core.snapshot import Looked
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.demo.household import watched
from zbtui.demo.server import serve_in_process
from zbtui.demo.zoho import Simulator
from zbtui.onboard import Household, put_under_watch, take_off_watch
from zbtui.store.config import Rules, load_config
from zbtui.store.credentials import FOREIGN_ENTRY
from zbtui.store.journal import Lockout, open_journal
from zbtui.store.memory import MemoryCredentials
from zbtui.zoho.datacenter import DATA_CENTERS, check_custom_url, is_loopback
from zbtui.zoho.http import Http

RULES = Rules(frozenset(DATA_CENTERS), check_custom_url, is_loopback)
OLD = SignIn(Secret("an older secret"), Secret("an older token"))
COMMENTED = """# ours
[watch]
every = "10m"  # slowly

# the first one
[[org]]
name = "acme"
data_center = "us"
client_id = "1000.ABC"
"""
UNEDITABLE = 'org = [{ name = "acme", data_center = "us", client_id = "1000.ABC" }]\n'
"""Legal, and in a shape to which no [[org]] can be added."""


class Keyring(MemoryCredentials):
    """Fails once, where a test says, and lets its entries be seen."""

    def __init__(self) -> None:
        super().__init__()
        self.fails_at: str | None = None
        self.error: BaseException = TroubleError(Trouble("keyring", "The keyring is locked.", "Unlock it."))

    def entries(self, name: str) -> tuple[SignIn | None, AccessToken | None]:
        return self._sign_ins.get(name), self._accesses.get(name)

    def _may(self, call: str) -> None:
        if call == self.fails_at:
            self.fails_at = None
            raise self.error

    async def read_sign_in(self, org_name: str) -> SignIn | None:
        self._may("read the sign-in")
        return await super().read_sign_in(org_name)

    async def write_sign_in(self, org_name: str, sign_in: SignIn) -> None:
        self._may("write the sign-in")
        await super().write_sign_in(org_name, sign_in)

    async def write_access(self, org_name: str, access: AccessToken) -> None:
        self._may("write the token")
        await super().write_access(org_name, access)

    async def delete(self, org_name: str) -> None:
        self._may("delete")
        await super().delete(org_name)


@dataclass
class Home:
    """A user's stores, and a Zoho to verify with."""

    household: Household
    keyring: Keyring
    simulator: Simulator
    http: Http
    clock: FakeClock

    def org(self, name: str = "nordlys") -> Org:
        return watched(self.simulator.world.orgs[name])

    def sign_in(self, name: str = "nordlys") -> SignIn:
        return sign_in_of(self.simulator.world.orgs[name])

    async def add(self, name: str = "nordlys", *, verified: bool = True) -> Looked | None:
        org, sign_in, now = self.org(name), self.sign_in(name), self.clock.now()
        return await put_under_watch(self.household, self.http, org, sign_in, now, verified=verified)

    @property
    def config(self) -> str | None:
        path = self.household.config
        return path.read_text() if path.exists() else None

    @property
    def names(self) -> list[str]:
        return [org.name for org in load_config(self.household.config, RULES).orgs]

    @property
    def statuses(self) -> list[int]:
        return [request.status for request in self.simulator.requests]


@asynccontextmanager
async def home_in(folder: Path, clock: FakeClock) -> AsyncIterator[Home]:
    keyring, simulator = Keyring(), make_simulator(clock)
    journal = open_journal(folder / "journal.db")
    household = Household(folder / "config.toml", folder / "config.lock", RULES, keyring, journal)
    async with Http(serve_in_process(simulator)) as http:
        yield Home(household, keyring, simulator, http, clock)
    await journal.close()


@pytest.fixture
async def home(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Home]:
    async with home_in(tmp_path, clock) as made:
        yield made


async def refused(attempt: Awaitable[object]) -> Trouble:
    with pytest.raises(TroubleError) as caught:
        await attempt
    return caught.value.trouble


# Adding


async def test_an_org_is_verified_and_then_kept(home: Home) -> None:
    looked = await home.add()
    assert looked is not None
    assert looked.backup is not None
    assert looked.backup.status == "SCHEDULED"
    assert load_config(home.household.config, RULES).orgs == (home.org(),)
    sign_in, access = home.keyring.entries("nordlys")
    assert sign_in == home.sign_in()
    assert access is not None
    assert home.statuses == [200, 200]


async def test_the_token_of_the_verification_is_the_first_one_of_the_watch(home: Home) -> None:
    await home.add()
    access = await home.keyring.read_access("nordlys")
    assert access is not None
    assert access.is_good(home.clock.now())
    assert access.api_url == "https://www.zohoapis.eu"


async def test_no_secret_goes_into_the_config(home: Home) -> None:
    await home.add()
    config, sign_in = home.config or "", home.sign_in()
    assert sign_in.refresh_token is not None
    assert sign_in.client_secret.reveal() not in config
    assert sign_in.refresh_token.reveal() not in config


async def test_an_org_without_a_backup_may_be_watched_all_the_same(home: Home) -> None:
    home.simulator.forced["nordlys"] = "NONE"
    looked = await home.add()
    assert looked is not None
    assert looked.backup is None
    assert home.names == ["nordlys"]


async def test_unverified_nothing_is_asked_and_all_is_kept(home: Home) -> None:
    assert await home.add(verified=False) is None
    assert home.statuses == []
    assert home.names == ["nordlys"]
    assert home.keyring.entries("nordlys") == (home.sign_in(), None)


async def test_what_the_config_says_besides_stays(home: Home) -> None:
    home.household.config.write_text(COMMENTED)
    await home.add()
    assert home.config is not None
    assert home.config.startswith(COMMENTED)
    assert home.names == ["acme", "nordlys"]


async def test_what_was_seen_of_an_earlier_org_of_that_name_goes_and_a_lock_out_stays(
    home: Home,
) -> None:
    org = home.org()
    await home.household.journal.save(seen("nordlys"))
    await home.household.journal.set_lockout(org, Lockout(home.clock.now() - MINUTE, 3))
    await home.add()
    assert home.household.journal.load([seen("nordlys").org]) == {}
    assert await home.household.journal.lockout(org) is not None


async def test_a_sign_in_left_over_from_before_is_replaced_with_its_token(home: Home) -> None:
    await home.keyring.write_sign_in("nordlys", OLD)
    await home.keyring.write_access("nordlys", token_of(OLD, home))
    await home.add(verified=False)
    assert home.keyring.entries("nordlys") == (home.sign_in(), None)


def token_of(sign_in: SignIn, home: Home) -> AccessToken:
    text = f"1000.token.of {sign_in.client_secret.reveal()}".replace(" ", "-")
    return AccessToken(Secret(text), "https://www.zohoapis.eu", home.clock.now() + 60 * MINUTE)


# Adding that fails


def _refused_by_zoho(home: Home, kind: str) -> str:
    home.simulator.forced["nordlys"] = kind
    return {"NO_PERMISSION": "permission", "Access Denied": "throttled"}.get(kind, "auth")


def _uneditable(home: Home) -> str:
    home.household.config.write_text(UNEDITABLE)
    return "config"


def _unwritable(home: Home) -> str:
    # A file where the lock's folder should be: the config cannot be edited, though it can be read.
    blocked = home.household.config.parent / "blocked"
    blocked.write_text("")
    home.household = replace(home.household, config_lock=blocked / "config.lock")
    return "config"


def _keyring_fails_at(home: Home, call: str) -> str:
    home.keyring.fails_at = call
    return "keyring"


FAILURES = [
    pytest.param(lambda home: _refused_by_zoho(home, "invalid_code"), id="dead refresh token"),
    pytest.param(lambda home: _refused_by_zoho(home, "invalid_client_secret"), id="wrong secret"),
    pytest.param(lambda home: _refused_by_zoho(home, "Access Denied"), id="lock-out"),
    pytest.param(lambda home: _refused_by_zoho(home, "OAUTH_SCOPE_MISMATCH"), id="scope"),
    pytest.param(lambda home: _refused_by_zoho(home, "NO_PERMISSION"), id="permission"),
    pytest.param(lambda home: _keyring_fails_at(home, "read the sign-in"), id="keyring, reading"),
    pytest.param(lambda home: _keyring_fails_at(home, "delete"), id="keyring, clearing"),
    pytest.param(lambda home: _keyring_fails_at(home, "write the sign-in"), id="keyring, first entry"),
    pytest.param(lambda home: _keyring_fails_at(home, "write the token"), id="keyring, second entry"),
    pytest.param(_uneditable, id="config, not to be edited"),
    pytest.param(_unwritable, id="config, not to be written"),
]


@pytest.mark.parametrize("break_it", FAILURES)
async def test_nothing_is_left_behind_by_an_org_that_could_not_be_added(
    home: Home, break_it: Callable[[Home], str]
) -> None:
    kind = break_it(home)
    config = home.config
    assert (await refused(home.add())).kind == kind
    assert home.keyring.entries("nordlys") == (None, None)
    assert home.config == config


@pytest.mark.parametrize("break_it", FAILURES)
async def test_a_sign_in_that_was_there_is_there_again_when_an_org_could_not_be_added(
    home: Home, break_it: Callable[[Home], str]
) -> None:
    await home.keyring.write_sign_in("nordlys", OLD)
    await home.keyring.write_access("nordlys", old_token := token_of(OLD, home))
    break_it(home)
    await refused(home.add())
    sign_in, access = home.keyring.entries("nordlys")
    assert sign_in == OLD
    # The token is but a cache; one of the new sign-in would look into another org.
    assert access in (old_token, None)


async def test_an_add_that_is_interrupted_leaves_nothing_behind(home: Home) -> None:
    home.keyring.fails_at, home.keyring.error = "write the token", asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await home.add()
    assert home.keyring.entries("nordlys") == (None, None)
    assert home.config is None


async def test_a_name_is_given_once(home: Home) -> None:
    await home.add()
    config, entries = home.config, home.keyring.entries("nordlys")
    trouble = await refused(home.add())
    assert trouble.kind == "config"
    assert "nordlys" in trouble.message
    assert (home.config, home.keyring.entries("nordlys")) == (config, entries)
    assert home.statuses == [200, 200]  # Zoho is not asked about it again


async def test_a_broken_config_is_told_before_zoho_is_asked(home: Home) -> None:
    home.household.config.write_text("[[org]\n")
    assert (await refused(home.add())).kind == "config"
    assert home.statuses == []
    assert home.config == "[[org]\n"


async def test_an_entry_that_is_not_zbtuis_does_not_stand_in_the_way(home: Home) -> None:
    home.keyring.fails_at = "read the sign-in"
    home.keyring.error = TroubleError(Trouble("keyring", "Not ours.", "Anew.", code=FOREIGN_ENTRY))
    await home.add()
    assert home.keyring.entries("nordlys")[0] == home.sign_in()


async def test_the_wrong_data_center_is_named(home: Home) -> None:
    invented = home.simulator.world.orgs["nordlys"]
    org = Org("nordlys", "us", invented.client_id)
    attempt = put_under_watch(home.household, home.http, org, home.sign_in(), home.clock.now())
    trouble = await refused(attempt)
    assert (trouble.kind, trouble.code, trouble.final) == ("auth", "invalid_client", True)
    assert "US" in trouble.hint
    assert home.config is None


# Removing


async def test_an_org_taken_off_watch_leaves_nothing_behind(home: Home) -> None:
    await home.add("nordlys")
    await home.add("kestrel")
    await home.household.journal.save(seen("nordlys"))
    await take_off_watch(home.household, "nordlys")
    assert home.names == ["kestrel"]
    assert home.keyring.entries("nordlys") == (None, None)
    assert home.household.journal.load([seen("nordlys").org]) == {}
    assert all(home.keyring.entries("kestrel"))


async def test_an_org_that_is_not_under_watch_cannot_be_taken_off(home: Home) -> None:
    await home.add("kestrel")
    await home.keyring.write_sign_in("nordlys", OLD)
    trouble = await refused(take_off_watch(home.household, "nordlys"))
    assert trouble.kind == "config"
    assert "kestrel" in trouble.hint
    assert home.keyring.entries("nordlys") == (OLD, None)


@pytest.mark.parametrize("call", ["read the sign-in", "delete"])
async def test_an_org_whose_credentials_cannot_be_deleted_stays_under_watch(home: Home, call: str) -> None:
    await home.add()
    config, entries = home.config, home.keyring.entries("nordlys")
    home.keyring.fails_at = call
    assert (await refused(take_off_watch(home.household, "nordlys"))).kind == "keyring"
    # The access token is a cache: it may be gone, and is then made anew.
    assert (home.config, home.keyring.entries("nordlys")[0]) == (config, entries[0])


@pytest.mark.parametrize("break_it", [_uneditable, _unwritable])
async def test_the_sign_in_comes_back_where_the_config_cannot_be_edited(
    home: Home, break_it: Callable[[Home], str]
) -> None:
    home.household.config.write_text(COMMENTED)
    break_it(home)
    config = home.config
    await home.keyring.write_sign_in("acme", OLD)
    await home.household.journal.save(seen("acme"))
    assert (await refused(take_off_watch(home.household, "acme"))).kind == "config"
    assert home.config == config
    assert home.keyring.entries("acme")[0] == OLD
    assert home.household.journal.load([seen("acme").org])


async def test_an_org_without_credentials_can_be_taken_off(home: Home) -> None:
    await home.add(verified=False)
    await home.keyring.delete("nordlys")
    await take_off_watch(home.household, "nordlys")
    assert home.names == []
