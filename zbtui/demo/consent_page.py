"""The simulated consent page, and the redirect back to the client (Zoho's documentation: "Web apps")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from zbtui.demo import pages
from zbtui.demo.accounts import BROWSER_CODE_LIFETIME, GrantCode, RegisteredClient, parse_scopes
from zbtui.demo.invented_orgs import InventedOrg
from zbtui.demo.responses import ResponseAndOrg, SimulatedRequest, SimulatedResponse
from zbtui.demo.simulator import Simulator

_LOOPBACK_URI: Final = re.compile(r"http://(localhost|127\.0\.0\.1):[0-9]{1,5}/")


def show_consent_page(simulator: Simulator, call: SimulatedRequest) -> ResponseAndOrg:
    """Answer `GET {accounts}/oauth/v2/auth` with the consent page, and the POST of its form.

    The POST has the same query as the GET; it is answered with a redirect to the client.
    """
    asked = call.query
    client = simulator.accounts.clients.get(asked.get("client_id", ""))
    problem = _problem(simulator, call, client)
    if client is None or problem:
        return pages.message_page("Zoho cannot go on", problem, 400), None
    orgs = {org.name: org for org in simulator.world.all_orgs.values() if _may_sign_in_here(org, call)}
    if call.method != "POST":
        scopes = parse_scopes(asked["scope"])
        return pages.consent_form_page(client.name, scopes, orgs.values(), {}, asked), None
    if call.form.get("decision") != "accept":
        return _redirect(asked, {"error": "access_denied"}), None
    org = orgs.get(call.form.get("org", ""))
    if org is None:
        return pages.message_page("No such org", "Choose one of yours.", 400), None
    parameters = {
        "code": _new_code(simulator, client, org, asked),
        "location": org.data_center,
        "accounts-server": call.site.accounts_url(org.data_center),
    }
    return _redirect(asked, parameters), org.name


def _problem(simulator: Simulator, call: SimulatedRequest, client: RegisteredClient | None) -> str:
    """Return the error that the page shows for an invalid request; empty if the request is valid."""
    asked = call.query
    if client is None or client.client_type != "web" or call.site.data_center not in client.data_centers:
        return "There is no such client for browsers here: invalid_client."
    redirect_uri = asked.get("redirect_uri", "")
    loopback = simulator.allow_any_loopback_port and _LOOPBACK_URI.fullmatch(redirect_uri)
    if redirect_uri not in client.redirect_uris and not loopback:
        return "The redirect URI is not one that is registered for this client."
    if asked.get("response_type") != "code":
        return "The response type has to be code."
    if "code_challenge" in asked and asked.get("code_challenge_method") != "S256":
        return "The code challenge method has to be S256."
    try:
        parse_scopes(asked.get("scope", ""))
    except ValueError:
        return "There is no such scope: invalid_scope."
    return ""


def _may_sign_in_here(org: InventedOrg, call: SimulatedRequest) -> bool:
    """Return whether an org can sign in at the called data center: its own, or outside China the US one."""
    here = call.site.data_center
    return org.data_center == here or (here == "us" and org.data_center != "cn")


def _new_code(
    simulator: Simulator, client: RegisteredClient, org: InventedOrg, asked: Mapping[str, str]
) -> str:
    consent = simulator.accounts.give_consent(client.client_id, org, asked)
    expires_at = simulator.now() + BROWSER_CODE_LIFETIME
    code = GrantCode(consent, expires_at, asked["redirect_uri"], asked.get("code_challenge"))
    return simulator.accounts.add_code(code)


def _redirect(asked: Mapping[str, str], parameters: Mapping[str, str]) -> SimulatedResponse:
    state = {"state": asked["state"]} if "state" in asked else {}
    uri = asked["redirect_uri"]
    query = urlencode({**state, **parameters})
    location = f"{uri}{'&' if '?' in uri else '?'}{query}"
    return SimulatedResponse(302, content_type="text/html;charset=UTF-8", headers={"Location": location})
