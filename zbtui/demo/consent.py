"""The simulated consent page, and the way back to the client ("Web apps")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from zbtui.demo import pages
from zbtui.demo.accounts import BROWSER_CODE_LIFE, Client, GrantCode, read_scopes
from zbtui.demo.answers import Answer, Answered, Call
from zbtui.demo.roster import InventedOrg
from zbtui.demo.zoho import Simulator

_LOOPBACK: Final = re.compile(r"http://(localhost|127\.0\.0\.1):[0-9]{1,5}/")
_NO_WAY_BACK: Final = "The redirect URI is not one that is registered for this client."


def show_consent_page(simulator: Simulator, call: Call) -> Answered:
    """`GET {accounts}/oauth/v2/auth`; and the form that it sends, with the same query."""
    asked = call.query
    client = simulator.accounts.clients.get(asked.get("client_id", ""))
    problem = _problem(simulator, call, client)
    if client is None or problem:
        return pages.tell("Zoho cannot go on", problem, 400), None
    orgs = {org.name: org for org in simulator.world.every.values() if _may_begin_here(org, call)}
    if call.method != "POST":
        scopes = read_scopes(asked["scope"])
        return pages.decide(client.name, scopes, orgs.values(), {}, asked), None
    if call.form.get("decision") != "accept":
        return _send_back(asked, {"error": "access_denied"}), None
    org = orgs.get(call.form.get("org", ""))
    if org is None:
        return pages.tell("No such org", "Choose one of yours.", 400), None
    brought = {
        "code": _code(simulator, client, org, asked),
        "location": org.data_center,
        "accounts-server": call.site.accounts_url(org.data_center),
    }
    return _send_back(asked, brought), org.name


def _problem(simulator: Simulator, call: Call, client: Client | None) -> str:
    """Why there is nothing to consent to; the browser is not sent anywhere then. Empty: nothing."""
    asked = call.query
    if client is None or client.kind != "web" or call.site.data_center not in client.data_centers:
        return "There is no such client for browsers here: invalid_client."
    redirect_uri = asked.get("redirect_uri", "")
    loopback = simulator.loopback_redirects and _LOOPBACK.fullmatch(redirect_uri)
    if redirect_uri not in client.redirect_uris and not loopback:
        return _NO_WAY_BACK
    if asked.get("response_type") != "code":
        return "The response type has to be code."
    if "code_challenge" in asked and asked.get("code_challenge_method") != "S256":
        return "The code challenge method has to be S256."
    try:
        read_scopes(asked.get("scope", ""))
    except ValueError:
        return "There is no such scope: invalid_scope."
    return ""


def _may_begin_here(org: InventedOrg, call: Call) -> bool:
    """Everybody may begin at the first data center, but for China; elsewhere who lives there."""
    here = call.site.data_center
    return org.data_center == here or (here == "us" and org.data_center != "cn")


def _code(simulator: Simulator, client: Client, org: InventedOrg, asked: Mapping[str, str]) -> str:
    code = GrantCode(
        simulator.accounts.agree(client.client_id, org, asked),
        simulator.now() + BROWSER_CODE_LIFE,
        asked["redirect_uri"],
        asked.get("code_challenge"),
    )
    return simulator.accounts.keep_code(code)


def _send_back(asked: Mapping[str, str], brought: Mapping[str, str]) -> Answer:
    state = {"state": asked["state"]} if "state" in asked else {}
    uri = asked["redirect_uri"]
    query = urlencode({**state, **brought})
    location = f"{uri}{'&' if '?' in uri else '?'}{query}"
    return Answer(302, content_type="text/html;charset=UTF-8", headers={"Location": location})
