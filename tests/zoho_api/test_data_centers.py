"""The data centers' hosts, and which of them may get a secret or a token."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zbtui.model.org import CUSTOM_DATA_CENTER, Org
from zbtui.zoho.client import DETAILS_PATH
from zbtui.zoho_api.data_centers import (
    DATA_CENTERS,
    DataCenter,
    custom_url_error,
    data_center_of,
    is_accounts_url,
    is_loopback,
    trusted_api_url,
    trusted_data_center,
    webhook_url_error,
)

EU = DATA_CENTERS["eu"]
PORTAL = DataCenter(
    CUSTOM_DATA_CENTER, "https://accounts.portal.example", "https://api.portal.example:8443/crm"
)
LOCAL = DataCenter(CUSTOM_DATA_CENTER, "http://127.0.0.1:8000/eu", "http://127.0.0.1:8000/eu")


@pytest.mark.parametrize(
    ("key", "accounts", "api"),
    [
        ("us", "accounts.zoho.com", "www.zohoapis.com"),
        ("eu", "accounts.zoho.eu", "www.zohoapis.eu"),
        ("in", "accounts.zoho.in", "www.zohoapis.in"),
        ("au", "accounts.zoho.com.au", "www.zohoapis.com.au"),
        ("jp", "accounts.zoho.jp", "www.zohoapis.jp"),
        ("cn", "accounts.zoho.com.cn", "www.zohoapis.com.cn"),
        ("ca", "accounts.zohocloud.ca", "www.zohoapis.ca"),
        ("sa", "accounts.zoho.sa", "www.zohoapis.sa"),
        ("uk", "accounts.zoho.uk", "www.zohoapis.uk"),
        ("ae", "accounts.zoho.ae", "www.zohoapis.ae"),
        ("sg", "accounts.zoho.sg", "www.zohoapis.sg"),
    ],
)
def test_each_data_center_signs_in_and_answers_at_hosts_of_its_own(
    key: str, accounts: str, api: str
) -> None:
    found = data_center_of(Org("acme", key, "1000.A"))
    assert found == DataCenter(key, f"https://{accounts}", f"https://{api}")


def test_there_are_eleven_data_centers_and_no_two_share_a_host() -> None:
    hosts = {url for dc in DATA_CENTERS.values() for url in (dc.accounts_url, dc.api_url)}
    assert (len(DATA_CENTERS), len(hosts)) == (11, 22)


def test_a_custom_data_center_is_where_the_org_says() -> None:
    org = Org(
        "acme",
        CUSTOM_DATA_CENTER,
        "1000.A",
        accounts_url="https://accounts.portal.example/",
        api_url="https://api.portal.example/crm/",
    )
    assert data_center_of(org) == DataCenter(
        CUSTOM_DATA_CENTER, "https://accounts.portal.example", "https://api.portal.example/crm"
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://accounts.example.com",
        "https://accounts.example.com:8443/portal",
        "https://127.0.0.1",
        "http://127.0.0.1:8000/eu",
        "http://127.0.0.2:8000",
        "http://localhost:8000",
        "http://LOCALHOST:8000",
        "http://[::1]:8000",
    ],
)
def test_a_custom_url_may_be_https_anywhere_and_http_on_this_machine(url: str) -> None:
    assert custom_url_error(url) is None


def test_a_webhook_may_have_a_query_and_a_custom_url_may_not() -> None:
    assert webhook_url_error("https://hooks.example.com/x?sig=1") is None
    assert webhook_url_error("http://127.0.0.1:8000/x?sig=1") is None
    assert custom_url_error("https://hooks.example.com/x?sig=1") is not None


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example.com/?x", "https://me@hooks.example.com/?x", "https://hooks.example.com/?x#y"],
)
def test_a_webhook_is_https_without_user_or_fragment(url: str) -> None:
    assert webhook_url_error(url) is not None


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://accounts.example.com", "https"),
        ("http://localhost.example.com", "https"),
        ("http://127.0.0.1.example.com", "https"),
        ("http://0.0.0.0:8000", "https"),
        ("http://192.168.0.1", "https"),
        ("ftp://127.0.0.1", "https"),
        ("//accounts.example.com", "https"),
        ("https://user@accounts.example.com", "user"),
        ("https://user:word@accounts.example.com", "user"),
        ("https://@accounts.example.com", "user"),
        ("https://accounts.example.com?x=1", "query"),
        ("https://accounts.example.com#x", "fragment"),
        ("https://accounts.example.com?", "query"),
        ("https://accounts.example.com/#", "fragment"),
        ("accounts.example.com", "URL"),
        ("https://", "URL"),
        ("https:///path", "URL"),
        ("https://accounts.example.com:port", "URL"),
        ("https://accounts.example.com:99999", "URL"),
        ("https://[::1", "URL"),
        ("https://accounts.example.com\\@127.0.0.1", "URL"),
        ("https://accounts.example.com /", "URL"),
        ("https://accounts.example\tcom", "URL"),
        ("https://accounts.examplé.com", "URL"),
        ("https://accounts.example\x00.com", "URL"),
        ("", "URL"),
    ],
)
def test_any_other_custom_url_is_refused_and_shown_why(url: str, word: str) -> None:
    wrong = custom_url_error(url)
    assert wrong is not None
    assert word in wrong


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://127.9.9.9", True),
        ("http://localhost", True),
        ("http://[::1]:80", True),
        ("http://localhost.example.com", False),
        ("http://128.0.0.1", False),
        ("https://www.zohoapis.eu", False),
        ("https://[::1", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_itself_and_nothing_else(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


@pytest.mark.parametrize(
    "answered",
    [
        "https://www.zohoapis.eu",
        "https://www.zohoapis.com",
        "https://www.zohoapis.com.cn",
        "https://sandbox.zohoapis.eu",
        "https://developer.zohoapis.com.au",
    ],
)
def test_the_answered_api_domain_is_trusted_where_it_is_on_the_table(answered: str) -> None:
    assert trusted_api_url(answered, EU) == answered


def test_a_slash_after_the_answered_api_domain_is_dropped() -> None:
    assert trusted_api_url("https://www.zohoapis.com/", EU) == "https://www.zohoapis.com"


@pytest.mark.parametrize(
    "answered",
    [
        None,
        7,
        [],
        "",
        "https://evil.example",
        "https://api.zoho.com",
        "http://www.zohoapis.eu",
        "https://www.zohoapis.eu.evil.example",
        "https://evil.example/www.zohoapis.eu",
        "https://www.zohoapis.eu@evil.example",
        "https://evil.example#www.zohoapis.eu",
        "https://evil.example\\@www.zohoapis.eu",
        "https://www.zohoapis.eu:8443",
        "https://www.zohoapis.eu/redirect",
        "https://user@www.zohoapis.eu",
        "https://zohoapis.eu",
        "https://www.zohoapis.eu.",
        "https://www.zohoapis.eu?",
        "https://www.zohoapis.eu#",
        "https://www.zohoapis.eu?to=https://evil.example",
        "//www.zohoapis.eu",
        "https://www.zohoapis.\u0435u",
        "https://www.zohoapis.eu\r\nHost: evil.example",
        "https://www.zohoapis.eu" + "/" * 300,
        "http://127.0.0.1:8000",
        "https://[::1",
    ],
)
def test_any_other_answered_api_domain_is_replaced_by_the_tables_own(answered: object) -> None:
    assert trusted_api_url(answered, EU) == EU.api_url


@pytest.mark.parametrize(
    ("answered", "dc", "expected"),
    [
        ("https://api.portal.example:8443/other", PORTAL, "https://api.portal.example:8443/other"),
        ("https://api.portal.example", PORTAL, PORTAL.api_url),
        ("http://api.portal.example:8443", PORTAL, PORTAL.api_url),
        ("https://evil.example", PORTAL, PORTAL.api_url),
        ("http://127.0.0.1:8000", PORTAL, PORTAL.api_url),
        ("http://localhost:9000/uk", LOCAL, "http://localhost:9000/uk"),
        ("http://evil.example", LOCAL, LOCAL.api_url),
        ("ftp://127.0.0.1", LOCAL, LOCAL.api_url),
    ],
)
def test_a_custom_data_center_trusts_its_own_host_and_on_loopback_the_loopback(
    answered: str, dc: DataCenter, expected: str
) -> None:
    assert trusted_api_url(answered, dc) == expected


PARTS = st.tuples(
    st.sampled_from(["https://", "http://", "HTTPS://", "//", "https:", "https:\\\\", "ftp://", ""]),
    st.sampled_from(["", "user@", "www.zohoapis.eu@", "www.zohoapis.eu:x@", "@", "evil.example\\@"]),
    st.sampled_from(
        [
            "www.zohoapis.eu",
            "WWW.ZOHOAPIS.EU",
            "sandbox.zohoapis.com.cn",
            "evil.example",
            "www.zohoapis.eu.evil.example",
            "api.portal.example:8443",
            "127.0.0.1:8000",
            "[::1]",
            "localhost",
            "[::ffff:10.0.0.1]",
            "2130706433",
            "",
        ]
    ),
    st.sampled_from(["", ":", ":443", ":80", ":0", ":x", ":99999"]),
    st.sampled_from(["", "/", "/a/../..", "//evil.example", "?", "#", "?@evil.example", "\\.evil.example"]),
    st.text(max_size=3),
).map("".join)


@settings(max_examples=300, deadline=None)
@given(answered=PARTS | st.text(max_size=40), dc=st.sampled_from([EU, PORTAL, LOCAL]))
@example(answered="https://evil.example\\@www.zohoapis.eu", dc=EU)
@example(answered="https://www.zohoapis.eu\t.evil.example", dc=EU)
@example(answered="http://localhost@evil.example", dc=LOCAL)
def test_whatever_is_answered_the_token_goes_to_a_trusted_host_only(answered: str, dc: DataCenter) -> None:
    """The URL is read by the HTTP client's own parser, which decides where the request goes."""
    url = httpx.URL(trusted_api_url(answered, dc) + DETAILS_PATH)
    assert url.userinfo == b""
    if dc is EU:
        assert (url.scheme, url.port) == ("https", None)
        assert url.host.partition(".")[0] in ("www", "sandbox", "developer")
        assert f"https://www.{url.host.partition('.')[2]}" in {x.api_url for x in DATA_CENTERS.values()}
    elif dc is PORTAL:
        assert (url.scheme, url.host, url.port) == ("https", "api.portal.example", 8443)
    else:
        assert is_loopback(str(url))
        assert urlsplit(str(url)).scheme in ("http", "https")


# Accounts hosts, which may get secrets and which a person may be sent to


@pytest.mark.parametrize("asked", ["us", "eu", "cn"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_accounts_host_of_the_table_is_trusted_wherever_the_sign_in_began(
    asked: str, slash: str
) -> None:
    for dc in DATA_CENTERS.values():
        assert trusted_data_center(dc.accounts_url + slash, DATA_CENTERS[asked]) == dc
        assert is_accounts_url(f"{dc.accounts_url}/oauth/v3/device", DATA_CENTERS[asked])


def test_an_org_with_urls_of_its_own_trusts_its_own_accounts_host_and_no_other() -> None:
    assert trusted_data_center("https://accounts.portal.example", PORTAL) == PORTAL
    assert trusted_data_center("https://accounts.zoho.eu", PORTAL) is None
    assert trusted_data_center("http://127.0.0.1:8000/in", LOCAL) is None
    assert is_accounts_url("https://accounts.portal.example/device", PORTAL)
    assert not is_accounts_url("https://accounts.zoho.eu/device", PORTAL)


@pytest.mark.parametrize(
    "url",
    [
        "http://accounts.zoho.eu",
        "https://accounts.zoho.eu:443",
        "https://accounts.zoho.eu.evil.example",
        "https://evil.example/accounts.zoho.eu",
        "https://accounts.zoho.eu@evil.example",
        "https://accounts.zoho.eu\\.evil.example",
        "https://accounts.zoho.eu.",
        " https://accounts.zoho.eu",
        "https://accounts.zoho.eu\n",
        "https://www.zohoapis.eu",
        "//accounts.zoho.eu",
        "https://",
        "",
    ],
)
def test_nothing_that_only_resembles_an_accounts_host_is_one(url: str) -> None:
    assert trusted_data_center(url, EU) is None
    assert not is_accounts_url(url, EU)


@pytest.mark.parametrize("answered", [None, 5, ["https://accounts.zoho.eu"], b"https://accounts.zoho.eu"])
def test_an_accounts_host_that_is_no_text_is_none(answered: object) -> None:
    assert trusted_data_center(answered, EU) is None


@given(
    url=st.text(max_size=60) | st.from_regex(r"https://accounts\.zoho\.[a-z.@:/\\]{1,20}", fullmatch=True)
)
def test_a_page_that_a_person_is_sent_to_is_on_an_accounts_host_for_the_browser_as_well(url: str) -> None:
    if is_accounts_url(url, EU):
        parsed = httpx.URL(url)
        hosts = {httpx.URL(dc.accounts_url).host for dc in DATA_CENTERS.values()}
        assert (parsed.scheme, parsed.host in hosts, parsed.port) == ("https", True, None)
