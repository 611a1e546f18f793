"""What the simulated accounts hosts keep: scopes, user codes, and clients that exist."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clock import START
from zbtui.core.data_centers import DATA_CENTERS
from zbtui.core.explain import SCOPES
from zbtui.demo.accounts import (
    DEVICE_CLIENT,
    REGIONAL_CLIENT,
    USUAL_SCOPES,
    WEB_CLIENT,
    Accounts,
    read_scopes,
    self_client,
    user_code,
)
from zbtui.demo.world import World

ASKED = {"scope": "ZohoCRM.org.READ"}


@given(st.text(max_size=40))
def test_a_scope_is_known_or_refused(text: str) -> None:
    try:
        scopes = read_scopes(text)
    except ValueError:
        return
    assert scopes
    assert all(scope.startswith(("ZohoCRM.", "ZohoFiles.")) for scope in scopes)


@pytest.mark.parametrize("text", [SCOPES, SCOPES.replace(",", " "), f" {SCOPES} ,", f"{SCOPES},{SCOPES}"])
def test_the_scopes_that_zbtui_asks_for_exist(text: str) -> None:
    assert read_scopes(text) == USUAL_SCOPES


@given(st.integers(1, 159_999), st.integers(1, 159_999))
def test_user_codes_differ_while_there_are_letters(one: int, other: int) -> None:
    assert (user_code(one) == user_code(other)) is (one == other)


@given(st.lists(st.sampled_from(" -\t"), max_size=8))
def test_a_user_code_is_found_however_it_is_spaced(blanks: list[str]) -> None:
    accounts = Accounts([])
    _, device = accounts.keep_device("1000.X", "eu", ASKED, START)
    typed = "".join(
        letter + (blanks[place] if place < len(blanks) else "")
        for place, letter in enumerate(device.user_code.lower())
    )
    assert accounts.device_of(typed) is device
    assert accounts.device_of(typed + "0") is None


def test_the_shared_clients_are_known_everywhere_and_a_self_client_at_home() -> None:
    for client in (DEVICE_CLIENT, WEB_CLIENT, REGIONAL_CLIENT):
        assert client.data_centers == tuple(DATA_CENTERS)
    assert self_client(World(START).orgs["nordlys"]).data_centers == ("eu",)


def test_only_the_regional_client_has_a_secret_for_each_data_center() -> None:
    for client, count in ((DEVICE_CLIENT, 1), (WEB_CLIENT, 1), (REGIONAL_CLIENT, 11)):
        assert len({client.secret_at(key) for key in DATA_CENTERS}) == count


def test_all_secrets_are_found_by_one_pattern() -> None:
    org = World(START).newcomers["heron"]
    for client in (DEVICE_CLIENT, WEB_CLIENT, REGIONAL_CLIENT, self_client(org)):
        for key in DATA_CENTERS:
            assert client.secret_at(key).startswith("demo-client-secret-")
            assert client.secret_at(key).rpartition("-")[2].isdigit()
