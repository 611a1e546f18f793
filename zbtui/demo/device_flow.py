"""The simulated device flow: device codes, polls, page for codes (Zoho's documentation: "Devices")."""

from __future__ import annotations

from urllib.parse import urlencode

from zbtui.demo import pages
from zbtui.demo.accounts import DEVICE_CODE_LIFETIME, DeviceAuthorization, parse_scopes
from zbtui.demo.responses import RefusedError, ResponseAndOrg, SimulatedRequest, json_response
from zbtui.demo.simulator import Simulator
from zbtui.demo.token_endpoints import check_client, issue_first_tokens


def issue_device_code(simulator: Simulator, call: SimulatedRequest) -> ResponseAndOrg:
    """Answer `POST {accounts}/oauth/v3/device/code`: issue a device code and its user code."""
    given = call.parameters
    try:
        client = check_client(simulator, call, ("device",), secret=False)
        if given.get("grant_type") != "device_request":
            raise RefusedError("general_error")
        parse_scopes(given.get("scope", ""))
    except RefusedError as refused:
        return refused.response(), refused.org_name
    except ValueError:
        return RefusedError("invalid_scope").response(), None
    asked = {key: given[key] for key in ("scope", "access_type", "prompt") if key in given}
    here = call.site.data_center
    text, device = simulator.accounts.add_device(client.client_id, here, asked, simulator.now())
    return json_response(200, _device_code_object(simulator, call, text, device)), None


def _device_code_object(
    simulator: Simulator, call: SimulatedRequest, text: str, device: DeviceAuthorization
) -> dict[str, str | int]:
    url = f"{call.site.accounts_url()}/oauth/v3/device"
    shown: dict[str, str | int] = {
        "user_code": device.user_code,
        "device_code": text,
        "verification_url": url,
        "verification_uri_complete": f"{url}?{urlencode({'user_code': device.user_code})}",
        # Both times are in milliseconds here; in the token answer they are in seconds.
        "expires_in": int(DEVICE_CODE_LIFETIME.total_seconds() * 1000),
    }
    interval = int(simulator.min_device_poll_interval.total_seconds() * 1000)
    return shown | {"interval": interval} if interval > 1000 else shown


def answer_device_poll(simulator: Simulator, call: SimulatedRequest) -> ResponseAndOrg:
    """Answer `POST {accounts}/oauth/v3/device/token`: one poll, which gets tokens after a consent."""
    given, text = call.parameters, call.parameters.get("code", "")
    try:
        client = check_client(simulator, call, ("device",))
        device = simulator.accounts.device_authorizations.get(text)
        if given.get("grant_type") != "device_token" or device is None:
            raise RefusedError("invalid_code")
        _accept_when_due(simulator, device)
        if device.client_id != client.client_id:
            raise RefusedError("invalid_code")
        _check_poll(simulator, device, call.site.data_center)
        assert device.consent  # otherwise `_check_poll` raises
        body = issue_first_tokens(simulator, device.consent, call.site)
    except RefusedError as refused:
        return refused.response(), refused.org_name
    del simulator.accounts.device_authorizations[text]
    return json_response(200, body), device.consent.org.name


def _accept_when_due(simulator: Simulator, device: DeviceAuthorization) -> None:
    """Accept a pending device code for the org `auto_accept_org`, if one is set.

    This happens once the time `auto_accept_after` has passed since the request for the code.
    """
    decides_at = device.requested_at + simulator.auto_accept_after
    if simulator.auto_accept_org and decides_at <= simulator.now() and device.is_pending(decides_at):
        simulator.decide_device(device, simulator.auto_accept_org)


def _check_poll(simulator: Simulator, device: DeviceAuthorization, here: str) -> None:
    """Check whether this poll of a device code gets tokens; `here` is the called data center.

    Raises:
        RefusedError: the user has not accepted, the code has expired, the poll is too early, or `here`
            is a wrong data center.
    """
    now, last = simulator.now(), device.polled_at
    org = device.consent.org.name if device.consent else None
    if here not in (device.data_center, device.home_data_center):
        raise RefusedError("invalid_code", org)
    if now >= device.expires_at:
        raise RefusedError("expired", org)
    device.polled_at = now
    if last is not None and now - last < simulator.min_device_poll_interval:
        raise RefusedError("slow_down", org)
    if device.is_denied:
        raise RefusedError("access_denied", org)
    if device.consent is None:
        raise RefusedError("authorization_pending", org)
    if here != device.home_data_center:
        raise RefusedError("other_dc", org, {"user_location": device.home_data_center})


def show_device_page(simulator: Simulator, call: SimulatedRequest) -> ResponseAndOrg:
    """Answer `GET {accounts}/oauth/v3/device`, the page to enter a user code, and the POST of its form."""
    user_code = call.parameters.get("user_code", "").strip()
    device = simulator.accounts.find_device(user_code)
    if device is None or not device.is_pending(simulator.now()):
        error = "No device waits with this code; it may have run out." if user_code else ""
        return pages.code_entry_page(error), None
    if call.method != "POST":
        client = simulator.accounts.clients[device.client_id]
        scopes = parse_scopes(device.request["scope"])
        orgs = simulator.world.all_orgs.values()
        return pages.consent_form_page(client.name, scopes, orgs, {"user_code": device.user_code}), None
    return _handle_decision(simulator, call, device)


def _handle_decision(
    simulator: Simulator, call: SimulatedRequest, device: DeviceAuthorization
) -> ResponseAndOrg:
    if call.form.get("decision") != "accept":
        simulator.decide_device(device, None)
        return pages.message_page("Rejected", "The device was told."), None
    name = call.form.get("org", "")
    if name not in simulator.world.all_orgs:
        return pages.message_page("No such org", "Choose one of yours.", 400), None
    simulator.decide_device(device, name)
    return pages.message_page("Accepted", "Go back to your device: it goes on by itself."), name
