"""The simulated consent page: what it shows, its redirects, and its codes."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.demo.simulator_client import BACKUP_AND_ORG_SCOPES, SimulatorClient
from tests.support.fake_clock import FakeClock
from tests.support.simulator import FakeBrowser, answer_consent_page
from zbtui.demo.accounts import DEVICE_CLIENT, WEB_CLIENT, RegisteredClient
from zbtui.demo.consent_page import show_consent_page
from zbtui.demo.responses import SimulatedRequest, SimulatedResponse, Site
from zbtui.demo.server import serve_in_process
from zbtui.zoho_api.data_centers import DATA_CENTERS

BACK = "http://localhost:53171/"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class ConsentVisitor(SimulatorClient):
    """A person whom the web client has sent to the consent page."""

    def query(self, **changed: str | None) -> dict[str, str]:
        whole = {
            "response_type": "code",
            "client_id": WEB_CLIENT.client_id,
            "scope": BACKUP_AND_ORG_SCOPES,
            "redirect_uri": BACK,
            "access_type": "offline",
            "prompt": "consent",
            "state": "s&t=1",
            **changed,
        }
        return {key: value for key, value in whole.items() if value is not None}

    def see(self, dc: str = "us", **changed: str | None) -> SimulatedResponse:
        return show_consent_page(self.simulator, SimulatedRequest(Site(dc), query=self.query(**changed)))[0]

    def decide(self, org: str | None, dc: str = "us", **changed: str | None) -> dict[str, str]:
        """Decide for an org, or reject (None); return the query of the redirect."""
        form = {"decision": "reject"} if org is None else {"decision": "accept", "org": org}
        call = SimulatedRequest(Site(dc), "POST", self.query(**changed), form)
        answer = show_consent_page(self.simulator, call)[0]
        assert answer.status == 302, answer.body
        location = answer.headers["Location"]
        back, _, query = location.partition("?")
        assert back == changed.get("redirect_uri", BACK)
        return {key: value for key, (value,) in parse_qs(query).items()}

    def swap(
        self, code: str, dc: str, client: RegisteredClient = WEB_CLIENT, **changed: str | None
    ) -> dict[str, Any]:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, **changed}
        return self.post_token_request(dc, client, **form)


@pytest.fixture
def visitor(clock: FakeClock) -> ConsentVisitor:
    return ConsentVisitor(clock)


# The page


def test_the_page_names_client_and_scopes_and_has_no_script(visitor: ConsentVisitor) -> None:
    answer = visitor.see()
    page = answer.body.decode()
    assert (answer.status, answer.content_type) == (200, "text/html;charset=UTF-8")
    assert "Demo for browsers" in page
    for scope in BACKUP_AND_ORG_SCOPES.split(","):
        assert f"<li>{scope}</li>" in page
    assert "<script" not in page
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_all_but_the_chinese_may_begin_at_the_first_data_center(visitor: ConsentVisitor) -> None:
    page = visitor.see().body.decode()
    for org in visitor.simulator.world.all_orgs.values():
        assert (f'value="{org.name}"' in page) is (org.data_center != "cn")


@pytest.mark.parametrize("dc", sorted(set(DATA_CENTERS) - {"us"}))
def test_at_another_data_center_the_page_offers_its_own_orgs(dc: str, visitor: ConsentVisitor) -> None:
    page = visitor.see(dc).body.decode()
    for org in visitor.simulator.world.all_orgs.values():
        assert (f'value="{org.name}"' in page) is (org.data_center == dc)


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "1000.NOBODY"},
        {"client_id": None},
        {"client_id": DEVICE_CLIENT.client_id},
        {"client_id": "1000.DEMO000001"},  # a self client
        {"redirect_uri": "http://localhost:53171"},
        {"redirect_uri": "http://localhost:53171/back"},
        {"redirect_uri": "https://localhost:53171/"},
        {"redirect_uri": "http://localhost.evil.example:53171/"},
        {"redirect_uri": "http://evil.example/?http://localhost:53171/"},
        {"redirect_uri": "http://localhost:1@evil.example:53171/"},
        {"redirect_uri": None},
        {"scope": "ZohoCRM.backups.READ"},
        {"scope": None},
        {"response_type": "token"},
        {"code_challenge": CHALLENGE, "code_challenge_method": "S512"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_wrong_request_is_an_error_page_and_the_browser_is_sent_nowhere(
    method: str, changed: dict[str, str | None], visitor: ConsentVisitor
) -> None:
    form = {"decision": "accept", "org": "nordlys"} if method == "POST" else {}
    call = SimulatedRequest(Site("us"), method, visitor.query(**changed), form)
    answer, _ = show_consent_page(visitor.simulator, call)
    assert (answer.status, answer.content_type) == (400, "text/html;charset=UTF-8")
    assert "Location" not in answer.headers
    assert b"<form" not in answer.body


@pytest.mark.parametrize("uri", ["http://localhost:40001/", "http://127.0.0.1:53171/"])
def test_any_port_of_the_loopback_counts_unless_too_literal(uri: str, visitor: ConsentVisitor) -> None:
    assert visitor.see(redirect_uri=uri).status == 200
    visitor.simulator.allow_any_loopback_port = False
    assert visitor.see(redirect_uri=uri).status == 400
    assert visitor.see().status == 200


@given(st.text(max_size=30))
def test_no_text_of_the_request_is_markup(text: str) -> None:
    page = ConsentVisitor(FakeClock()).see(state=f"<b>{text}\"'>", prompt=f"<b>{text}").body.decode()
    assert page.count("<b>") == 1, "the client's name"
    action = page.partition('action="')[2].partition('"')[0]
    assert action == escape(action.replace("&amp;", "&"))


# The redirect


def test_accepting_redirects_with_a_code_for_the_orgs_own_data_center(visitor: ConsentVisitor) -> None:
    brought = visitor.decide("nordlys")
    assert brought.pop("code").startswith("1000.demo-grant-")
    assert brought == {"state": "s&t=1", "location": "eu", "accounts-server": "https://accounts.zoho.eu"}


def test_rejecting_redirects_with_an_error(visitor: ConsentVisitor) -> None:
    assert visitor.decide(None) == {"state": "s&t=1", "error": "access_denied"}


def test_without_a_state_none_comes_back(visitor: ConsentVisitor) -> None:
    assert "state" not in visitor.decide("nordlys", state=None)


@pytest.mark.parametrize("org", ["nobody", "", "lotus"])
def test_an_org_that_is_not_offered_is_an_error_page(org: str, visitor: ConsentVisitor) -> None:
    form = {"decision": "accept", "org": org}
    answer, _ = show_consent_page(
        visitor.simulator, SimulatedRequest(Site("us"), "POST", visitor.query(), form)
    )
    assert (answer.status, "Location" in answer.headers) == (400, False)


async def test_a_browser_can_use_the_page(visitor: ConsentVisitor) -> None:
    app = serve_in_process(visitor.simulator)
    url = f"https://accounts.zoho.com/oauth/v2/auth?{urlencode(visitor.query())}"
    location = await answer_consent_page(url, "saffron", app)
    query = parse_qs(urlsplit(location).query)
    assert (query["location"], query["state"]) == (["in"], ["s&t=1"])
    rejected = parse_qs(urlsplit(await answer_consent_page(url, None, app)).query)
    assert rejected == {"error": ["access_denied"], "state": ["s&t=1"]}


async def test_a_form_that_is_not_of_this_page_grants_nothing(visitor: ConsentVisitor) -> None:
    browser = FakeBrowser(serve_in_process(visitor.simulator))
    form = {"decision": "accept", "org": "nordlys"}
    answer = await browser.open("https://accounts.zoho.com/oauth/v2/auth", form)
    assert answer.status_code == 400
    assert visitor.simulator.accounts.codes == {}


# The code


def test_the_code_is_exchanged_at_its_own_data_center_and_nowhere_else(visitor: ConsentVisitor) -> None:
    code = visitor.decide("nordlys")["code"]
    assert visitor.swap(code, "us") == {"error": "invalid_code"}
    answer = visitor.swap(code, "eu")
    assert answer["scope"] == BACKUP_AND_ORG_SCOPES.replace(",", " ")
    assert answer["api_domain"] == "https://www.zohoapis.eu"
    renewed = visitor.post_token_request(
        "eu", WEB_CLIENT, grant_type="refresh_token", refresh_token=answer["refresh_token"]
    )
    assert visitor.details(renewed["access_token"]).status == 200


async def test_the_code_lives_for_a_minute(visitor: ConsentVisitor) -> None:
    early, late = (visitor.decide("nordlys")["code"] for _ in range(2))
    await visitor.clock.advance(59)
    assert "access_token" in visitor.swap(early, "eu")
    await visitor.clock.advance(1)
    assert visitor.swap(late, "eu") == {"error": "invalid_code"}


def test_the_code_works_once(visitor: ConsentVisitor) -> None:
    code = visitor.decide("nordlys")["code"]
    assert "access_token" in visitor.swap(code, "eu")
    assert visitor.swap(code, "eu") == {"error": "invalid_code"}


@pytest.mark.parametrize("uri", ["http://localhost:53171", "http://127.0.0.1:53171/", None])
def test_the_redirect_uri_is_compared_to_the_letter(uri: str | None, visitor: ConsentVisitor) -> None:
    code = visitor.decide("nordlys")["code"]
    assert visitor.swap(code, "eu", redirect_uri=uri) == {"error": "invalid_redirect_uri"}


@pytest.mark.parametrize("verifier", ["w" * 43, CHALLENGE, "", None])
def test_pkce_needs_the_verifier_of_the_challenge(verifier: str | None, visitor: ConsentVisitor) -> None:
    pkce = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    code = visitor.decide("nordlys", "us", **pkce)["code"]
    assert visitor.swap(code, "eu", code_verifier=verifier) == {"error": "invalid_code"}
    assert "access_token" in visitor.swap(code, "eu", code_verifier=VERIFIER)


def test_a_verifier_that_nobody_asked_for_is_passed_over(visitor: ConsentVisitor) -> None:
    code = visitor.decide("nordlys")["code"]
    assert "access_token" in visitor.swap(code, "eu", code_verifier=VERIFIER)


def test_online_access_brings_no_refresh_token(visitor: ConsentVisitor) -> None:
    for access_type in ("online", None):
        code = visitor.decide("nordlys", "us", access_type=access_type)["code"]
        assert "refresh_token" not in visitor.swap(code, "eu")


def test_a_second_consent_without_a_prompt_brings_no_refresh_token(visitor: ConsentVisitor) -> None:
    found = []
    for prompt in (None, None, "consent"):
        code = visitor.decide("nordlys", "us", prompt=prompt)["code"]
        found.append("refresh_token" in visitor.swap(code, "eu"))
    assert found == [True, False, True]
    code = visitor.decide("tern", "us", prompt=None)["code"]
    assert "refresh_token" in visitor.swap(code, "eu"), "another person's first one"


@pytest.mark.parametrize("minutes", [0, 1])
async def test_an_org_can_refuse_until_its_code_is_old(minutes: int, visitor: ConsentVisitor) -> None:
    code = visitor.decide("nordlys")["code"]
    visitor.simulator.forced_kinds["nordlys"] = "invalid_client"
    assert visitor.swap(code, "eu") == {"error": "invalid_client"}
    del visitor.simulator.forced_kinds["nordlys"]
    await visitor.clock.advance(timedelta(minutes=minutes))
    assert ("access_token" in visitor.swap(code, "eu")) is (minutes == 0)
