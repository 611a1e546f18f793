"""From "add an org" to verified credentials in the keyring, and back. All of it, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from zbtui.core.org import Org
from zbtui.core.secret import AccessToken, SignIn
from zbtui.core.snapshot import Looked
from zbtui.core.trouble import TroubleError
from zbtui.store.config import Rules, add_org, check_free, find_org, load_config, remove_org
from zbtui.store.credentials import FOREIGN_ENTRY
from zbtui.store.journal import Journal
from zbtui.store.memory import Credentials
from zbtui.zoho.client import fetch_details
from zbtui.zoho.datacenter import data_center_of
from zbtui.zoho.http import Http
from zbtui.zoho.oauth import request_access_token


@dataclass(frozen=True, slots=True)
class Household:
    """The stores that an org is put into."""

    config: Path
    config_lock: Path
    rules: Rules
    credentials: Credentials
    journal: Journal


async def verify(http: Http, org: Org, sign_in: SignIn, now: datetime) -> tuple[AccessToken, Looked]:
    """Ask Zoho for a token and for the backup, as the watch will.

    Raises:
        TroubleError: what keeps this sign-in from being of use.
    """
    access = await request_access_token(http, org, data_center_of(org), sign_in, now)
    return access, await fetch_details(http, access, org.data_center, now)


async def put_under_watch(
    household: Household, http: Http, org: Org, sign_in: SignIn, now: datetime, *, verified: bool = True
) -> Looked | None:
    """Verify, keep the credentials, then name the org in the config.

    Args:
        verified: whether Zoho is asked first.

    Returns:
        What the first look saw; None where Zoho was not asked.

    Raises:
        TroubleError: config and keyring are as they were.
    """
    check_free(load_config(household.config, household.rules), org.name)
    access, looked = await verify(http, org, sign_in, now) if verified else (None, None)
    credentials = household.credentials
    async with credentials.refreshing(org.name):
        before = await _read_before(credentials, org.name)
        try:
            await credentials.delete(org.name)  # an access token of another sign-in must not outlive it
            await credentials.write_sign_in(org.name, sign_in)
            if access:
                await credentials.write_access(org.name, access)
            await household.journal.forget(org.name)
            add_org(household.config, household.config_lock, org, household.rules)
        except BaseException:
            await _restore(credentials, org.name, before)
            raise
    return looked


async def take_off_watch(household: Household, org_name: str) -> None:
    """Delete the credentials, the config's entry and what the journal keeps.

    Raises:
        TroubleError: config and keyring are as they were.
    """
    find_org(load_config(household.config, household.rules), org_name)
    async with household.credentials.refreshing(org_name):
        before = await _read_before(household.credentials, org_name)
        try:
            await household.credentials.delete(org_name)
            remove_org(household.config, household.config_lock, org_name, household.rules)
        except BaseException:
            await _restore(household.credentials, org_name, before)
            raise
    await household.journal.forget(org_name)


async def _read_before(credentials: Credentials, org_name: str) -> SignIn | None:
    """What to go back to on failure; an entry that is not zbtui's is nothing to go back to."""
    try:
        return await credentials.read_sign_in(org_name)
    except TroubleError as error:
        if error.trouble.code != FOREIGN_ENTRY:
            raise
        return None


async def _restore(credentials: Credentials, org_name: str, before: SignIn | None) -> None:
    try:
        await credentials.delete(org_name)  # the new sign-in's token with it
        if before is not None:
            await credentials.write_sign_in(org_name, before)
    except TroubleError:
        pass  # the first trouble is the one to tell; a keyring that fails twice cannot be helped
