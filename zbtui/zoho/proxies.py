"""Chooses the proxy of a request from the environment variables.

httpx could choose the proxy, but it fails for every host if it cannot parse one of the variables' entries,
and it does not report which proxy it used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies

import httpx

from zbtui.model.problem import Problem, ProblemError
from zbtui.model.text import clean
from zbtui.zoho_api.data_centers import is_loopback

_SCHEMES: Final = ("http", "https", "socks5", "socks5h")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that the environment names."""

    url: str = field(repr=False)
    """The proxy's URL, which may hold a password."""
    label: str
    """The proxy's host and port, as messages show them."""
    variable: str
    """The environment variable that names the proxy, such as `HTTPS_PROXY` or `ALL_PROXY`."""
    has_user: bool

    @property
    def speaks_tls(self) -> bool:
        return self.url.startswith("https:")


class ProxyEnvironment:
    """Chooses proxies by `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.

    If no such variable is set, the system's proxy settings apply.
    """

    def __init__(self, proxies: Mapping[str, str] | None = None) -> None:
        """Take `proxies` in the form of `urllib.request.getproxies()`; None stands for this machine's."""
        self._proxies = getproxies() if proxies is None else proxies
        self._exceptions = self._proxies.get("no", "").replace(",", " ").lower().split()

    def proxy_for(self, url: str) -> Proxy | None:
        """Return the proxy for requests to a URL, or None if they need no proxy.

        Raises a `ProblemError` if the proxy's address is invalid.
        """
        parts = urlsplit(url)
        # Secrets for a server on this machine must not pass through a proxy.
        if is_loopback(f"//{parts.netloc}") or self._is_excepted(parts):
            return None
        for scheme in (parts.scheme, "all"):
            if address := self._proxies.get(scheme, "").strip():
                return _parse_proxy(address, f"{scheme.upper()}_PROXY")
        return None

    def _is_excepted(self, parts: SplitResult) -> bool:
        return any(_matches(entry, parts) for entry in self._exceptions)


def _matches(entry: str, parts: SplitResult) -> bool:
    """Whether an entry of `NO_PROXY` matches a URL, by the URL's host, domain or network."""
    host, (scheme, separator, rest) = parts.hostname or "", entry.partition("://")
    if separator:
        if scheme not in (parts.scheme, "all"):
            return False
        entry = rest
    if entry == "*":
        return True
    try:
        network = ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        name, _, port = entry.rpartition(":") if ":" in entry else (entry, "", "")
        if port and port != str(parts.port or {"https": 443}.get(parts.scheme, 80)):
            return False
        name = name.strip("[]").lstrip("*").lstrip(".")
        return bool(name) and (host == name or host.endswith(f".{name}"))
    try:
        return ip_address(host) in network
    except ValueError:
        return False  # host names are not resolved for NO_PROXY


def _parse_proxy(address: str, variable: str) -> Proxy:
    url = address if "://" in address else f"http://{address}"
    problem = Problem(
        "network",
        f"{variable} is not the address of a proxy that zbtui could use.",
        "It has the form http://host:port or http://user:password@host:port, percent-encoded.",
    )
    try:
        parts, known = urlsplit(url), httpx.Proxy(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 1080)
    except (ValueError, httpx.InvalidURL):
        known = None
    is_whole = not any(character.isspace() for character in address)
    if known is None or not known.url.host or not is_whole or parts.scheme not in _SCHEMES:
        # Outside of `except`: the errors hold the address, which may hold a password.
        raise ProblemError(problem)
    host = f"[{known.url.host}]" if ":" in known.url.host else known.url.host
    return Proxy(url, f"{clean(host, 80)}:{port}", variable, parts.username is not None)
