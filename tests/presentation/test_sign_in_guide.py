"""How a person gets from Zoho's API console to a sign-in."""

from __future__ import annotations

import pytest

from zbtui.model.org import SIGN_IN_METHODS, SignInMethod
from zbtui.presentation.sign_in_guide import (
    DEFAULT_REDIRECT_PORT,
    SIGN_IN_GUIDES,
    api_console_url,
    sign_in_steps,
)
from zbtui.zoho_api.data_centers import DATA_CENTERS
from zbtui.zoho_api.errors import BACKUP_SCOPE, SIGN_IN_SCOPES

REDIRECT = f"http://localhost:{DEFAULT_REDIRECT_PORT}/"


@pytest.mark.parametrize("method", SIGN_IN_METHODS)
def test_every_sign_in_method_has_its_steps_with_everything_filled_in(method: SignInMethod) -> None:
    steps = sign_in_steps(method, "eu", REDIRECT)
    assert steps
    assert not any(set("{}") & set(step) for step in steps)
    assert len(SIGN_IN_GUIDES[method].requirement.splitlines()) == 1


@pytest.mark.parametrize("method", ["code", "device", "browser", "client-credentials"])
def test_a_method_that_needs_a_client_of_its_own_names_its_type_and_where_to_make_it(
    method: SignInMethod,
) -> None:
    first = sign_in_steps(method, "in", REDIRECT)[0]
    assert "https://api-console.zoho.in" in first
    assert SIGN_IN_GUIDES[method].client_type in first


def test_the_scopes_to_paste_are_shown_to_the_letter() -> None:
    assert any(SIGN_IN_SCOPES in step for step in sign_in_steps("code", "eu", REDIRECT))
    assert BACKUP_SCOPE in SIGN_IN_GUIDES["refresh-token"].requirement


def test_the_redirect_uri_to_register_is_shown_to_the_letter() -> None:
    assert any(f" {REDIRECT} " in step for step in sign_in_steps("browser", "eu", REDIRECT))


@pytest.mark.parametrize("method", SIGN_IN_METHODS)
def test_what_is_pasted_in_the_end_is_a_code_or_a_refresh_token_if_anything(method: SignInMethod) -> None:
    pasted = {"code": "code", "refresh-token": "refresh token"}
    assert SIGN_IN_GUIDES[method].pasted_value == pasted.get(method)


@pytest.mark.parametrize("data_center", DATA_CENTERS)
def test_the_api_console_of_a_data_center_is_in_its_own_domain(data_center: str) -> None:
    domain = DATA_CENTERS[data_center].accounts_url.removeprefix("https://accounts.")
    assert api_console_url(data_center) == f"https://api-console.{domain}"


def test_a_custom_data_center_is_sent_to_the_first_console() -> None:
    assert api_console_url("custom") == "https://api-console.zoho.com"
