"""What the tests of the sign-in flows share: a client, Zoho's good answers, and what must not be told."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Any

import pytest

from tests.support.clock import FakeClock
from tests.watch.scene import HastyClock
from tests.zoho.canned import Canned, InTurn, all_that_it_tells, canned
from zbtui.clock import Stop
from zbtui.core.data_centers import DATA_CENTERS, DataCenter
from zbtui.core.explain import SCOPES
from zbtui.core.progress import DeviceCode, Progress
from zbtui.core.secret import Client, Secret
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.zoho.http import Http
from zbtui.zoho.signin import Granted, sign_in_by_device

EU = DATA_CENTERS["eu"]
CLIENT = Client("1000.ACME", Secret("the-client-secret"))
CODE = Secret("1000.c0de.00grant00")

TOKEN_PATH = "/oauth/v2/token"
DEVICE_CODE_PATH = "/oauth/v3/device/code"
DEVICE_TOKEN_PATH = "/oauth/v3/device/token"

GRANTED: dict[str, Any] = {
    "access_token": "1000.aa11.bb22",
    "refresh_token": "1000.cc33.dd44",
    "scope": SCOPES.replace(",", " "),
    "api_domain": "https://www.zohoapis.eu",
    "token_type": "Bearer",
    "expires_in": 3600,
}
"""The answer to a code ("Self client")."""

TOLD: dict[str, Any] = {
    "user_code": "QW12ER34",
    "device_code": "1004.0f0f.9a9a",
    "verification_url": "https://accounts.zoho.eu/oauth/v3/device",
    "verification_uri_complete": "https://accounts.zoho.eu/oauth/v3/device?user_code=QW12ER34",
    "interval": 30_000,
    "expires_in": 300_000,
}
"""The answer to a device that asks for a code ("Devices"): times in milliseconds."""

SECRETS = ("the-client-secret", "c0de", "aa11", "cc33", "0f0f")
"""A part of each secret: what is cut short is no less told."""

PAGE = b"<!DOCTYPE html><html><body>Sign in to the Wi-Fi</body></html>"


async def refused(flow: Awaitable[object]) -> Trouble:
    """The trouble that a sign-in ends in, with no secret in anything that can be shown of it."""
    with pytest.raises(TroubleError) as caught:
        await flow
    assert_nothing_told(all_that_it_tells(caught.value))
    return caught.value.trouble


def assert_nothing_told(text: str) -> None:
    for secret in SECRETS:
        assert secret not in text


class Shown:
    """What a person was shown, as it came."""

    def __init__(self) -> None:
        self.progress: list[Progress] = []

    def __call__(self, progress: Progress) -> None:
        assert_nothing_told(repr(progress))
        self.progress.append(progress)


PENDING = canned({"error": "authorization_pending"})
DONE = canned(GRANTED)
BROKEN = ConnectionResetError()


class DeviceFlow:
    """One device flow: what Zoho answers, what was asked when, and what was shown."""

    def __init__(
        self, *polls: Canned | OSError, told: object = TOLD, status: int = 200, dc: DataCenter = EU
    ) -> None:
        self.clock: FakeClock = HastyClock()
        self.stop = Stop(self.clock)
        self.shown = Shown()
        self.polled: list[datetime] = []
        self.dc = dc
        self.app = InTurn(
            {DEVICE_CODE_PATH: [canned(told, status)], DEVICE_TOKEN_PATH: polls or [canned(GRANTED)]}
        )
        self.app.meanwhile[DEVICE_TOKEN_PATH] = self._note

    async def run(self) -> Granted:
        async with Http(self.app) as http:
            return await sign_in_by_device(http, CLIENT, self.dc, self.clock, self.stop, self.shown)

    @property
    def codes(self) -> list[DeviceCode]:
        return [one for one in self.shown.progress if isinstance(one, DeviceCode)]

    @property
    def hosts(self) -> list[str]:
        return [asked.host for asked in self.app.asked_at(DEVICE_TOKEN_PATH)]

    async def _note(self) -> None:
        self.polled.append(self.clock.now())


def told(**changed: object) -> dict[str, object]:
    return {key: value for key, value in {**TOLD, **changed}.items() if value is not None}
