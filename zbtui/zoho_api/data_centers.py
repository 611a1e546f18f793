"""Zoho's data centers ("Multi DC"), and checks of the hosts to which tokens and secrets are sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from zbtui.model.org import CUSTOM_DATA_CENTER, Org


@dataclass(frozen=True, slots=True)
class DataCenter:
    """One data center: its key, and the URLs of its hosts without a trailing slash."""

    key: str
    accounts_url: str
    api_url: str

    def web_host(self, service: str) -> str:
        """Return the host of a web service of Zoho's, such as `crm` or `api-console`; not for `custom`."""
        return self.accounts_url.replace("https://accounts.", f"{service}.", 1)


_DOMAINS: Final = {
    "us": ("zoho.com", "zohoapis.com"),
    "eu": ("zoho.eu", "zohoapis.eu"),
    "in": ("zoho.in", "zohoapis.in"),
    "au": ("zoho.com.au", "zohoapis.com.au"),
    "jp": ("zoho.jp", "zohoapis.jp"),
    "cn": ("zoho.com.cn", "zohoapis.com.cn"),
    "ca": ("zohocloud.ca", "zohoapis.ca"),
    "sa": ("zoho.sa", "zohoapis.sa"),
    "uk": ("zoho.uk", "zohoapis.uk"),
    "ae": ("zoho.ae", "zohoapis.ae"),
    "sg": ("zoho.sg", "zohoapis.sg"),
}
DATA_CENTERS: Final = {
    key: DataCenter(key, f"https://accounts.{domain}", f"https://www.{api_domain}")
    for key, (domain, api_domain) in _DOMAINS.items()
}

_URL_CHARACTERS: Final = re.compile(r"[\x21-\x5b\x5d-\x7e]+")
"""The characters allowed in a URL: printable ASCII without space and backslash."""

_API_HOSTS: Final = frozenset(
    prefix + host.removeprefix("www.")
    for dc in DATA_CENTERS.values()
    if (host := urlsplit(dc.api_url).hostname)
    for prefix in ("www.", "sandbox.", "developer.")
)


def data_center_of(org: Org) -> DataCenter:
    """Return the org's data center: a row of `DATA_CENTERS`, or the org's own custom URLs."""
    if org.data_center == CUSTOM_DATA_CENTER:
        return DataCenter(
            CUSTOM_DATA_CENTER, (org.accounts_url or "").rstrip("/"), (org.api_url or "").rstrip("/")
        )
    return DATA_CENTERS[org.data_center]


def trusted_data_center(answered: object, dc: DataCenter) -> DataCenter | None:
    """Return the data center whose accounts URL is `answered`, a value from an answer of Zoho's.

    None if no secret is to be sent to that URL. Trusted are the accounts URLs in `DATA_CENTERS`; a custom
    data center trusts only its own accounts URL.
    """
    if not isinstance(answered, str) or len(answered) > 300:
        return None
    url = answered.rstrip("/")
    if dc.key == CUSTOM_DATA_CENTER:
        return dc if url == dc.accounts_url else None
    return next((row for row in DATA_CENTERS.values() if row.accounts_url == url), None)


def is_accounts_url(url: str, dc: DataCenter) -> bool:
    """Whether a URL that a person is asked to open is on a trusted accounts host."""
    parts = _split_url(url) if len(url) <= 500 else None
    if parts is None:
        return False
    rows = [dc] if dc.key == CUSTOM_DATA_CENTER else [dc, *DATA_CENTERS.values()]
    accounts_urls = [_split_url(row.accounts_url) for row in rows]
    site = (parts.scheme, parts.netloc)  # with a user, it equals none
    return any(each is not None and (each.scheme, each.netloc) == site for each in accounts_urls)


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine (`localhost` or a loopback address)."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def custom_url_error(url: str) -> str | None:
    """Return what is wrong with a custom `accounts_url` or `api_url`; None if nothing is wrong."""
    return webhook_url_error(url) or ("must have no query" if "?" in url else None)


def webhook_url_error(url: str) -> str | None:
    """Return what is wrong with the URL of a webhook, which can have a query; None if nothing is wrong."""
    parts = _split_url(url)
    if parts is None or not parts.hostname:
        return "is not a URL such as https://www.example.com"
    if parts.username is not None or "#" in url:
        return "must have no user and no fragment"
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(url)):
        return "must begin with https:// (http:// only on this machine itself)"
    return None


def trusted_api_url(answered: object, dc: DataCenter) -> str:
    """Return `answered`, the `api_domain` of a token answer, if it is trusted; else the API URL of `dc`.

    Access tokens are sent to the returned URL. Trusted are the https hosts in `DATA_CENTERS`, with their
    sandbox and developer hosts. A custom data center trusts only its own `api_url` or, if that is on
    loopback, any loopback URL.
    """
    if not isinstance(answered, str) or len(answered) > 300:
        return dc.api_url
    url = answered.rstrip("/")
    parts = _split_url(url)
    if parts is None or parts.username is not None or "?" in url or "#" in url:
        return dc.api_url
    is_listed = (
        parts.scheme == "https" and parts.hostname in _API_HOSTS and parts.port is None and not parts.path
    )
    own_parts = _split_url(dc.api_url)
    is_own = own_parts is not None and (parts.scheme, parts.netloc) == (own_parts.scheme, own_parts.netloc)
    is_local = parts.scheme in ("http", "https") and is_loopback(url) and is_loopback(dc.api_url)
    if dc.key == CUSTOM_DATA_CENTER:
        return url if is_own or is_local else dc.api_url
    return url if is_listed else dc.api_url


def _split_url(url: str) -> SplitResult | None:
    # Refuse characters that the HTTP client may read differently than urlsplit.
    if not _URL_CHARACTERS.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError if the port is not valid
    except ValueError:
        return None
    return parts
