"""The HTML pages of the simulated Zoho, with all values escaped, and a guide with shell commands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Final
from urllib.parse import urlencode

from zbtui.demo.accounts import DEVICE_CLIENT, REGIONAL_CLIENT, WEB_CLIENT
from zbtui.demo.invented_orgs import InventedOrg
from zbtui.demo.responses import SimulatedResponse
from zbtui.demo.world import SimulatedWorld

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
}
_STYLE: Final = "body{font:1rem/1.5 sans-serif;max-width:36rem;margin:3rem auto;padding:0 1rem}"
_MAX_ORGS_IN_GUIDE: Final = 20


def _page(status: int, title: str, content: str) -> SimulatedResponse:
    """Build an HTML page; `content` is HTML, in which all values have to be escaped already."""
    html = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{content}"
        "<p><small>Zoho, simulated; nothing of it is real.</small></p></body></html>"
    )
    return SimulatedResponse(status, html.encode(), "text/html;charset=UTF-8", _HEADERS)


def message_page(title: str, text: str, status: int = 200) -> SimulatedResponse:
    """Build a page that shows only a title and a message."""
    return _page(status, title, f"<p>{escape(text)}</p>")


def code_entry_page(error: str = "") -> SimulatedResponse:
    """Build the page to enter a device's user code; `error` is the problem of the last code, if any."""
    problem = f"<p>{escape(error)}</p>" if error else ""
    return _page(
        404 if error else 200,
        "Enter the code of your device",
        f'{problem}<form method="get"><p><input name="user_code" autofocus required></p>'
        "<p><button>Go on</button></p></form>",
    )


def consent_form_page(
    client_name: str,
    scopes: Iterable[str],
    orgs: Iterable[InventedOrg],
    hidden: Mapping[str, str],
    query: Mapping[str, str] | None = None,
) -> SimulatedResponse:
    """Build the consent page: client, scopes, a choice of orgs, Accept and Reject.

    The form is sent by POST as `org` (a name) and `decision` (`accept` or `reject`).

    Args:
        hidden: further fields of the form, which are not shown.
        query: the query of the URL that the form is sent to, at the same path.
    """
    asked = "".join(f"<li>{escape(scope)}</li>" for scope in scopes)
    options = "".join(
        f'<option value="{escape(org.name)}">{escape(org.company)} ({escape(org.data_center)})</option>'
        for org in orgs
    )
    inputs = "".join(
        f'<input type="hidden" name="{escape(key)}" value="{escape(value)}">'
        for key, value in hidden.items()
    )
    action = f"?{urlencode(query)}" if query else "?"
    return _page(
        200,
        "Zoho Accounts",
        f"<p><b>{escape(client_name)}</b> would like to access:</p><ul>{asked}</ul>"
        f'<form method="post" action="{escape(action)}">{inputs}'
        f'<p><label>Of the org <select name="org">{options}</select></label></p>'
        '<p><button name="decision" value="accept">Accept</button> '
        '<button name="decision" value="reject">Reject</button></p></form>',
    )


def shell_guide(world: SimulatedWorld, base: str) -> str:
    """Return shell commands that put the simulated orgs under watch.

    `base` is the simulator's URL without a final slash.
    """
    lines = ["Zoho, simulated; nothing of it is real. To watch its orgs (on another port, see its /):", ""]
    for org in list(world.orgs.values())[:_MAX_ORGS_IN_GUIDE]:
        secrets = {"client_secret": org.client_secret, "refresh_token": org.refresh_token}
        lines += [_echo_command(secrets), _add_command(org, base, org.client_id)]
    return "\n".join(lines + _other_methods(world, base)) + "\n"


def _other_methods(world: SimulatedWorld, base: str) -> list[str]:
    """Return the lines of the guide that show the other sign-in methods."""
    by_code, by_device, by_browser = list(world.unwatched_orgs.values())[:3]
    console = f"{base}/{by_code.data_center}/console/code?org={by_code.name}"
    here, regional = by_device.data_center, REGIONAL_CLIENT
    return [
        "",
        "With a code of a self client, good for ten minutes and once. A fresh one is at",
        f"{console} (any org, at its own data center):",
        "",
        f"""echo '{{"client_secret": "{by_code.client_secret}", "code": "'$(curl -s '{console}')'"}}' |""",
        _add_command(by_code, base, by_code.client_id, " --grant code"),
        "",
        "With a device client; accept for the org on the page that is shown. The client",
        f"{regional.client_id} has another secret in each data center; here {regional.secret_for(here)}:",
        "",
        _echo_command({"client_secret": DEVICE_CLIENT.client_secret}),
        _add_command(by_device, base, DEVICE_CLIENT.client_id, " --grant device"),
        "",
        "With a web client, in a browser on this machine; any port of the loopback is registered:",
        "",
        _echo_command({"client_secret": WEB_CLIENT.client_secret}),
        _add_command(by_browser, base, WEB_CLIENT.client_id, " --grant browser"),
        "",
        "With client credentials and no refresh token:",
        "",
        _echo_command({"client_secret": by_code.client_secret}),
        _add_command(
            by_code, base, by_code.client_id, f" --grant client-credentials --soid {by_code.soid}"
        ),
    ]


def _echo_command(secrets: Mapping[str, str]) -> str:
    return f"echo '{json.dumps(secrets)}' |"


def _add_command(org: InventedOrg, base: str, client_id: str, options: str = "") -> str:
    """Return the command that puts an org under watch and reads the org's secrets from stdin."""
    url = f"{base}/{org.data_center}"
    return (
        f"  zbtui add {org.name} --data-center custom --client-id {client_id}"
        f" --accounts-url {url} --api-url {url}{options}"
    )
