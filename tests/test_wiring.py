"""A watch as a command builds it: an edited config reaches each part that uses it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from tests.store.store_samples import sample_org
from tests.support.fake_clock import FakeClock
from tests.support.simulator import make_simulator, sign_in_of
from zbtui.config.config_store import MemoryConfigStore
from zbtui.config.settings import Config, JournalRetention, Settings
from zbtui.demo.demo_session import watched_org
from zbtui.demo.server import serve_in_process
from zbtui.health.alert_settings import AlertSettings
from zbtui.model.watch_policy import WatchPolicy
from zbtui.onboarding import OrgService, Stores
from zbtui.store.credentials import MemoryCredentialStore
from zbtui.store.journal import open_journal
from zbtui.wiring import Watch, make_fleet, make_watch
from zbtui.zoho.http import HttpClient

BEFORE = Config(
    WatchPolicy(),
    (sample_org(),),
    Settings(AlertSettings(failed_looks=5), JournalRetention(most_events=2000)),
)
HOURLY = WatchPolicy(every=timedelta(hours=1))
AFTER = Config(
    HOURLY, (sample_org("b"),), Settings(AlertSettings(bell=False), JournalRetention(most_events=3000))
)


class EditedConfig(MemoryConfigStore):
    settled = True

    def is_settled(self, now: datetime) -> bool:
        return self.settled

    def put(self, config: Config) -> None:
        self._config, self._changed = config, True


async def test_each_part_uses_the_config_and_then_the_changed_one() -> None:
    config, journal = EditedConfig(BEFORE), open_journal(None)
    org_service = OrgService(Stores(config, MemoryCredentialStore(), journal), HttpClient(), FakeClock())
    watch = make_watch(org_service, config.load())
    assert parts_of(watch) == BEFORE
    config.put(AFTER)
    assert parts_of(watch) == BEFORE  # until the ticker checks the config
    watch.config.check_for_change()
    assert parts_of(watch) == AFTER
    assert watch.fleet.tick().added == ("b",)
    await journal.close()


async def test_an_unsettled_config_removes_no_org() -> None:
    config, journal = EditedConfig(BEFORE), open_journal(None)
    org_service = OrgService(Stores(config, MemoryCredentialStore(), journal), HttpClient(), FakeClock())
    watch = make_watch(org_service, config.load())
    config.settled = False
    config.put(Config())  # as an editor leaves it for a moment
    for _ in range(2):
        watch.config.check_for_change()
        assert parts_of(watch) == BEFORE
    config.settled = True
    watch.config.check_for_change()
    assert parts_of(watch) == Config()
    await journal.close()


def parts_of(watch: Watch) -> Config:
    """The config that fleet, alerts and journal use, put together from their parts."""
    orgs = tuple(one.org for one in watch.fleet.snapshots)
    settings = Settings(watch.alerts.settings, watch.org_service.stores.journal.retention)
    return Config(watch.fleet.policy, orgs, settings)


async def test_a_fleet_polls_signed_in_and_shares_one_client(clock: FakeClock) -> None:
    simulator, credentials = make_simulator(clock), MemoryCredentialStore()
    names = ["nordlys", "kestrel"]
    invented = [simulator.world.orgs[name] for name in names]
    for one in invented:
        await credentials.write_sign_in(watched_org(one), sign_in_of(one))
    config, journal = Config(WatchPolicy(), tuple(watched_org(one) for one in invented)), open_journal(None)
    async with HttpClient(serve_in_process(simulator)) as http:
        fleet = make_fleet(config, http, credentials, journal, clock)
        snapshots = await fleet.poll_once(names)
    await journal.close()
    assert [one.zoho.backup.status for one in snapshots if one.zoho.backup] == ["SCHEDULED", "SCHEDULED"]
    asked = Counter(request.path.rsplit("/", 1)[-1] for request in simulator.request_records)
    assert asked == dict.fromkeys(("token", "backup", "history", "urls", "org"), 2)
