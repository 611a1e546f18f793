"""The data of the simulated accounts hosts: scopes, user codes, and registered clients."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fake_clock import START
from zbtui.demo.accounts import (
    DEFAULT_SCOPES,
    DEVICE_CLIENT,
    REGIONAL_CLIENT,
    WEB_CLIENT,
    SimulatedAccounts,
    make_user_code,
    parse_scopes,
    self_client,
)
from zbtui.demo.world import SimulatedWorld
from zbtui.zoho_api.data_centers import DATA_CENTERS
from zbtui.zoho_api.errors import SIGN_IN_SCOPES

ASKED = {"scope": "ZohoCRM.org.READ"}


@given(st.text(max_size=40))
def test_a_scope_is_known_or_refused(text: str) -> None:
    try:
        scopes = parse_scopes(text)
    except ValueError:
        return
    assert scopes
    assert all(scope.startswith(("ZohoCRM.", "ZohoFiles.")) for scope in scopes)


@pytest.mark.parametrize(
    "text",
    [
        SIGN_IN_SCOPES,
        SIGN_IN_SCOPES.replace(",", " "),
        f" {SIGN_IN_SCOPES} ,",
        f"{SIGN_IN_SCOPES},{SIGN_IN_SCOPES}",
    ],
)
def test_the_scopes_that_zbtui_asks_for_exist(text: str) -> None:
    assert parse_scopes(text) == DEFAULT_SCOPES


@given(st.integers(1, 159_999), st.integers(1, 159_999))
def test_user_codes_differ_while_there_are_letters(one: int, other: int) -> None:
    assert (make_user_code(one) == make_user_code(other)) is (one == other)


@given(st.lists(st.sampled_from(" -\t"), max_size=8))
def test_a_user_code_is_found_however_it_is_spaced(blanks: list[str]) -> None:
    accounts = SimulatedAccounts([])
    _, device = accounts.add_device("1000.X", "eu", ASKED, START)
    typed = "".join(
        letter + (blanks[place] if place < len(blanks) else "")
        for place, letter in enumerate(device.user_code.lower())
    )
    assert accounts.find_device(typed) is device
    assert accounts.find_device(typed + "0") is None


def test_the_shared_clients_are_known_everywhere_and_a_self_client_at_home() -> None:
    for client in (DEVICE_CLIENT, WEB_CLIENT, REGIONAL_CLIENT):
        assert client.data_centers == tuple(DATA_CENTERS)
    assert self_client(SimulatedWorld(START).orgs["nordlys"]).data_centers == ("eu",)


def test_only_the_regional_client_has_a_secret_for_each_data_center() -> None:
    for client, count in ((DEVICE_CLIENT, 1), (WEB_CLIENT, 1), (REGIONAL_CLIENT, 11)):
        assert len({client.secret_for(key) for key in DATA_CENTERS}) == count


def test_all_secrets_are_found_by_one_pattern() -> None:
    org = SimulatedWorld(START).unwatched_orgs["heron"]
    for client in (DEVICE_CLIENT, WEB_CLIENT, REGIONAL_CLIENT, self_client(org)):
        for key in DATA_CENTERS:
            assert client.secret_for(key).startswith("demo-client-secret-")
            assert client.secret_for(key).rpartition("-")[2].isdigit()
