"""The steps of a sign-in, as shown to the person who signs in. None of the values is secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RequestingFromZoho:
    """The step in which a request was sent and Zoho has not answered yet."""

    purpose: str
    """The words that complete "asking Zoho …"."""


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """A code of the device flow, and the page on which a person enters the code, in any browser."""

    user_code: str
    verification_url: str
    verification_url_with_code: str | None
    """The `verification_url` with the code in it; None if Zoho does not send such a URL."""
    expires_at: datetime
    next_poll: datetime
    poll_count: int = 0
    """The number of requests so far that asked Zoho if the code was entered."""


@dataclass(frozen=True, slots=True)
class ConsentPage:
    """Zoho's consent page, which a person opens in a browser on this machine."""

    url: str
    redirect_uri: str
    """The redirect address, exactly as registered for the client."""
    expires_at: datetime


SignInProgress = RequestingFromZoho | DeviceCode | ConsentPage
