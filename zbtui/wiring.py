"""Builds what a command needs: the user's stores, the fleet, the alerts.

Imports are inside the functions, so that each command loads only what it uses.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import random

    from zbtui.alerts.dispatcher import AlertDispatcher
    from zbtui.clock import Clock
    from zbtui.config.config_file import ConfigFile
    from zbtui.config.config_watcher import ConfigWatcher
    from zbtui.config.settings import Config
    from zbtui.model.org import Org
    from zbtui.onboarding import OrgService
    from zbtui.store.credentials import CredentialStore
    from zbtui.store.journal import Journal
    from zbtui.store.keyring_credentials import KeyringCredentialStore
    from zbtui.store.paths import Paths
    from zbtui.watch.fleet import Fleet, PollFunction
    from zbtui.zoho.http import HttpClient


def paths_from_arguments(args: argparse.Namespace) -> Paths:
    """Return the paths of this user's files, which follow from `--config` and the environment."""
    from zbtui.store.paths import find_paths

    return find_paths(getattr(args, "config", None), os.environ)


def make_config_file(paths: Paths) -> ConfigFile:
    """Return the object that reads and writes this user's config file."""
    from zbtui.config.config_file import ConfigFile

    return ConfigFile(paths.config, paths.locks / "config.lock")


def make_credential_store(paths: Paths) -> KeyringCredentialStore:
    """Return the credential store that keeps credentials in this user's keyring."""
    from zbtui.ask import is_terminal
    from zbtui.store.keyring_backends import ALLOW_INSECURE_VARIABLE
    from zbtui.store.keyring_credentials import KeyringCredentialStore

    return KeyringCredentialStore(
        paths.locks,
        paths.fallbacks,
        allow_insecure=os.environ.get(ALLOW_INSECURE_VARIABLE) == "1",
        config=paths.config,
        is_attended=is_terminal(sys.stdin) or is_terminal(sys.stderr),
    )


@asynccontextmanager
async def open_org_service(paths: Paths, config: ConfigFile) -> AsyncIterator[OrgService]:
    """Yield an org service on this user's config, keyring and journal, and close the journal at the end."""
    from zbtui.clock import SystemClock
    from zbtui.onboarding import OrgService, Stores
    from zbtui.store.journal import open_journal
    from zbtui.zoho.http import HttpClient

    journal = open_journal(paths.journal, folders=paths.fallbacks)
    try:
        async with HttpClient() as http:
            yield OrgService(Stores(config, make_credential_store(paths), journal), http, SystemClock())
    finally:
        await journal.close()


def make_fleet(
    config: Config,
    http: HttpClient,
    credentials: CredentialStore,
    journal: Journal,
    clock: Clock,
    rng: random.Random | None = None,
) -> Fleet:
    """Build the fleet that polls the orgs in `config`: one session per org, one HTTP client for all."""
    from zbtui.watch.fleet import Fleet
    from zbtui.watch.session import Session

    def poll_function_for(org: Org) -> PollFunction:
        return Session(org, http, credentials, journal, clock).poll

    return Fleet(config, poll_function_for, journal, clock, rng)


class Watch(NamedTuple):
    """The components of a running watch."""

    config: ConfigWatcher
    fleet: Fleet
    org_service: OrgService
    alerts: AlertDispatcher


def make_watch(org_service: OrgService, config: Config, rng: random.Random | None = None) -> Watch:
    """Build a watch on the org service's stores; each of its components follows changes of the config."""
    from zbtui.alerts.dispatcher import AlertDispatcher
    from zbtui.config.config_watcher import ConfigWatcher

    stores = org_service.stores
    watcher = ConfigWatcher(
        config, stores.config.load_if_changed, lambda: stores.config.is_settled(org_service.clock.now())
    )
    fleet = make_fleet(config, org_service.http, stores.credentials, stores.journal, org_service.clock, rng)
    alerts = AlertDispatcher(
        stores.journal, org_service.http, org_service.clock, config.settings.alerts, stores.config
    )
    stores.journal.retention = config.settings.journal

    def apply(config: Config) -> None:
        fleet.apply(config)
        alerts.settings = config.settings.alerts
        stores.journal.retention = config.settings.journal

    watcher.subscribe(apply)
    return Watch(watcher, fleet, org_service, alerts)


def run_with_org_service(
    args: argparse.Namespace, act: Callable[[OrgService], Coroutine[Any, Any, int]]
) -> int:
    """Run the command `act` with an org service on this user's stores; returns the exit status."""
    from zbtui.store.worker import run_event_loop

    paths = paths_from_arguments(args)

    async def run() -> int:
        async with open_org_service(paths, make_config_file(paths)) as org_service:
            return await act(org_service)

    return run_event_loop(run())
