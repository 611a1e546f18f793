"""The simulated device flow: a code to enter elsewhere, and the polls until then ("Devices")."""

from __future__ import annotations

from urllib.parse import urlencode

from zbtui.demo import pages
from zbtui.demo.accounts import DEVICE_CODE_LIFE, DeviceCode, read_scopes
from zbtui.demo.answers import Answer, Answered, Call, RefusedError, json_answer
from zbtui.demo.grants import check_client, sign_in
from zbtui.demo.zoho import Simulator


def give_device_code(simulator: Simulator, call: Call) -> Answered:
    """`POST {accounts}/oauth/v3/device/code`."""
    given = call.given
    try:
        client = check_client(simulator, call, ("device",), secret=False)
        if given.get("grant_type") != "device_request":
            raise RefusedError("general_error")
        read_scopes(given.get("scope", ""))
    except RefusedError as refused:
        return refused.answer(), refused.org
    except ValueError:
        return RefusedError("invalid_scope").answer(), None
    asked = {key: given[key] for key in ("scope", "access_type", "prompt") if key in given}
    text, device = simulator.accounts.keep_device(
        client.client_id, call.site.data_center, asked, simulator.now()
    )
    return json_answer(200, _shown(simulator, call, text, device)), None


def _shown(simulator: Simulator, call: Call, text: str, device: DeviceCode) -> dict[str, str | int]:
    url = f"{call.site.accounts_url()}/oauth/v3/device"
    shown: dict[str, str | int] = {
        "user_code": device.user_code,
        "device_code": text,
        "verification_url": url,
        "verification_uri_complete": f"{url}?{urlencode({'user_code': device.user_code})}",
        # In milliseconds, both; in the token answer it is seconds again.
        "expires_in": int(DEVICE_CODE_LIFE.total_seconds() * 1000),
    }
    interval = int(simulator.device_floor.total_seconds() * 1000)
    return shown | {"interval": interval} if interval > 1000 else shown


def give_device_token(simulator: Simulator, call: Call) -> Answered:
    """`POST {accounts}/oauth/v3/device/token`: one poll."""
    given, text = call.given, call.given.get("code", "")
    try:
        client = check_client(simulator, call, ("device",))
        device = simulator.accounts.devices.get(text)
        if given.get("grant_type") != "device_token" or device is None:
            raise RefusedError("invalid_code")
        _let_person_decide(simulator, device)
        if device.client_id != client.client_id:
            raise RefusedError("invalid_code")
        _check_poll(simulator, device, call.site.data_center)
        assert device.consent  # else it was pending
        body = sign_in(simulator, device.consent, call.site)
    except RefusedError as refused:
        return refused.answer(), refused.org
    del simulator.accounts.devices[text]
    return json_answer(200, body), device.consent.org.name


def _let_person_decide(simulator: Simulator, device: DeviceCode) -> None:
    """The person who accepts by themselves has done so when their time had come."""
    decides_at = device.asked_at + simulator.device_person_after
    if simulator.device_person and decides_at <= simulator.now() and device.awaits(decides_at):
        simulator.settle(device, simulator.device_person)


def _check_poll(simulator: Simulator, device: DeviceCode, here: str) -> None:
    """Raises:
    RefusedError: it is not time for tokens, or not here.
    """
    now, last = simulator.now(), device.last_poll
    org = device.consent.org.name if device.consent else None
    if here not in (device.data_center, device.home):
        raise RefusedError("invalid_code", org)
    if now >= device.expires_at:
        raise RefusedError("expired", org)
    device.last_poll = now
    if last is not None and now - last < simulator.device_floor:
        raise RefusedError("slow_down", org)
    if device.denied:
        raise RefusedError("access_denied", org)
    if device.consent is None:
        raise RefusedError("authorization_pending", org)
    if here != device.home:
        raise RefusedError("other_dc", org, {"user_location": device.home})


def show_device_page(simulator: Simulator, call: Call) -> Answered:
    """`GET {accounts}/oauth/v3/device`, where a person enters the code; and the form that it sends."""
    user_code = call.given.get("user_code", "").strip()
    device = simulator.accounts.device_of(user_code)
    if device is None or not device.awaits(simulator.now()):
        told = "No device waits with this code; it may have run out." if user_code else ""
        return pages.enter_code(told), None
    if call.method != "POST":
        client = simulator.accounts.clients[device.client_id]
        scopes = read_scopes(device.asked["scope"])
        orgs = simulator.world.every.values()
        return pages.decide(client.name, scopes, orgs, {"user_code": device.user_code}), None
    return _decide(simulator, call, device)


def _decide(simulator: Simulator, call: Call, device: DeviceCode) -> Answered:
    if call.form.get("decision") != "accept":
        simulator.settle(device, None)
        return pages.tell("Rejected", "The device was told."), None
    name = call.form.get("org", "")
    if name not in simulator.world.every:
        return _no_such_org(), None
    simulator.settle(device, name)
    return pages.tell("Accepted", "Go back to your device: it goes on by itself."), name


def _no_such_org() -> Answer:
    return pages.tell("No such org", "Choose one of yours.", 400)
