"""Turns the transport errors of httpx into problems that users can read.

A problem never repeats the text of httpx's error, which may hold a URL or a header. An error that occurs
before the proxy has let the request through is reported as a problem with the proxy.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import httpx

from zbtui.model.problem import Problem
from zbtui.model.text import clean
from zbtui.zoho.proxies import Proxy
from zbtui.zoho.trust import CERTIFICATE_VARIABLES

E = TypeVar("E", bound=BaseException)

TRANSPORT_ERRORS: Final = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    zlib.error,
    OSError,
    UnicodeError,  # a header or a form that cannot be encoded; the error's repr holds the text
)

RETRIED_HINT: Final = "Tried again by itself."
STATUS_PAGE_HINT: Final = "If it lasts, see status.zoho.com."
_NETWORK_HINT: Final = "Check this machine's network."


@dataclass(slots=True)
class Route:
    """The host and proxy of one request, and whether the proxy has let the request through."""

    host: str
    """The host name, cleaned for display."""
    proxy: Proxy | None = None
    is_through: bool = False
    """Whether the proxy has let the request through."""

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Set `is_through` when an event of httpcore's "trace" extension shows it."""
        if event == "proxy.start_tls.started" or (
            event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT"
        ):
            self.is_through = True

    @property
    def blamed_proxy(self) -> Proxy | None:
        """The proxy to blame for an error; None without a proxy, or once it let the request through."""
        return None if self.is_through else self.proxy

    @property
    def far_end(self) -> str:
        """The party that a message blames: the host, or the proxy until it has let the request through."""
        if self.proxy is None:
            return self.host
        return f"{self.host} (by the proxy {self.proxy.label})" if self.is_through else self.proxy_name

    @property
    def proxy_name(self) -> str:
        return f"The proxy {self.proxy.label}" if self.proxy else ""

    @property
    def hint(self) -> str:
        if proxy := self.blamed_proxy:
            if proxy.speaks_tls:
                return f"If it speaks plain HTTP, {proxy.variable} has to begin with http:// instead of https://."
            return f"Check {proxy.variable} in the environment, and NO_PROXY."
        return _NETWORK_HINT


def network_problem(message: str, hint: str) -> Problem:
    return Problem("network", message, hint)


def unreadable_body_problem(what: str) -> Problem:
    """Return the problem for a response body that cannot be used.

    `what` completes the sentence "The answer …" of the problem's message.
    """
    return Problem(
        "contract",
        f"The answer {what}, and was not read.",
        "Something other than Zoho may answer here: a proxy, or a wrong api_url.",
    )


def environment_problem(error: Exception, proxy: Proxy | None) -> Problem:
    """Return the problem for an error that occurs before the request is sent.

    Its cause is a missing library for SOCKS proxies, certificates that cannot be read, or a limit of this
    machine.
    """
    if proxy and isinstance(error, ImportError):
        return network_problem(
            f"{proxy.variable} names a SOCKS proxy, and the library for these is not installed.",
            "Install httpx[socks] beside zbtui, or name an http:// proxy.",
        )
    number: int = getattr(error, "errno", None) or 0
    if isinstance(error, RuntimeError) or number in _MACHINE_REASONS:
        reason, hint = _MACHINE_REASONS.get(number, _NO_THREAD)
        return network_problem(f"{reason[0].upper()}{reason[1:]}.", hint)
    where = getattr(error, "filename", None) or _named_certificates()
    reason = getattr(error, "strerror", None) or type(error).__name__
    if isinstance(error, TimeoutError):
        reason = "reading them takes too long"
    return network_problem(
        f"The certificates in {where or 'the system'} cannot be read: {clean(reason, 80)}.",
        f"Correct {where} in the environment, or unset it." if where else RETRIED_HINT,
    )


def transport_problem(error: Exception, route: Route, read_seconds: float) -> Problem:
    """Return the problem for one of `TRANSPORT_ERRORS`; `read_seconds` is the read limit that it names."""
    who = route.far_end
    match error:
        case httpx.ConnectTimeout():
            secure = "secure " if route.blamed_proxy and route.blamed_proxy.speaks_tls else ""
            return network_problem(f"{who} does not answer: no {secure}connection within 10 s.", route.hint)
        case httpx.TimeoutException():
            patience = route.hint if route.blamed_proxy else STATUS_PAGE_HINT
            return network_problem(f"{who} took too long to answer (over {read_seconds:.0f} s).", patience)
        case httpx.ConnectError() if found := _find(error, ssl.SSLError):
            return _tls_problem(found, route)
        case httpx.ConnectError():
            reason, hint = _connect_reason(error)
            return network_problem(f"{who} cannot be reached: {reason}.", hint or route.hint)
        case httpx.ProxyError():
            return _proxy_problem(error, route)
        case httpx.RemoteProtocolError() | httpx.ReadError() | httpx.WriteError() | OSError():
            return network_problem(f"{who} broke the connection off before it had answered.", route.hint)
        case zlib.error():
            return unreadable_body_problem("is packed, and broken")
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | httpx.LocalProtocolError() | UnicodeError():
            return url_problem(route.host)
        case _:
            return network_problem(f"The call to {who} failed ({type(error).__name__}).", route.hint)


def url_problem(host: str) -> Problem:
    """Return the problem for a URL to which no request can be sent."""
    return Problem(
        "config",
        f"The call to {host} could not be made.",
        "Check api_url and accounts_url in the config, then sign in again.",
        final=True,
    )


# Certificates

_EXPIRED: Final = (10,)
_NOT_YET_VALID: Final = (9,)
_OTHER_NAME: Final = (62, 64)
_UNTRUSTED: Final = (2, 18, 19, 20, 21, 27)
"""These codes and those of the three constants above are OpenSSL's `X509_V_ERR_…`."""


def _tls_problem(error: ssl.SSLError, route: Route) -> Problem:
    who = route.far_end
    if not isinstance(error, ssl.SSLCertVerificationError):
        reason = clean((error.reason or type(error).__name__).replace("_", " ").lower(), 60)
        if error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
            reason = "it does not speak TLS"
        elif isinstance(error, ssl.SSLEOFError):
            reason = "the connection breaks off"
        hint = route.hint if route.blamed_proxy else "Does a proxy or a Wi-Fi sign-in page stand between?"
        return network_problem(f"{who} cannot be called securely: {reason}.", hint)
    code = getattr(error, "verify_code", 0)
    if code in _EXPIRED:
        return network_problem(
            f"{who} shows a certificate that has expired.",
            "Is this machine's date right? Else whoever runs that host, or a proxy, has to renew it.",
        )
    if code in _NOT_YET_VALID:
        return network_problem(
            f"{who} shows a certificate that is not valid yet.",
            "This machine's clock seems to be behind: have the system set it from the network.",
        )
    if code in _OTHER_NAME:
        return network_problem(
            f"{who} shows a certificate for another name.",
            "Does a proxy or a Wi-Fi sign-in page answer in its place? Or is a custom address wrong?",
        )
    if code in _UNTRUSTED:
        return network_problem(
            f"{who} shows a certificate of an issuer that is not trusted here.", _trust_hint()
        )
    reason = clean(str(getattr(error, "verify_message", "") or error.reason), 80).rstrip(".")
    return network_problem(f"{who} shows a certificate that is refused: {reason}.", _trust_hint())


def _trust_hint() -> str:
    if named := _named_certificates():
        return f"Only the certificates in {named} are trusted: add the issuer's, or unset it."
    return "Does a proxy open TLS? Add its authority to the system's certificates, or set SSL_CERT_FILE."


def _named_certificates() -> str:
    return " and ".join(name for name in CERTIFICATE_VARIABLES if os.environ.get(name))


# Connecting

_NO_THREAD: Final = ("this machine starts no more threads", "Raise its limit of tasks (ulimit -u).")
_MACHINE_REASONS: Final = {
    errno.EMFILE: ("this machine has no file handles left", "Raise the limit of open files (ulimit -n)."),
    errno.ENFILE: ("this machine has no file handles left", "End other programs."),
    errno.EAGAIN: _NO_THREAD,
}
_REFUSED: Final = {
    errno.ECONNREFUSED: "refused",
    errno.ENETUNREACH: "no route to it",
    errno.EHOSTUNREACH: "no route to it",
    errno.ETIMEDOUT: "no answer",
}


def _connect_reason(error: BaseException) -> tuple[str, str | None]:
    """Return why the connection failed, and a hint if this machine is the cause, otherwise None."""
    if found := _find(error, socket.gaierror):
        is_unanswered = found.errno == socket.EAI_AGAIN
        return ("no name server answers" if is_unanswered else "no such name"), None
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.errno in _MACHINE_REASONS:
            return _MACHINE_REASONS[cause.errno]
        if isinstance(cause, OSError) and cause.errno in _REFUSED:
            return _REFUSED[cause.errno], None
    return "no such name, or refused", None


def _proxy_problem(error: httpx.ProxyError, route: Route) -> Problem:
    """Return the problem for a request that the proxy refused.

    The text of `error` is the proxy's HTTP status, such as "407 Proxy Authentication Required".
    """
    status = str(error)[:3]
    answered = f"it answered {status}" if status.isascii() and status.isdigit() else "it refuses"
    hint = route.hint
    if status == "407" and route.proxy:
        hint = f"Put user and password into {route.proxy.variable}: http://user:password@host:port."
        if route.proxy.has_user:
            hint = (
                f"Correct user and password in {route.proxy.variable}: special characters percent-encoded."
            )
    elif status in ("502", "503", "504"):
        hint = "The proxy cannot reach Zoho itself: its operator can look."
    return network_problem(
        f"{route.proxy_name} does not let the call to {route.host} through: {answered}.", hint
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all errors that caused it, including those in exception groups."""
    pending: list[BaseException | None] = [error]
    while pending:
        if current := pending.pop():
            yield current
            pending += [current.__cause__ or current.__context__]
            if isinstance(current, BaseExceptionGroup):
                pending += current.exceptions


def _find(error: BaseException, kind: type[E]) -> E | None:
    return next((cause for cause in _causes(error) if isinstance(cause, kind)), None)
