"""What a person sees while signing in. None of it is secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RequestingFromZoho:
    """Zoho has not answered yet."""

    purpose: str
    """Completes "asking Zoho …"."""


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """A code, and where to enter it: in any browser."""

    user_code: str
    verification_url: str
    verification_url_with_code: str | None
    """The same URL with the code in it, if Zoho sends it."""
    expires_at: datetime
    next_poll: datetime
    poll_count: int = 0
    """How often Zoho was asked whether it was entered."""


@dataclass(frozen=True, slots=True)
class ConsentPage:
    """The consent page, to open on this machine."""

    url: str
    redirect_uri: str
    """Exactly as registered for the client."""
    expires_at: datetime


SignInProgress = RequestingFromZoho | DeviceCode | ConsentPage
