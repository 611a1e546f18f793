"""The simulated device flow: codes, polls, and what a person decides."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.demo.simulator_client import BACKUP_AND_ORG_SCOPES, SimulatorClient
from tests.support.fake_clock import FakeClock
from tests.support.simulator import FakeBrowser, answer_consent_page
from zbtui.demo.accounts import DEVICE_CLIENT, REGIONAL_CLIENT, WEB_CLIENT, RegisteredClient
from zbtui.demo.device_flow import answer_device_poll, issue_device_code, show_device_page
from zbtui.demo.responses import SimulatedRequest, Site
from zbtui.demo.server import serve_in_process

MIN_POLL_INTERVAL = timedelta(seconds=30)


class Device(SimulatorClient):
    """A device that has asked for a code in the EU."""

    def __init__(self, clock: FakeClock, client: RegisteredClient = DEVICE_CLIENT, dc: str = "eu") -> None:
        super().__init__(clock)
        self.client = client
        self.dc = dc
        self.shown = self.ask()

    def ask(self, **changed: str | None) -> dict[str, Any]:
        form = {
            "client_id": self.client.client_id,
            "grant_type": "device_request",
            "scope": BACKUP_AND_ORG_SCOPES,
            "access_type": "offline",
            "prompt": "consent",
            **changed,
        }
        sent = {key: value for key, value in form.items() if value is not None}
        return self.json_of(
            issue_device_code(self.simulator, SimulatedRequest(Site(self.dc), "POST", form=sent))[0]
        )

    def poll(self, dc: str | None = None, **changed: str) -> dict[str, Any]:
        dc = dc or self.dc
        form = {
            "client_id": self.client.client_id,
            "client_secret": self.client.secret_for(dc),
            "grant_type": "device_token",
            "code": self.shown["device_code"],
            **changed,
        }
        return self.json_of(
            answer_device_poll(self.simulator, SimulatedRequest(Site(dc), "POST", form=form))[0]
        )

    def accept(self, org_name: str = "nordlys") -> None:
        self.simulator.decide_by_user_code(self.shown["user_code"], org_name)


@pytest.fixture
def device(clock: FakeClock) -> Device:
    return Device(clock)


# The code


def test_a_device_code_is_shown_in_milliseconds(device: Device) -> None:
    shown = device.shown
    code = shown.pop("user_code")
    assert re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z]{2}[0-9]{2}", code)
    assert shown.pop("device_code").startswith("1000.demo-device-")
    assert shown == {
        "verification_url": "https://accounts.zoho.eu/oauth/v3/device",
        "verification_uri_complete": f"https://accounts.zoho.eu/oauth/v3/device?user_code={code}",
        "interval": 30000,
        "expires_in": 300000,
    }


@pytest.mark.parametrize("seconds", [0.0, 0.05, 1.0])
def test_a_short_interval_is_hidden_so_that_nobody_takes_it_for_seconds(
    seconds: float, device: Device
) -> None:
    device.simulator.min_device_poll_interval = timedelta(seconds=seconds)
    assert "interval" not in device.ask()


def test_a_longer_interval_is_shown_as_it_is(device: Device) -> None:
    device.simulator.min_device_poll_interval = timedelta(seconds=3)
    assert device.ask()["interval"] == 3000


def test_no_two_codes_are_alike(device: Device) -> None:
    codes = [device.ask() for _ in range(300)]
    assert len({code["user_code"] for code in codes}) == 300
    assert len({code["device_code"] for code in codes}) == 300


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_id": "1000.NOBODY"}, "invalid_client"),
        ({"client_id": None}, "invalid_client"),
        ({"client_id": "1000.DEMO000001"}, "invalid_client"),  # a self client
        ({"client_id": WEB_CLIENT.client_id}, "invalid_client"),
        ({"scope": "ZohoCRM.backups.READ"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"grant_type": "device_token"}, "general_error"),
    ],
)
def test_a_bad_code_request_is_refused(changed: dict[str, str | None], error: str, device: Device) -> None:
    assert device.ask(**changed) == {"error": error}


# Polls


async def test_until_somebody_decides_it_is_pending(device: Device) -> None:
    for _ in range(4):
        assert device.poll() == {"error": "authorization_pending"}
        await device.clock.advance(MIN_POLL_INTERVAL)


async def test_an_accepted_device_gets_tokens_once(device: Device) -> None:
    assert device.poll() == {"error": "authorization_pending"}
    device.accept()
    await device.clock.advance(MIN_POLL_INTERVAL)
    answer = device.poll()
    assert answer["api_domain"] == "https://www.zohoapis.eu"
    assert (answer["expires_in"], answer["scope"]) == (3600, BACKUP_AND_ORG_SCOPES.replace(",", " "))
    assert device.details(answer["access_token"]).status == 200
    renewed = device.post_token_request(
        "eu", DEVICE_CLIENT, grant_type="refresh_token", refresh_token=answer["refresh_token"]
    )
    assert "access_token" in renewed
    await device.clock.advance(MIN_POLL_INTERVAL)
    assert device.poll() == {"error": "invalid_code"}


async def test_a_rejected_device_gets_the_refusal_at_each_poll(device: Device) -> None:
    device.simulator.decide_by_user_code(device.shown["user_code"], None)
    for _ in range(2):
        assert device.poll() == {"error": "access_denied"}
        await device.clock.advance(MIN_POLL_INTERVAL)


async def test_two_polls_within_thirty_seconds_are_too_fast_accepted_or_not(device: Device) -> None:
    assert device.poll() == {"error": "authorization_pending"}
    await device.clock.advance(29.9)
    device.accept()
    assert device.poll() == {"error": "slow_down"}
    await device.clock.advance(29.9)
    assert device.poll() == {"error": "slow_down"}, "counted from the last one, answered or not"
    await device.clock.advance(MIN_POLL_INTERVAL)
    assert "access_token" in device.poll()


async def test_the_interval_can_be_lowered_to_nothing(device: Device) -> None:
    device.simulator.min_device_poll_interval = timedelta(0)
    for _ in range(3):
        assert device.poll() == {"error": "authorization_pending"}


async def test_after_five_minutes_a_code_has_expired_and_cannot_be_accepted(device: Device) -> None:
    await device.clock.advance(timedelta(minutes=4, seconds=59))
    assert device.poll() == {"error": "authorization_pending"}
    await device.clock.advance(1)
    assert device.poll() == {"error": "expired"}
    with pytest.raises(KeyError):
        device.accept()


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_id": "1000.NOBODY"}, "invalid_client"),
        ({"client_secret": "wrong"}, "invalid_client_secret"),
        ({"code": "1000.demo-device-999999"}, "invalid_code"),
        ({"grant_type": "refresh_token"}, "invalid_code"),
        (
            {"client_id": REGIONAL_CLIENT.client_id, "client_secret": REGIONAL_CLIENT.secret_for("eu")},
            "invalid_code",
        ),
    ],
)
def test_a_wrong_poll_is_refused(changed: dict[str, str], error: str, device: Device) -> None:
    assert device.poll(**changed) == {"error": error}


async def test_a_code_works_only_at_the_data_center_of_the_person_who_accepted(device: Device) -> None:
    device.accept("alder")
    assert device.poll() == {"error": "other_dc", "user_location": "us"}
    await device.clock.advance(MIN_POLL_INTERVAL)
    assert device.poll("in") == {"error": "invalid_code"}
    answer = device.poll("us")
    assert answer["api_domain"] == "https://www.zohoapis.com"
    assert device.details(answer["access_token"], "us").status == 200


def test_before_anybody_accepted_a_code_is_known_where_it_was_asked_for(device: Device) -> None:
    assert device.poll("us") == {"error": "invalid_code"}


async def test_a_secret_of_its_own_is_needed_at_each_data_center(clock: FakeClock) -> None:
    device = Device(clock, REGIONAL_CLIENT)
    device.accept("alder")
    assert device.poll()["error"] == "other_dc"
    await clock.advance(MIN_POLL_INTERVAL)
    wrong = REGIONAL_CLIENT.secret_for("eu")
    assert device.poll("us", client_secret=wrong) == {"error": "invalid_client_secret"}
    assert "access_token" in device.poll("us")


async def test_an_org_can_be_forced_to_refuse_a_device_too(device: Device) -> None:
    device.simulator.forced_kinds["nordlys"] = "Access Denied"
    device.accept()
    assert device.poll()["error"] == "Access Denied"
    del device.simulator.forced_kinds["nordlys"]
    await device.clock.advance(MIN_POLL_INTERVAL)
    assert "access_token" in device.poll()


# The consent


@pytest.mark.parametrize("access_type", ["online", None])
def test_online_access_brings_no_refresh_token(access_type: str | None, device: Device) -> None:
    device.shown = device.ask(access_type=access_type)
    device.accept()
    answer = device.poll()
    assert "access_token" in answer
    assert "refresh_token" not in answer


def test_a_second_consent_without_a_prompt_brings_no_refresh_token(device: Device) -> None:
    found = []
    for prompt in (None, None, "consent"):
        device.shown = device.ask(prompt=prompt)
        device.accept()
        found.append("refresh_token" in device.poll())
    assert found == [True, False, True]


def test_a_consent_can_be_made_to_cover_less(device: Device) -> None:
    device.simulator.missing_scopes["nordlys"] = {"ZohoCRM.org.READ"}
    device.accept()
    assert device.poll()["scope"] == "ZohoCRM.bulk.backup.READ"


async def test_a_person_who_accepts_by_themselves_takes_their_time(device: Device) -> None:
    device.simulator.min_device_poll_interval = timedelta(0)
    device.simulator.auto_accept_org = "heron"
    await device.clock.advance(4)
    assert device.poll() == {"error": "authorization_pending"}
    await device.clock.advance(1)
    answer = device.poll()
    (org,) = json.loads(device.company(answer["access_token"]).body)["org"]
    assert org["company_name"] == "Heron Lake Instruments"


async def test_an_earlier_decision_counts(device: Device) -> None:
    device.simulator.auto_accept_org = "heron"
    device.simulator.decide_by_user_code(device.shown["user_code"], None)
    await device.clock.advance(10)
    assert device.poll() == {"error": "access_denied"}


@pytest.mark.parametrize("org_name", ["nordlys", None])
def test_one_decides_once_and_for_a_code_that_exists(org_name: str | None, device: Device) -> None:
    with pytest.raises(KeyError):
        device.simulator.decide_by_user_code("AA00AA00", org_name)
    device.simulator.decide_by_user_code(device.shown["user_code"], org_name)
    with pytest.raises(KeyError):
        device.simulator.decide_by_user_code(device.shown["user_code"], org_name)


def test_one_decides_for_an_org_that_exists(device: Device) -> None:
    with pytest.raises(KeyError):
        device.accept("nobody")
    assert device.poll() == {"error": "authorization_pending"}


# The page


def see(device: Device, user_code: str) -> str:
    call = SimulatedRequest(Site("eu"), query={"user_code": user_code} if user_code else {})
    return show_device_page(device.simulator, call)[0].body.decode()


def test_the_page_without_a_code_asks_for_one(device: Device) -> None:
    page = see(device, "")
    assert '<input name="user_code"' in page
    assert "Accept" not in page


def test_a_wrong_code_is_shown_and_not_repeated_as_markup(device: Device) -> None:
    page = see(device, '"><script>alert(1)</script>')
    assert "No device waits with this code" in page
    assert "script" not in page


@pytest.mark.parametrize("shape", ["{}", "{} ", "lower", "hyphens"])
def test_a_code_may_be_typed_as_people_do(shape: str, device: Device) -> None:
    code = device.shown["user_code"]
    typed = {"lower": code.lower(), "hyphens": f"{code[:4]}-{code[4:]}"}.get(shape, shape.format(code))
    page = see(device, typed)
    assert "Demo for devices" in page
    assert "ZohoCRM.bulk.backup.READ" in page
    assert "Kestrel &amp; Wren Ltd" in page


async def test_a_person_accepts_in_the_browser(device: Device) -> None:
    url = device.shown["verification_uri_complete"]
    assert await answer_consent_page(url, "nordlys", serve_in_process(device.simulator)) == url
    assert "refresh_token" in device.poll()


async def test_a_person_rejects_in_the_browser(device: Device) -> None:
    await answer_consent_page(
        device.shown["verification_uri_complete"], None, serve_in_process(device.simulator)
    )
    assert device.poll() == {"error": "access_denied"}


async def test_an_org_that_nobody_has_decides_nothing(device: Device) -> None:
    form = {"user_code": device.shown["user_code"], "decision": "accept", "org": "nobody"}
    browser = FakeBrowser(serve_in_process(device.simulator))
    assert (await browser.open(device.shown["verification_url"], form)).status_code == 400
    assert device.poll() == {"error": "authorization_pending"}


async def test_what_was_decided_cannot_be_decided_again(device: Device) -> None:
    browser = FakeBrowser(serve_in_process(device.simulator))
    url = device.shown["verification_uri_complete"]
    await browser.answer_consent(url, "nordlys")
    assert (await browser.open(url)).status_code == 404


@given(st.text(max_size=20))
def test_whatever_is_typed_as_a_code_is_answered_with_a_page(typed: str) -> None:
    device = Device(FakeClock())
    assert see(device, typed).startswith("<!DOCTYPE html>")
