"""The commands that change which orgs are watched, as a conversation in the terminal."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Mapping
from shutil import get_terminal_size
from textwrap import fill
from typing import Any

from zbtui.ask import ask_number, choose_way, confirm, is_terminal, read_secrets, say
from zbtui.config.parsing import find_org, org_table
from zbtui.core.company import Company, whose_org
from zbtui.core.explain import label
from zbtui.core.guide import GUIDES, steps_of
from zbtui.core.org import Org, Way, grant_of
from zbtui.core.progress import Asking, BrowserPage, DeviceCode, Progress
from zbtui.core.qr import qr_lines
from zbtui.onboard import Desk
from zbtui.onboard.attempt import Attempt, Found
from zbtui.store.browser import has_browser, start_browser

DONE, NOT_DONE, WRONG_USAGE = 0, 1, 3


async def add(
    desk: Desk, table: Mapping[str, str], way: Way | None, port: int, *, verified: bool, sure: bool
) -> int:
    """Put an org under watch.

    Args:
        table: its keys, as an `[[org]]` table has them, but for the grant.
        way: None: asked for, or told by what is piped in.
        sure: whether nobody is asked if it is the right org.
    """
    org, way = await _settle(desk, table, way, None)
    return await _sign_in(desk, org, way, port, again=None, verified=verified, sure=sure)


async def sign_in_again(
    desk: Desk, org_name: str, changed: Mapping[str, str], way: Way | None, port: int, *, sure: bool
) -> int:
    """Replace what an org under watch signs in with.

    Args:
        changed: keys of its `[[org]]` that change with it, such as the client id.
    """
    before = find_org(desk.household.config.load(), org_name)
    table = org_table(before) | dict(changed)
    if "data_center" in changed:
        for key in ("accounts_url", "api_url"):
            table.pop(key, None)
    if way not in (None, "client-credentials"):
        table.pop("soid", None)
    org, way = await _settle(desk, table, way, org_name)
    return await _sign_in(desk, org, way, port, again=before, verified=True, sure=sure)


async def remove(desk: Desk, org_name: str, *, sure: bool, revoking: bool) -> int:
    """Take an org off watch."""
    org = find_org(desk.household.config.load(), org_name)
    if not sure:
        if not is_terminal(sys.stdin):
            say("Not removed: nobody is there to confirm it. Add --yes.")
            return WRONG_USAGE
        what = "revoke its token at Zoho, and " if revoking else ""
        question = f"Take {org_name} off watch, {what}delete its credentials from the keyring?"
        if not confirm(question, default=False):
            say("Nothing was changed.")
            return NOT_DONE
        if org.grant == "refresh-token" and not revoking:
            revoking = confirm("Revoke its refresh token at Zoho, too?", default=False)
    revoked = await desk.remove(org_name, revoking=revoking)
    left = "; its refresh token stays valid at Zoho until revoked."
    if org.grant != "refresh-token":
        left = "."
    elif revoked:
        left = "; its refresh token was revoked at Zoho."
    say(f"{org_name} is no longer under watch{left}")
    return DONE


async def _settle(
    desk: Desk, table: Mapping[str, str], way: Way | None, besides: str | None
) -> tuple[Org, Way | None]:
    """The org and the way to sign in, checked before any secret is typed."""
    plain = {key: value for key, value in table.items() if key not in ("grant", "soid")}
    soid, there = table.get("soid"), is_terminal(sys.stdin)
    if soid:
        way = way or "client-credentials"
        plain |= {"grant": grant_of(way), "soid": soid}
    elif way == "client-credentials" and not there:
        plain |= {"grant": way}  # refused: nobody can be asked for the rest
    org = desk.check(plain, besides=besides)
    # Before anything is asked for: a keyring that is locked or missing is told first.
    await desk.household.credentials.read_access(org.name)
    if there and way is None:
        way = choose_way()
    if way == "client-credentials" and not soid:
        plain |= {"grant": way, "soid": f"ZohoCRM.{ask_number('The number of the org')}"}
        org = desk.check(plain, besides=besides)
    return org, way


async def _sign_in(
    desk: Desk, org: Org, way: Way | None, port: int, *, again: Org | None, verified: bool, sure: bool
) -> int:
    there = is_terminal(sys.stdin)
    if there and way is not None:
        say(f"{GUIDES[way].title}:")
        width = max(get_terminal_size().columns - 1, 40)
        for number, step in enumerate(steps_of(way, org.data_center, f"http://localhost:{port}/"), start=1):
            say(
                fill(
                    step,
                    width,
                    initial_indent=f"  {number}. ",
                    subsequent_indent="     ",
                    break_on_hyphens=False,
                )
            )
    way, secrets = read_secrets(way)
    attempt = desk.begin(org, way, again=again, port=port)
    try:
        found = await _to_its_end(
            attempt, attempt.sign_in(secrets.client_secret, secrets.answer, _tell, verified=verified)
        )
        _tell_found(found)
        is_told = isinstance(found.company, Company)
        if there and not sure and is_told and not confirm("Is it this one?", default=True):
            await attempt.abandon()
            say("Nothing was changed.")
            return NOT_DONE
        known = await attempt.keep()
    except BaseException:  # ctrl+c, too: what Zoho granted is not left behind
        await attempt.abandon()
        raise
    status = known.zoho.backup.status if known.zoho.backup else "no backup is set up"
    seen = status if known.zoho.observed_at else "not verified"
    say(f"{org.name} ({label(known.org.data_center)}) is under watch: {seen}.")
    return DONE


async def _to_its_end(attempt: Attempt, work: Coroutine[Any, Any, Found]) -> Found:
    """Ctrl+c stops the waiting; a request under way ends by itself, and what it brings is given back."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await attempt.abandon()
        await asyncio.wait([task])
        task.exception()  # told, so that nobody misses it: it was stopped
        raise


def _tell_found(found: Found) -> None:
    if found.looked is None:
        return
    number = found.company.number if isinstance(found.company, Company) else None
    say(f"This sign-in is for: {whose_org(found.company)}" + (f" · org number {number}" if number else ""))


def _tell(progress: Progress) -> None:
    match progress:
        case Asking(what):
            say(f"Asking Zoho {what} …")
        case DeviceCode():
            _tell_device(progress)
        case BrowserPage(url, redirect_uri):
            if has_browser():
                start_browser(url)
                say("A page opens in your browser. If none does, open")
            else:
                say("Open this page in a browser on this machine:")
            say(f"  {url}")
            say(f"It comes back to {redirect_uri} by itself. ctrl+c gives up.")


def _tell_device(device: DeviceCode) -> None:
    if device.polls:
        return  # told already
    if is_terminal(sys.stderr) and device.complete_url:
        lines = qr_lines(device.complete_url)
        if len(lines[0]) + 2 <= get_terminal_size().columns:
            say("")
            for line in lines:
                say(f"  \x1b[97;40m{line}\x1b[0m")
    say("")
    say(f"  In any browser, open  {device.url}")
    say(f"  and enter             {device.user_code}")
    say("")
    say("Waiting for it; Zoho wants to be asked every half minute only. ctrl+c gives up.")
