"""The commands that change which orgs are watched, as a conversation in the terminal."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Mapping
from shutil import get_terminal_size
from textwrap import fill
from typing import Any

from zbtui.ask import ask_number, choose_sign_in_method, confirm, is_terminal, print_message, read_secrets
from zbtui.config.parsing import find_org, org_to_table
from zbtui.model.org import Org, SignInMethod, grant_for
from zbtui.model.sign_in_progress import ConsentPage, DeviceCode, RequestingFromZoho, SignInProgress
from zbtui.onboarding import OrgService
from zbtui.onboarding.sign_in_flow import SignInFlow, SignInPreview
from zbtui.presentation.qr import qr_rows
from zbtui.presentation.sign_in_guide import SIGN_IN_GUIDES, sign_in_steps
from zbtui.store.browser import has_graphical_browser, launch_browser
from zbtui.zoho_api.errors import data_center_label
from zbtui.zoho_api.organization import Company, describe_company

EXIT_OK, EXIT_NOT_DONE, EXIT_WRONG_USAGE = 0, 1, 3


async def add_org(
    desk: OrgService,
    table: Mapping[str, str],
    method: SignInMethod | None,
    port: int,
    *,
    verify: bool,
    assume_yes: bool,
) -> int:
    """Put an org under watch.

    Args:
        table: its keys, as an `[[org]]` table has them, but for the grant.
        way: None: asked for, or told by what is piped in.
        sure: whether nobody is asked if it is the right org.
    """
    org, method = await _resolve_org_and_method(desk, table, method, None)
    return await _sign_in(desk, org, method, port, again=None, verified=verify, sure=assume_yes)


async def sign_in_again(
    desk: OrgService,
    org_name: str,
    changed: Mapping[str, str],
    method: SignInMethod | None,
    port: int,
    *,
    assume_yes: bool,
) -> int:
    """Replace what an org under watch signs in with.

    Args:
        changed: keys of its `[[org]]` that change with it, such as the client id.
    """
    before = find_org(desk.stores.config.load(), org_name)
    table = org_to_table(before) | dict(changed)
    if "data_center" in changed:
        for key in ("accounts_url", "api_url"):
            table.pop(key, None)
    if method not in (None, "client-credentials"):
        table.pop("soid", None)
    org, method = await _resolve_org_and_method(desk, table, method, org_name)
    return await _sign_in(desk, org, method, port, again=before, verified=True, sure=assume_yes)


async def remove_org(desk: OrgService, org_name: str, *, assume_yes: bool, revoke: bool) -> int:
    """Take an org off watch."""
    org = find_org(desk.stores.config.load(), org_name)
    if not assume_yes:
        if not is_terminal(sys.stdin):
            print_message("Not removed: nobody is there to confirm it. Add --yes.")
            return EXIT_WRONG_USAGE
        what = "revoke its token at Zoho, and " if revoke else ""
        question = f"Take {org_name} off watch, {what}delete its credentials from the keyring?"
        if not confirm(question, default=False):
            print_message("Nothing was changed.")
            return EXIT_NOT_DONE
        if org.grant == "refresh-token" and not revoke:
            revoke = confirm("Revoke its refresh token at Zoho, too?", default=False)
    revoked = await desk.remove(org_name, revoke=revoke)
    left = "; its refresh token stays valid at Zoho until revoked."
    if org.grant != "refresh-token":
        left = "."
    elif revoked:
        left = "; its refresh token was revoked at Zoho."
    print_message(f"{org_name} is no longer under watch{left}")
    return EXIT_OK


async def _resolve_org_and_method(
    desk: OrgService, table: Mapping[str, str], way: SignInMethod | None, besides: str | None
) -> tuple[Org, SignInMethod | None]:
    """The org and the way to sign in, checked before any secret is typed."""
    plain = {key: value for key, value in table.items() if key not in ("grant", "soid")}
    soid, there = table.get("soid"), is_terminal(sys.stdin)
    if soid:
        way = way or "client-credentials"
        plain |= {"grant": grant_for(way), "soid": soid}
    elif way == "client-credentials" and not there:
        plain |= {"grant": way}  # refused: nobody can be asked for the rest
    org = desk.parse_org(plain, edited_name=besides)
    # Before anything is asked for: a keyring that is locked or missing is told first.
    await desk.stores.credentials.read_access_token(org.name)
    if there and way is None:
        way = choose_sign_in_method()
    if way == "client-credentials" and not soid:
        plain |= {"grant": way, "soid": f"ZohoCRM.{ask_number('The number of the org')}"}
        org = desk.parse_org(plain, edited_name=besides)
    return org, way


async def _sign_in(
    desk: OrgService,
    org: Org,
    way: SignInMethod | None,
    port: int,
    *,
    again: Org | None,
    verified: bool,
    sure: bool,
) -> int:
    there = is_terminal(sys.stdin)
    if there and way is not None:
        print_message(f"{SIGN_IN_GUIDES[way].title}:")
        width = max(get_terminal_size().columns - 1, 40)
        for number, step in enumerate(
            sign_in_steps(way, org.data_center, f"http://localhost:{port}/"), start=1
        ):
            print_message(
                fill(
                    step,
                    width,
                    initial_indent=f"  {number}. ",
                    subsequent_indent="     ",
                    break_on_hyphens=False,
                )
            )
    way, secrets = read_secrets(way)
    attempt = desk.begin_sign_in(org, way, existing=again, port=port)
    try:
        found = await _finish_or_cancel(
            attempt,
            attempt.sign_in(secrets.client_secret, secrets.code_or_token, _print_progress, verify=verified),
        )
        _print_preview(found)
        is_told = isinstance(found.company, Company)
        if there and not sure and is_told and not confirm("Is it this one?", default=True):
            await attempt.cancel()
            print_message("Nothing was changed.")
            return EXIT_NOT_DONE
        known = await attempt.commit()
    except BaseException:  # ctrl+c, too: what Zoho granted is not left behind
        await attempt.cancel()
        raise
    status = known.zoho.backup.status if known.zoho.backup else "no backup is set up"
    seen = status if known.zoho.observed_at else "not verified"
    print_message(f"{org.name} ({data_center_label(known.org.data_center)}) is under watch: {seen}.")
    return EXIT_OK


async def _finish_or_cancel(attempt: SignInFlow, work: Coroutine[Any, Any, SignInPreview]) -> SignInPreview:
    """Ctrl+c stops the waiting; a request under way ends by itself, and what it brings is given back."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await attempt.cancel()
        await asyncio.wait([task])
        task.exception()  # told, so that nobody misses it: it was stopped
        raise


def _print_preview(found: SignInPreview) -> None:
    if found.observation is None:
        return
    number = found.company.org_number if isinstance(found.company, Company) else None
    print_message(
        f"This sign-in is for: {describe_company(found.company)}"
        + (f" · org number {number}" if number else "")
    )


def _print_progress(progress: SignInProgress) -> None:
    match progress:
        case RequestingFromZoho(what):
            print_message(f"Asking Zoho {what} …")
        case DeviceCode():
            _print_device_code(progress)
        case ConsentPage(url, redirect_uri):
            if has_graphical_browser():
                launch_browser(url)
                print_message("A page opens in your browser. If none does, open")
            else:
                print_message("Open this page in a browser on this machine:")
            print_message(f"  {url}")
            print_message(f"It comes back to {redirect_uri} by itself. ctrl+c gives up.")


def _print_device_code(device: DeviceCode) -> None:
    if device.poll_count:
        return  # told already
    if is_terminal(sys.stderr) and device.verification_url_with_code:
        lines = qr_rows(device.verification_url_with_code)
        if len(lines[0]) + 2 <= get_terminal_size().columns:
            print_message("")
            for line in lines:
                print_message(f"  \x1b[97;40m{line}\x1b[0m")
    print_message("")
    print_message(f"  In any browser, open  {device.verification_url}")
    print_message(f"  and enter             {device.user_code}")
    print_message("")
    print_message("Waiting for it; Zoho wants to be asked every half minute only. ctrl+c gives up.")
