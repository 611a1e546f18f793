"""A fleet with scripted answers, and a config file that a test edits."""

from __future__ import annotations

import os
import random
from datetime import timedelta
from pathlib import Path

from tests.support.fake_clock import START, FakeClock
from tests.support.memory_journal import MemoryJournal
from tests.support.snapshots import good_observation, make_backup, make_org
from tests.watch.zoho_environment import FixedRng, ScriptedZoho
from zbtui.config.config_file import ConfigFile
from zbtui.config.config_watcher import ConfigWatcher
from zbtui.config.settings import Config
from zbtui.health.snapshot import Snapshot
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.journal import Journal
from zbtui.watch.fleet import Fleet, OrgChanges

DISTANT_RUN = good_observation(make_backup(scheduled_date=(START + timedelta(days=30)).isoformat()))
HOUR = timedelta(hours=1)


class EditedConfig:
    """A config file that a test edits."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "config.toml"
        self._changes = 0

    def open(self) -> ConfigFile:
        """Open it as zbtui does."""
        return ConfigFile(self.path, self.path.with_suffix(".lock"))

    def write(self, text: str) -> None:
        self.path.write_text(text)
        self._changes += 1
        # Distinct times: the file system's clock could give two writes the same time.
        os.utime(self.path, (self._changes, self._changes))

    def write_orgs(self, *names: str, head: str = "", client_id: str = "1000.ABC") -> None:
        orgs = [
            f'[[org]]\nname = "{name}"\ndata_center = "eu"\nclient_id = "{client_id}"\n' for name in names
        ]
        self.write("\n".join([head, *orgs]))


def org_table(name: str, data_center: str = "eu") -> str:
    return f'[[org]]\nname = "{name}"\ndata_center = "{data_center}"\nclient_id = "1000.ABC"\n'


class FleetDriver:
    """A fleet with scripted answers."""

    def __init__(
        self,
        clock: FakeClock,
        *names: str,
        journal: Journal | None = None,
        config: EditedConfig | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.clock = clock
        self.zoho = ScriptedZoho(clock, dict.fromkeys(names, DISTANT_RUN))
        self._journal, self._rng = journal or MemoryJournal(), rng or FixedRng()
        begun = Config(WatchPolicy(), tuple(make_org(name) for name in names))
        self.config = ConfigWatcher(begun, config.open().load_if_changed if config else lambda: None)
        self.fleet = self.open(begun)
        self.config.subscribe(self.fleet.apply)

    def open(self, config: Config) -> Fleet:
        return Fleet(config, self.zoho.open_poll, self._journal, self.clock, self._rng)

    def poll_count(self, name: str) -> int:
        return len(self.zoho.times(name))

    def snapshot(self, name: str) -> Snapshot:
        return next(one for one in self.fleet.snapshots if one.org.name == name)

    @property
    def names(self) -> list[str]:
        return [one.org.name for one in self.fleet.snapshots]

    def tick(self) -> OrgChanges:
        """Check the config for a change and tick the fleet, as the program does."""
        self.config.check_for_change()
        return self.fleet.tick()

    async def advance(self, span: timedelta | float) -> list[OrgChanges]:
        """Let time pass, ticking each second as the app does."""
        seconds = span.total_seconds() if isinstance(span, timedelta) else span
        changes = []
        for _ in range(int(seconds)):
            await self.clock.advance(1)
            changes.append(self.tick())
        return [change for change in changes if change != OrgChanges()]
