"""Samples for tests of the sign-in flows: a client, Zoho's good answers, secrets that must not leak."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Any

import pytest

from tests.support.fake_clock import FakeClock
from tests.watch.zoho_environment import InstantClock
from tests.zoho.canned_responses import CannedApp, CannedResponse, full_error_text, json_response
from zbtui.clock import StopSignal
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import OAuthClient, Secret
from zbtui.model.sign_in_progress import DeviceCode, SignInProgress
from zbtui.zoho.http import HttpClient
from zbtui.zoho.sign_in import ConsentResult, sign_in_by_device
from zbtui.zoho_api.data_centers import DATA_CENTERS, DataCenter
from zbtui.zoho_api.errors import SIGN_IN_SCOPES

EU = DATA_CENTERS["eu"]
CLIENT = OAuthClient("1000.ACME", Secret("the-client-secret"))
CODE = Secret("1000.c0de.00grant00")

TOKEN_PATH = "/oauth/v2/token"
DEVICE_CODE_PATH = "/oauth/v3/device/code"
DEVICE_TOKEN_PATH = "/oauth/v3/device/token"

TOKEN_ANSWER: dict[str, Any] = {
    "access_token": "1000.aa11.bb22",
    "refresh_token": "1000.cc33.dd44",
    "scope": SIGN_IN_SCOPES.replace(",", " "),
    "api_domain": "https://www.zohoapis.eu",
    "token_type": "Bearer",
    "expires_in": 3600,
}
"""Zoho's answer to a grant code ("Self client" in its documentation)."""

DEVICE_CODE_ANSWER: dict[str, Any] = {
    "user_code": "QW12ER34",
    "device_code": "1004.0f0f.9a9a",
    "verification_url": "https://accounts.zoho.eu/oauth/v3/device",
    "verification_uri_complete": "https://accounts.zoho.eu/oauth/v3/device?user_code=QW12ER34",
    "interval": 30_000,
    "expires_in": 300_000,
}
"""Zoho's answer with a device code ("Devices" in its documentation); times in milliseconds."""

SECRETS = ("the-client-secret", "c0de", "aa11", "cc33", "0f0f")
"""A part of each secret, so that a shortened secret is found as well."""

CAPTIVE_PORTAL_PAGE = b"<!DOCTYPE html><html><body>Sign in to the Wi-Fi</body></html>"


async def problem_of(flow: Awaitable[object]) -> Problem:
    """The problem that ends a sign-in; check that its error shows no secret."""
    with pytest.raises(ProblemError) as caught:
        await flow
    assert_no_secret_in(full_error_text(caught.value))
    return caught.value.problem


def assert_no_secret_in(text: str) -> None:
    for secret in SECRETS:
        assert secret not in text


class ShownProgress:
    """Records what a person is shown."""

    def __init__(self) -> None:
        self.progress: list[SignInProgress] = []

    def __call__(self, progress: SignInProgress) -> None:
        assert_no_secret_in(repr(progress))
        self.progress.append(progress)


PENDING_RESPONSE = json_response({"error": "authorization_pending"})
TOKEN_RESPONSE = json_response(TOKEN_ANSWER)
CONNECTION_RESET = ConnectionResetError()


class DeviceFlow:
    """One device flow: Zoho's answers, the times of polls, and what was shown."""

    def __init__(
        self,
        *polls: CannedResponse | OSError,
        code_answer: object = DEVICE_CODE_ANSWER,
        status: int = 200,
        dc: DataCenter = EU,
    ) -> None:
        self.clock: FakeClock = InstantClock()
        self.stop = StopSignal(self.clock)
        self.shown = ShownProgress()
        self.poll_times: list[datetime] = []
        self.dc = dc
        self.app = CannedApp(
            {
                DEVICE_CODE_PATH: [json_response(code_answer, status)],
                DEVICE_TOKEN_PATH: polls or [json_response(TOKEN_ANSWER)],
            }
        )
        self.app.during_request[DEVICE_TOKEN_PATH] = self._note

    async def run(self) -> ConsentResult:
        async with HttpClient(self.app) as http:
            return await sign_in_by_device(http, CLIENT, self.dc, self.clock, self.stop, self.shown)

    @property
    def codes(self) -> list[DeviceCode]:
        return [one for one in self.shown.progress if isinstance(one, DeviceCode)]

    @property
    def hosts(self) -> list[str]:
        return [asked.host for asked in self.app.requests_to(DEVICE_TOKEN_PATH)]

    async def _note(self) -> None:
        self.poll_times.append(self.clock.now())


def device_code_answer(**changed: object) -> dict[str, object]:
    return {key: value for key, value in {**DEVICE_CODE_ANSWER, **changed}.items() if value is not None}
