"""A fleet with all its parts: one HTTP client, one session per org."""

from __future__ import annotations

import random

from zbtui.clock import Clock
from zbtui.config.settings import Config
from zbtui.store.journal import Journal
from zbtui.store.memory import Credentials
from zbtui.watch.fleet import Fleet
from zbtui.watch.session import Session
from zbtui.zoho.http import Http


def make_fleet(
    config: Config,
    http: Http,
    credentials: Credentials,
    journal: Journal,
    clock: Clock,
    *,
    luck: random.Random | None = None,
) -> Fleet:
    """A fleet that looks at the orgs of `config`, signed in.

    Args:
        luck: for the jitter.
    """
    return Fleet(
        config,
        lambda org: Session(org, http, credentials, journal, clock).look_further,
        journal,
        clock,
        luck,
    )
