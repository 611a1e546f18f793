"""The commands `add`, `sign-in`, `remove` and `doctor --capture`, as dialogs in the terminal."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from secrets import randbelow
from shlex import quote
from shutil import get_terminal_size
from textwrap import fill
from typing import Any, Final

from zbtui.ask import (
    ask_number,
    can_encode,
    choose_sign_in_method,
    confirm,
    is_terminal,
    print_message,
    read_secrets,
)
from zbtui.config.parsing import find_org, org_to_table
from zbtui.doctor.capture import RecordingHttpClient, capture_answers, check_is_new, write_capture
from zbtui.model.org import Org, SignInMethod, grant_for
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.sign_in_progress import ConsentPage, DeviceCode, RequestingFromZoho, SignInProgress
from zbtui.model.text import clean
from zbtui.onboarding import OrgService
from zbtui.onboarding.sign_in_flow import SignInFlow, SignInPreview
from zbtui.presentation.qr import qr_rows
from zbtui.presentation.sign_in_guide import SIGN_IN_GUIDES, sign_in_steps
from zbtui.store.browser import has_graphical_browser, launch_browser
from zbtui.zoho_api.errors import data_center_label
from zbtui.zoho_api.organization import Company, describe_company

_ABOUT_CAPTURES: Final = (
    "It shows the developers of zbtui what Zoho answers where zbtui misjudges it. Ids, names, numbers, "
    "tokens and unknown words are replaced, dates are moved; read it before you give it to anybody. "
    "What zbtui makes of it is shown by:"
)
EXIT_OK, EXIT_NOT_DONE, EXIT_WRONG_USAGE = 0, 1, 3


async def add_org(
    org_service: OrgService,
    table: Mapping[str, str],
    method: SignInMethod | None,
    port: int,
    *,
    verify: bool,
    assume_yes: bool,
) -> int:
    """Sign in to an org and put it under watch; returns the exit status.

    `table` holds the keys of the org's `[[org]]` table in the config, except `grant`. If `method` is None,
    the sign-in method follows from `soid` or from the keys of the JSON on stdin, or else the user is asked
    for it.
    """
    org, method = await _resolve_org_and_method(org_service, table, method, None)
    return await _sign_in(
        org_service, org, method, port, original=None, verify=verify, assume_yes=assume_yes
    )


async def sign_in_again(
    org_service: OrgService,
    org_name: str,
    changed: Mapping[str, str],
    method: SignInMethod | None,
    port: int,
    *,
    assume_yes: bool,
) -> int:
    """Replace the credentials of an org under watch; returns the exit status.

    `changed` holds new values for keys of the org's `[[org]]` table in the config. A `method` of None is
    handled as in `add_org`.
    """
    before = find_org(org_service.stores.config.load(), org_name)
    table = org_to_table(before) | dict(changed)
    if "data_center" in changed:
        for key in ("accounts_url", "api_url"):
            table.pop(key, None)
    if method not in (None, "client-credentials"):
        table.pop("soid", None)
    org, method = await _resolve_org_and_method(org_service, table, method, org_name)
    return await _sign_in(
        org_service, org, method, port, original=before, verify=True, assume_yes=assume_yes
    )


async def remove_org(org_service: OrgService, org_name: str, *, assume_yes: bool, revoke: bool) -> int:
    """Take an org off watch and delete its credentials; returns the exit status.

    The user has to confirm this, unless `assume_yes`. `revoke` also revokes the refresh token at Zoho.
    """
    org = find_org(org_service.stores.config.load(), org_name)
    if not assume_yes:
        if not is_terminal(sys.stdin):
            print_message("Not removed: nobody is there to confirm it. Add --yes.")
            return EXIT_WRONG_USAGE
        has_token = org.grant == "refresh-token"
        what = "revoke its token at Zoho, and " if revoke and has_token else ""
        question = f"Take {org_name} off watch, {what}delete its credentials from the keyring?"
        if not confirm(question, default=False):
            print_message("Nothing was changed.")
            return EXIT_NOT_DONE
        if has_token and not revoke:
            revoke = confirm("Revoke its refresh token at Zoho, too?", default=False)
    other_config = await org_service.stores.credentials.other_config(org)
    revoked = await org_service.remove(org_name, revoke=revoke)
    ending = "; its refresh token stays valid at Zoho until revoked."
    if other_config:
        ending = f"; its sign-in stays, as it belongs to another config: {other_config}."
    elif org.grant != "refresh-token":
        ending = "."
    elif revoked:
        ending = "; its refresh token was revoked at Zoho."
    print_message(f"{org_name} is no longer under watch{ending}")
    return EXIT_OK


async def capture_org(org_service: OrgService, names: Sequence[str], file: str) -> int:
    """Write Zoho's answers for one org to the new file `file`, and print them; returns the exit status.

    What identifies the org is left out. Raises a `ProblemError` unless `names` holds exactly one name.
    """
    if len(names) != 1:
        raise ProblemError(Problem("config", "A capture is of one org.", "Name it: zbtui doctor NAME …"))
    org, stores = find_org(org_service.stores.config.load(), names[0]), org_service.stores
    check_is_new(Path(file))
    # Whole weeks, so that weekdays stay the same.
    shift = timedelta(weeks=-1 - randbelow(150))
    async with RecordingHttpClient() as http:
        capture = await capture_answers(
            org, http, stores.credentials, stores.journal, org_service.clock, shift
        )
    text = write_capture(capture, Path(file))
    if sys.stdout is not None:
        sys.stdout.write(text)
    print_message(f"\n{file} is written, as shown above, and sent to nobody. {_ABOUT_CAPTURES}")
    print_message(f"  zbtui demo --replay {quote(file)}")
    if capture.unknown_words:
        print_message("Words that zbtui does not know; put back those that tell nothing of the org:")
    for word, stand_in in capture.unknown_words.items():
        print_message(f"  {clean(word, 60)} stands there as {stand_in[:60]}")
    return EXIT_OK


async def _resolve_org_and_method(
    org_service: OrgService, table: Mapping[str, str], method: SignInMethod | None, edited_name: str | None
) -> tuple[Org, SignInMethod | None]:
    """Return the org and its sign-in method, both checked before any secret is asked for.

    The sign-in method is None if only `read_secrets` can find it out. `edited_name` is the name of the org
    that signs in again; None for a new org.
    """
    keys = {key: value for key, value in table.items() if key not in ("grant", "soid")}
    soid, has_terminal = table.get("soid"), is_terminal(sys.stdin)
    if soid:
        method = method or "client-credentials"
        keys |= {"grant": grant_for(method), "soid": soid}
    elif method == "client-credentials" and not has_terminal:
        keys |= {"grant": method}  # will be refused: without a terminal, soid cannot be asked for
    org = org_service.parse_org(keys, edited_name=edited_name)
    # Before any question: fail here if the config cannot be written, or the keyring is locked or missing.
    if edited_name is None:
        org_service.stores.config.add(org, rehearse=True)
    await org_service.stores.credentials.read_access_token(org)
    if has_terminal and method is None:
        method = choose_sign_in_method()
    if method == "client-credentials" and not soid:
        keys |= {"grant": method, "soid": f"ZohoCRM.{ask_number('The number of the org')}"}
        org = org_service.parse_org(keys, edited_name=edited_name)
    return org, method


async def _sign_in(
    org_service: OrgService,
    org: Org,
    method: SignInMethod | None,
    port: int,
    *,
    original: Org | None,
    verify: bool,
    assume_yes: bool,
) -> int:
    has_terminal = is_terminal(sys.stdin)
    if has_terminal and method is not None:
        print_message(f"{SIGN_IN_GUIDES[method].title}:")
        width = max(get_terminal_size().columns - 1, 40)
        steps = sign_in_steps(method, org.data_center, f"http://localhost:{port}/")
        for number, step in enumerate(steps, start=1):
            first, rest = f"  {number}. ", "     "
            text = fill(step, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
            print_message(text)
    method, secrets = read_secrets(method)
    flow = org_service.begin_sign_in(org, method, existing=original, port=port)
    try:
        preview = await _finish_or_cancel(
            flow, flow.sign_in(secrets.client_secret, secrets.code_or_token, _print_progress, verify=verify)
        )
        _print_preview(preview)
        must_ask = has_terminal and not assume_yes and isinstance(preview.company, Company)
        if must_ask and not confirm("Is it this one?", default=True):
            await flow.cancel()
            print_message("Nothing was changed.")
            return EXIT_NOT_DONE
        snapshot = await flow.commit()
    except BaseException:  # ctrl+c, too: cancelling revokes a new token
        await flow.cancel()
        raise
    status = snapshot.zoho.backup.status if snapshot.zoho.backup else "no backup is set up"
    shown_status = status if snapshot.zoho.observed_at else "not verified"
    place = data_center_label(snapshot.org.data_center)
    print_message(f"{org.name} ({place}) is under watch: {shown_status}.")
    return EXIT_OK


async def _finish_or_cancel(flow: SignInFlow, work: Coroutine[Any, Any, SignInPreview]) -> SignInPreview:
    """Wait for the end of a sign-in and return its preview; on ctrl+c, cancel the sign-in.

    A request in progress still ends, and a token that it brings is revoked.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await flow.cancel()
        await asyncio.wait([task])
        task.exception()  # retrieved, so that asyncio does not warn
        raise


def _print_preview(preview: SignInPreview) -> None:
    if preview.observation is None:
        return
    number = preview.company.org_number if isinstance(preview.company, Company) else None
    suffix = f" · org number {number}" if number else ""
    print_message(f"This sign-in is for: {describe_company(preview.company)}{suffix}")


def _print_progress(progress: SignInProgress) -> None:
    match progress:
        case RequestingFromZoho(what):
            print_message(f"Asking Zoho {what} …")
        case DeviceCode():
            _print_device_code(progress)
        case ConsentPage(url, redirect_uri):
            if has_graphical_browser() and launch_browser(url):
                print_message("A page opens in your browser. If none does, open")
            else:
                print_message("Open this page in a browser on this machine:")
            print_message(f"  {url}")
            print_message(f"It comes back to {redirect_uri} by itself. ctrl+c gives up.")


def _print_device_code(device: DeviceCode) -> None:
    if device.poll_count:
        return  # already shown
    if is_terminal(sys.stderr) and can_encode("▀▄█") and device.verification_url_with_code:
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
